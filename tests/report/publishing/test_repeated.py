"""A record that another base seed repeats: a page of what held, and a line on the experiment's."""

import json
import re
import shutil

import pytest
from small_repository import committed, finished, repository

from kd_jax.errors import InputError
from kd_jax.report.publishing import publish, repeated

TABLE = """Errors.

| method      | test errors | vs. labels only [95 %] | verdict |
|-------------|-------------|------------------------|---------|
| soft, T=1   | 10.0        | −5.0 [−8.0, −2.0]      | BEATS   |
| soft, T=2   | 11.0        | −4.0 [−7.0, −1.0]      | BEATS   |
| label noise | 30.0        | +9.0 [+7.0, +11.0]     | WORSE   |
"""


def run_of(root, seed, table, name):
    """A finished run of a base seed with a table."""
    run = finished(root, name=name, flags=f"--base_seed={seed}")
    (run / "config.json").write_text(json.dumps({"preset": "default", "base_seed": seed}))
    (run / "table.md").write_text(table)
    return run


@pytest.fixture
def root(tmp_path):
    root = repository(tmp_path / "clone")
    publish.publish(run_of(root, 1, TABLE, "one"), root=root)
    committed(root)
    return root


def test_what_held_is_kept_beside_the_record(root):
    """−7.9 lies within [−8, −2], −4 is as it was, +12 is outside [+7, +11]: 2 of 3 hold."""
    again = TABLE.replace("−5.0 [−8.0, −2.0]", "−7.9 [−9.0, −6.0]").replace("+9.0 [", "+12.0 [")
    record = root / "experiments" / "small" / "records"
    before = (record / "table.md").read_text()
    page = publish.repeat(run_of(root, 2, again, "two"), root=root)
    assert page.parent == record.parent / "repeated" and page.name.endswith("-base_seed_2.md")
    text = page.read_text()
    assert "\n\n    ./run.sh reproduce small --base_seed=2\n\n" in text
    held = "2 of 3 rows lie inside the printed intervals of their differences, 1 of them"
    assert held in text and "| OUTSIDE" in text
    readme = (record.parent / "README.md").read_text()
    assert "## Repeated\n\n- [records of " in readme and held in readme
    assert (record / "table.md").read_text() == before
    assert repeated.tables_of(record) == {page: f"\n\n{again.strip()}\n"}
    assert "Repeated at base seed 2 ([what held](repeated/" in readme
    assert "Verdicts that differ: none." in readme


def test_a_run_of_the_same_base_seed_repeats_nothing(root):
    with pytest.raises(InputError, match="--base_seed=1, as .*: expected another one"):
        publish.repeat(run_of(root, 1, TABLE, "two"), root=root)
    assert not (root / "experiments" / "small" / repeated.FOLDER).exists()


def test_what_another_run_of_its_base_seed_kept_is_not_replaced_unseen(root):
    """Else one could repeat until it fits; the same tables again change nothing."""
    page = publish.repeat(run_of(root, 2, TABLE, "two"), root=root)
    committed(root)
    before = page.read_text()
    better = run_of(root, 2, TABLE.replace("−4.0 [", "−4.1 ["), "three")
    with pytest.raises(InputError, match="_2.md keeps other tables of that base seed: .*git rm"):
        publish.repeat(better, root=root)
    assert page.read_text() == before
    assert publish.repeat(run_of(root, 2, TABLE, "four"), root=root) == page
    page.unlink()
    committed(root)
    assert publish.repeat(better, root=root) == page and "−4.1 [" in page.read_text()


@pytest.mark.parametrize("damage", ["missing", "bytes", "copy"])
def test_a_committed_page_that_is_damaged_or_gone_is_named_before_another_takes_its_place(
    root, damage
):
    page = publish.repeat(run_of(root, 2, TABLE, "two"), root=root)
    committed(root)
    if damage == "missing":
        page.unlink()
    elif damage == "bytes":
        page.write_bytes(b"\xff\xfe")
    else:
        page = page.rename(page.with_name(f"{page.stem} copy.md"))
        committed(root)
    again = run_of(root, 2, TABLE.replace("−4.0 [", "−4.1 ["), "three")
    with pytest.raises(InputError, match=f"{re.escape(str(page))} .*git checkout -- "):
        publish.repeat(again, root=root)


def test_a_run_that_has_none_of_a_record_s_rows_repeats_nothing(root):
    other = TABLE.replace("soft", "hard").replace("label noise", "noise")
    with pytest.raises(InputError, match="has no number in any row of .*records: nothing is rep"):
        publish.repeat(run_of(root, 2, other, "two"), root=root)
    assert not (root / "experiments" / "small" / repeated.FOLDER).exists()


def test_a_run_of_the_exploration_s_base_seed_repeats_nothing(root):
    """Settings were chosen on it: of the record's preset, or else of the default one."""
    publish.publish(run_of(root, 0, TABLE, "zero"), root=root)
    committed(root)
    with pytest.raises(InputError, match="--base_seed=0, as .*exploration is, on which settings"):
        publish.repeat(run_of(root, 0, TABLE, "again"), root=root)
    assert not (root / "experiments" / "small" / repeated.FOLDER).exists()
    assert publish.repeat(run_of(root, 2, TABLE, "two"), root=root).is_file()


