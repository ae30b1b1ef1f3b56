"""What runs keep: known by name, counted with all that lies below, links left out."""

import re

from kd_jax.storage import kept


def test_sizes_are_sums_of_files_and_links_count_as_links(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "x").write_bytes(bytes(3000))
    (tmp_path / "a" / "b" / "y").write_bytes(bytes(500))
    (tmp_path / "big").write_bytes(bytes(100_000))
    before = kept.size(tmp_path / "a")
    assert 3500 <= before < 3500 + 10_000  # and what the folder itself takes
    (tmp_path / "a" / "link").symlink_to(tmp_path / "big")
    assert kept.size(tmp_path / "a") < before + 10_000
    assert kept.size(tmp_path / "none") == 0


def test_entries_are_those_of_whole_names(tmp_path):
    for name in ("abc", "abcd", "xabc"):
        (tmp_path / name).write_text("")
    assert [x.name for x in kept.named(tmp_path, re.compile("abc"))] == ["abc"]
    assert kept.named(tmp_path / "none", re.compile("abc")) == []
