"""`reproduce` gives a committed record's command again, and says what of its table holds."""

import os
import re
import shutil

import pytest

import experiments.__main__ as command
from kd_jax.report.publishing import publish

RECORD = publish.records_folder(publish.ROOT, "people", "default")


def test_the_command_of_the_record_and_the_flags_beyond_it_are_given(monkeypatch, capsys):
    given = []

    def run(arguments, done):
        given.extend(arguments)
        return done(RECORD)  # as if the run had found what the record has

    monkeypatch.setattr(command, "main", run)
    assert command.reproduce(["people", "--base_seed=7", "--workdir=w"]) == 0
    assert given == ["people", "--base_seed=1", "--base_seed=7", "--workdir=w"]
    page = capsys.readouterr().out
    (held,) = re.findall(r"^(\d+) of (\d+) rows lie inside .*, (\d+) of them", page, re.M)
    assert len({*held}) == 1 and int(held[0]) > 10


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([], "no experiment is called ''"),
        (["peple"], "did you mean people?"),
        (["people", "--preset=wide"], "records_wide holds no record"),
        (["people", "-preset", "wide"], "records_wide holds no record"),
        (["people", "--preset=default", "--preset=wide"], "records_wide holds no record"),
    ],
)
def test_what_is_no_record_is_one_line(capsys, arguments, said):
    code, line = refused(capsys, arguments)
    assert code == 2 and said in line


def refused(capsys, arguments):
    """(exit code, the one line on standard error) of what begins no work."""
    try:
        code = command.reproduce(arguments)
    except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1
    return code, err


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A copy of the record of people, which no run is to be held against."""
    folder = tmp_path / "experiments" / "people"
    shutil.copytree(RECORD, folder / "records")
    (folder / "config.py").touch()
    monkeypatch.setattr(command.listing, "HERE", tmp_path / "experiments")
    monkeypatch.setattr(command, "main", lambda *_, **__: pytest.fail("it began"))
    return folder / "records"


def pipe(path):
    """A pipe, which a reader would wait for."""
    path.unlink()
    os.mkfifo(path)


def folder(path):
    """A folder of a file's name."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", ["command.txt", "table.md"])
@pytest.mark.parametrize(
    "damage, why",
    [
        (lambda path: path.write_bytes(b"\xff\xfe"), "is no text in UTF-8"),
        (pipe, "is no file"),
        (folder, "is no file"),
        (lambda path: path.write_text("\n"), "is empty"),
    ],
)
def test_a_damaged_record_is_one_line_before_work(capsys, record, name, damage, why):
    damage(record / name)
    code, line = refused(capsys, ["people"])
    assert code == 2 and line == f"error: {record / name} {why}: git checkout -- {record / name}\n"


@pytest.mark.parametrize(
    "text", ["./run.sh people --base_seed='1\n", "./run.sh quickstart --base_seed=1\n"]
)
def test_another_command_than_the_manifest_has_is_one_line(capsys, record, text):
    path = record / "command.txt"
    path.write_text(text)
    code, line = refused(capsys, ["people"])
    why = "is not as manifest.json has it of the last process"
    assert code == 2 and line == f"error: {path} {why}: git checkout -- {path}\n"


def test_a_record_without_an_interval_is_one_line_before_work(capsys, record):
    (record / "table.md").write_text("| method | errors |\n|---|---|\n| soft | 3 |\n")
    code, line = refused(capsys, ["people"])
    assert code == 2 and f"{record / 'table.md'} has no interval: expected some" in line
    (record / "table.md").unlink()
    assert "table.md is missing: git checkout -- " in refused(capsys, ["people"])[1]


def test_what_makes_no_table_says_so(monkeypatch, capsys):
    """As --replay and --predict of people, which open no run folder."""
    monkeypatch.setattr(command, "main", lambda arguments, done: done(None))
    code, line = refused(capsys, ["people", "--replay"])
    assert code == 2 and line == (
        "error: these flags make no table: nothing is compared with the record\n"
    )