@pytest.mark.parametrize("there", [False, True])
def test_a_page_whose_readme_cannot_be_written_is_as_before(root, monkeypatch, there):
    folder, run = root / "experiments" / "small" / repeated.FOLDER, run_of(root, 2, TABLE, "two")
    if there:
        page = publish.repeat(run, root=root)
        page.write_text("before\n" + page.read_text(encoding="utf-8"), encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.glob("*")}

    def fails(root):
        raise ValueError("a row is missing")

    monkeypatch.setattr(publish.readmes, "write", fails)
    with pytest.raises(InputError, match="two cannot be shown on a page .a row is missing"):
        publish.repeat(run, root=root)
    assert {path: path.read_bytes() for path in folder.glob("*")} == before
    assert folder.exists() == there and not list(folder.parent.glob(".records*"))


def test_nothing_is_repeated_while_another_record_is_damaged(root):
    record = root / "experiments" / "small" / "records"
    (record / "records.jsonl").unlink()
    with pytest.raises(InputError, match="records.jsonl is missing: git checkout -- "):
        publish.repeat(run_of(root, 2, TABLE, "two"), root=root)
    assert not (record.parent / repeated.FOLDER).exists()


def test_a_page_shows_the_tables_of_the_records_and_not_what_a_file_says(root, monkeypatch):
    """The run's table.md has 1.0 where the report of its records says 10.0."""
    again = TABLE.replace("| 10.0 ", "| 1.0 ")
    monkeypatch.setattr(publish.readmes, "table", lambda record, experiment: TABLE)
    page = publish.repeat(run_of(root, 2, again, "two"), root=root)
    assert "| 10.0 " in page.read_text() and "| 1.0 " not in page.read_text()


@pytest.mark.parametrize(
    "name, changes, expected",
    [
        ("{}", ("rows lie inside", "rows lie"), "has no single line that counts what held"),
        ("{}", ("intervals hold", "hold"), "has no single line that counts what held"),
        ("foo.md", ("", ""), "is not named as a page of a repetition"),
        ("records-2026-11-22-base_seed_2.md", ("", ""), "is not named as a page of a repetition"),
    ],
)
def test_what_is_no_page_of_a_repetition_is_named(root, name, changes, expected):
    page = publish.repeat(run_of(root, 2, TABLE, "two"), root=root)
    text = page.read_text(encoding="utf-8")
    other = page.rename(page.with_name(name.format(page.name)))
    other.write_text(text.replace(*changes) if changes[0] else text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        publish.renew(root)
        repeated.counted(root)  # on the page of claims, which the small repository has not
    line = f"{other} {expected}: git checkout -- {other}, or move it away if it is none of a"
    assert str(refused.value).startswith(line)


def test_what_has_no_record_cannot_be_repeated(tmp_path):
    root = repository(tmp_path / "clone")
    with pytest.raises(InputError, match="holds no record"):
        publish.repeat(run_of(root, 2, TABLE, "two"), root=root)


def test_all_repetitions_are_counted_together_but_those_of_superseded_records(tmp_path):
    held = "{} of {} rows lie inside the printed intervals of their differences, 0 of them are "
    held += "identical; further apart than both intervals allow together: {}.\n"
    held += "\n{} of {} intervals hold, each counted once.\n"
    commit, now = "0123abcd" * 5, {"experiment": "", "finished": "2026-11-30T10:00:00+00:00"}
    one, two, more = (9, 10, 1, 19, 21), (30, 30, 0, 30, 30), (7, 8, 1, 8, 9)

    def page(name, numbers, commit="0123abcd"):
        folder = tmp_path / "experiments" / name / repeated.FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"records-2026-11-30-{commit}-base_seed_{numbers[1]}.md"
        path.write_text(f"# Title\n\n{held.format(*numbers)}\nMore: 3.\n", encoding="utf-8")

    for name, numbers in (("one", one), ("two", two), ("two", more)):
        page(name, numbers)
        record = tmp_path / "experiments" / name / "records"
        record.mkdir(exist_ok=True)
        (record / "manifest.json").write_text(json.dumps({**now, "commit": commit, "clean": True}))
    expected = (
        "Repeated at another base seed, 46 of 48 rows lie inside the printed intervals of their "
        "differences (one 9 of 10, two 37 of 38), and 2 are further apart than both intervals "
        "allow. Rows may have several intervals: of all 60, each counted once, 57 hold the second "
        "run's difference. Right 95 % intervals hold it in 83% of cases, since the second run "
        "varies as much as the first; in more where they are also for other test examples, as both "
        "runs have the same ones."
    )
    assert repeated.counted(tmp_path) == expected
    page("two", (3, 20, 9, 5, 30), commit="89abcdef")
    before = "Of a record of {} that is superseded, 3 of 20 rows lay inside."
    assert repeated.counted(tmp_path) == f"{expected} {before.format('two')}"
    lines = repeated.listed(tmp_path / "experiments" / "two").splitlines()[2:]
    assert ["superseded since" in line for line in lines] == [False, False, True]
    for name in ("one", "two"):
        shutil.rmtree(tmp_path / "experiments" / name)
    page("three", (3, 20, 9, 5, 30), commit="89abcdef")  # what did not hold is not forgotten
    assert repeated.counted(tmp_path) == before.format("three")
    assert repeated.counted(tmp_path / "nothing") == ""
