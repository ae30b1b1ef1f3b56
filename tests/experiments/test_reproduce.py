"""`reproduce` gives a committed record's command again, and says what of its table holds."""

import re

import pytest

import experiments.__main__ as command
from kd_jax.report import publish

RECORD = publish.records_folder(publish.ROOT, "people", "default")


def test_the_command_of_the_record_and_the_flags_beyond_it_are_given(monkeypatch, capsys):
    given = []

    def run(arguments, done):
        given.extend(arguments)
        done(RECORD)  # as if the run had found what the record has
        return 0

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
    ],
)
def test_what_is_no_record_is_one_line(capsys, arguments, said):
    assert command.reproduce(arguments) == 2
    assert said in capsys.readouterr().err
