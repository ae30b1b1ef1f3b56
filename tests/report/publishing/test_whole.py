"""A run is published whole or not at all, and of a committed record the damaged file is named."""

import errno
import json
import os

import pytest
from small_repository import committed, finished, git, record

from kd_jax.errors import DamagedFile, InputError
from kd_jax.report.publishing import publish, readmes, whole
from kd_jax.storage import jsonl

RECORDS = [{"row": "a", "seed": seed} for seed in range(5)]


def test_records_are_refused_at_every_length_but_the_whole(tmp_path):
    """Of three and two that were written together; but for a cut between these, see below."""
    path = tmp_path / "records.jsonl"
    first, second = jsonl.text(RECORDS[:3]), jsonl.text(RECORDS[3:])
    for length in range(len(first + second)):
        path.write_text((first + second)[:length])
        if length == len(first):
            assert jsonl.whole(path) == RECORDS[:3]
            continue
        with pytest.raises(DamagedFile, match=r"is cut off: [03] records are whole|is empty"):
            jsonl.whole(path)
    path.write_text(first + second)
    assert jsonl.whole(path) == RECORDS
    path.unlink()
    with pytest.raises(DamagedFile, match="records.jsonl is missing: run it again"):
        jsonl.whole(path)


def test_a_cut_run_is_refused_and_the_committed_record_stays(root, kept):
    run = finished(root, name="two", records=5)
    path, before = run / "records.jsonl", (kept / "records.jsonl").read_bytes()
    path.write_text("".join(jsonl.text(RECORDS).splitlines(keepends=True)[:3]))
    with pytest.raises(InputError, match="two/records.jsonl is cut off: .*: run it again$"):
        publish.publish(run, root=root, why="another")
    path.write_text(jsonl.text(RECORDS[:3]))
    with pytest.raises(InputError, match="has 3 of the 5 records that the run wrote: run it again"):
        publish.publish(run, root=root, why="another")
    assert (kept / "records.jsonl").read_bytes() == before
    path.write_text(jsonl.text(RECORDS))
    assert publish.publish(run, root=root, why="another") == kept


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("config.json", "[]", "config.json has no settings by name"),
        ("config.json", "{}", "config.json has no preset"),
        ("config.json", "", "config.json is damaged (Expecting value"),
        ("manifest.json", "null", "manifest.json is damaged (it is no object)"),
        ("manifest.json", '{"finished": 5}', "manifest.json is damaged (finished is no time"),
        ("records.jsonl", "", "records.jsonl is empty"),
        ("table.md", " \n", "table.md is empty"),
        ("command.txt", "./run.sh small --seeds=7", "command.txt is not as manifest.json has it"),
    ],
)
def test_what_is_damaged_in_a_run_is_named_in_our_words(root, name, text, expected):
    run = finished(root)
    (run / name).write_text(text)
    with pytest.raises(InputError) as refused:
        publish.publish(run, root=root)
    assert f"{run}/{expected}" in str(refused.value)
    assert str(refused.value).endswith(": run it again")


