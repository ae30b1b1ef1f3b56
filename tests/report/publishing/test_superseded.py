"""A record that takes another's place needs a reason, and the other's tables stay."""

import json

import pytest
from small_repository import committed, finished

from kd_jax.errors import InputError
from kd_jax.report.publishing import publish, superseded

WHY = "soft targets got more steps than labels only"


@pytest.fixture
def replaced(root, replaced):
    """(the root, the folder of records, the run of a second record, the first one's table)."""
    records, run = replaced
    return root, records, run, (records / "table.md").read_text()


def test_without_a_reason_nothing_is_replaced(replaced):
    root, records, run, table = replaced
    with pytest.raises(InputError, match=r'say in a line why the new one takes its place, --why="'):
        publish.publish(run, root=root)
    with pytest.raises(InputError, match="--why has 2 lines: expected the reason in one"):
        publish.publish(run, root=root, why="one\ntwo")
    assert (records / "table.md").read_text() == table
    assert not (records.parent / superseded.FOLDER).exists()


def test_with_one_the_tables_stay_and_the_page_lists_them(replaced):
    root, records, run, table = replaced
    before = json.loads((records / "manifest.json").read_text())
    publish.publish(run, root=root, why=f" {WHY} ")
    (page,) = (records.parent / superseded.FOLDER).glob("*.md")
    date, commit = before["finished"][:10], before["commit"][:8]
    assert page.name == f"records-{date}-{commit}.md"
    said = page.read_text()
    assert table.strip() in said and f"\n\nWhy: {WHY}\n\n" in said and commit in said
    listed = f"- [records-{date}](superseded/{page.name}): {WHY}\n"
    assert listed in (records.parent / "README.md").read_text()


def test_a_run_that_prints_the_same_takes_nobody_s_place(root):
    """Of the same settings, base seed and code it is the record, made again."""
    records = publish.publish(finished(root), root=root)
    committed(root)
    again = finished(root, name="two", finished="2026-11-23T10:00:00+00:00")
    publish.publish(again, root=root)
    assert not (records.parent / superseded.FOLDER).exists()
    assert json.loads((records / "manifest.json").read_text())["finished"].startswith("2026-11-23")


def test_words_of_an_older_report_are_no_other_rows(replaced, monkeypatch):
    """The run says 0.9 where the report of today, of the same records, says 0.5 as the record."""
    root, records, run, table = replaced
    monkeypatch.setattr(publish.readmes, "table", lambda of, experiment: table)
    publish.publish(run, root=root)
    assert not (records.parent / superseded.FOLDER).exists()


def test_a_run_that_the_report_of_today_cannot_show_is_refused(replaced, monkeypatch):
    root, records, run, table = replaced

    def lost(of, experiment):
        raise KeyError("test_right")

    monkeypatch.setattr(publish.readmes, "table", lost)
    with pytest.raises(InputError, match="two cannot be shown on a page .*test_right"):
        publish.publish(run, root=root, why=WHY)
    assert (records / "table.md").read_text() == table


def test_the_same_run_takes_nobody_s_place(root):
    records = publish.publish(finished(root), root=root)
    committed(root)
    publish.publish(root / "runs" / "one", root=root)
    assert not (records.parent / superseded.FOLDER).exists()


def test_when_the_pages_cannot_be_written_the_record_stays_and_no_page_is_left(
    replaced, monkeypatch
):
    root, records, run, table = replaced

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish.readmes, "write", full)
    with pytest.raises(InputError, match="No space left on device"):
        publish.publish(run, root=root, why=WHY)
    assert (records / "table.md").read_text() == table
    assert not list((records.parent / superseded.FOLDER).glob("*.md"))