@pytest.mark.parametrize("field", ["versions", "seconds", "experiment"])
def test_what_a_manifest_does_not_tell_is_named(root, field):
    run = finished(root)
    said = json.loads((run / "manifest.json").read_text())
    del said[field]
    (run / "manifest.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=f"manifest.json does not tell '{field}': run it again"):
        publish.publish(run, root=root)


@pytest.mark.parametrize("name", ["curve.svg", "costs.json", "digits.npz"])
def test_a_pipe_in_the_place_of_a_file_is_not_passed_over(root, name):
    run = finished(root)
    os.mkfifo(run / name)
    with pytest.raises(InputError, match=f"{name} is no file: run it again"):
        publish.publish(run, root=root)


DAMAGE = [
    (name, how)
    for name in (*whole.NEEDED, whole.TABLE, "command.txt")
    for how in ("missing", "empty", "cut", "pipe", "bytes")
    if (name, how) != ("table.md", "cut")  # it is written again
]


def damaged(path, how):
    text = path.read_bytes()
    path.unlink()
    if how == "pipe":
        os.mkfifo(path)
    elif how != "missing":
        path.write_bytes({"empty": b"", "cut": text[: len(text) // 2], "bytes": b"\xff\xfe"}[how])


@pytest.mark.parametrize("name, how", DAMAGE)
def test_a_damaged_file_of_a_committed_record_is_named_with_how_it_comes_back(
    root, kept, name, how
):
    damaged(kept / name, how)
    with pytest.raises(InputError) as refused:
        publish.renew(root)
    line = str(refused.value)
    assert line.startswith(f"{kept / name} ")
    assert line.endswith(f": git checkout -- {kept / name}") and "\n" not in line
    (kept / name).unlink(missing_ok=True)
    git(root, *line.partition(": git ")[2].split())
    assert publish.renew(root) == []


@pytest.mark.parametrize("how", ["same", "another"])
def test_a_run_is_not_blamed_for_the_record_that_stands_there_or_for_another(root, kept, how):
    folder = kept
    if how == "another":
        folder = kept.with_name("records_wide")
        wide = finished(root, preset="wide", flags="--preset=wide", name="wide")
        assert publish.publish(wide, root=root) == folder
        committed(root)
    (folder / "config.json").write_text("")
    run, before = finished(root, name="two"), (kept / "manifest.json").read_bytes()
    with pytest.raises(InputError) as refused:
        publish.publish(run, root=root)
    assert str(refused.value).startswith(f"{folder}/config.json is damaged")
    assert str(run) not in str(refused.value)
    assert (kept / "manifest.json").read_bytes() == before


def test_a_committed_figure_that_is_missing_is_named(root, kept):
    """Nothing else would tell that a page shows one less; git rm takes it away for good."""
    figure = kept / "errors (a).svg"
    figure.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    publish.renew(root)
    committed(root)
    figure.unlink()
    with pytest.raises(InputError) as missing:
        publish.renew(root)
    line = f"{figure} is missing: git checkout -- '{figure}', or git rm it where pages should do"
    assert str(missing.value) == f"{line} without"
    assert "errors (a).svg" in (kept.parent / "README.md").read_text()
    committed(root)
    publish.renew(root)
    assert "errors (a).svg" not in (kept.parent / "README.md").read_text()


def test_a_record_whose_successor_draws_less_is_not_missed(root, replaced):
    record, run = replaced
    (record / "more.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    committed(root)
    publish.publish(run, root=root, why="drawn anew")
    assert not (record / "more.svg").exists()
    publish.renew(root)


def test_a_record_of_docs_needs_no_table(root):
    folder = root / "docs/records/adult"
    record(folder)
    (folder / "table.md").unlink()
    with pytest.raises(DamagedFile, match="adult/config.json is missing: git checkout -- "):
        whole.check_committed(root)
    (folder / "config.json").write_text("{}")
    (folder / "records.jsonl").write_text(jsonl.text(RECORDS))
    whole.check_committed(root)


@pytest.mark.parametrize(
    "error, expected",
    [
        (
            FileNotFoundError(errno.ENOENT, "none", "x/lm.json"),
            "x/lm.json is missing: git checkout",
        ),
        (KeyError("nll"), r"its records have no 'nll'\): see git diff -- "),
        (ZeroDivisionError("division by zero"), r"\(division by zero\): see git diff -- "),
        (PermissionError(errno.EACCES, "no", "x/lm.json"), "x/lm.json cannot be read .Permission"),
        (InputError("a claim has no row"), "^a claim has no row$"),
    ],
)
def test_what_a_report_says_of_a_committed_record_names_it(
    root, kept, monkeypatch, error, expected
):
    class Report:
        def table(folder):
            raise error

    monkeypatch.setattr(readmes.modules, "of", lambda folder, name: Report)
    with pytest.raises(InputError, match=expected):
        publish.renew(root)


@pytest.mark.parametrize("missing", ["README.md", "experiments/small/superseded/records.md"])
def test_another_page_that_cannot_be_read_is_named(root, kept, missing):
    path = root / missing
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match=f"{missing} is no text in UTF-8: git checkout -- "):
        publish.renew(root)
