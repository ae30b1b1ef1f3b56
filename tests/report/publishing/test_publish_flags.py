"""What `./run.sh publish` is asked for: flags that do not fit are named, in one line."""

import pytest

from experiments import __main__ as launcher
from kd_jax.errors import InputError
from kd_jax.report.publishing import publish, publish_flags


@pytest.mark.parametrize(
    "words, expected",
    [
        (["runs/a/b"], ("runs/a/b", "", set())),
        (["runs/a/b", "--why= a new one "], ("runs/a/b", " a new one ", set())),
        (["--repeats", "runs/a/b"], ("runs/a/b", "", {"--repeats"})),
        (["--readmes"], ("", "", {"--readmes"})),
        (["--figures"], ("", "", {"--figures"})),
    ],
)
def test_what_is_asked_for(words, expected):
    assert publish_flags.parse(words) == expected


@pytest.mark.parametrize(
    "words, expected",
    [
        ([], "publish has no run folder: expected the folder of a finished run"),
        (["a", "b"], r"publish has 2 run folders \(a, b\): expected the folder"),
        (["--repeats"], "publish has no run folder behind --repeats: expected"),
        (["--why=new"], "publish has no run folder behind --why: expected"),
        (["a", "--why"], '--why has no reason: expected --why="…"'),
        (["a", "--why="], '--why has no reason: expected --why="…"'),
        (["a", "--why", "new"], '--why has no reason: expected --why="…"'),
        (["a", "--why=one\ntwo"], "--why has 2 lines: expected the reason in one"),
        (["a", "--why=x", "--why=y"], "--why is given twice: expected one reason"),
        (["a", "--why=x", "--repeats"], "--repeats leaves the record as it is: expected no --why"),
        (["a", "--nosuch"], "--nosuch is none of its flags; there are --why, --repeats, "),
        (["a", "--repeat"], "--repeat is none of its flags; did you mean --repeats?"),
        (["a", "--repeats=yes"], "--repeats=yes is none of its flags; did you mean --repeats?"),
        (["a", "--readmes"], "--readmes is given alone, and here with a: expected one of them"),
        (["--figures", "--readmes"], "--figures is given alone, and here with --readmes: "),
        (["a", "--why=gr\udcfcn"], r"--why=gr\\udcfcn: expected a text in UTF-8"),
    ],
)
def test_what_does_not_fit_is_named(words, expected):
    with pytest.raises(InputError, match=expected) as refused:
        publish.main(words)
    assert "\n" not in str(refused.value)


def test_a_reason_is_in_utf_8_whatever_the_locale():
    """A locale that reads ASCII alone gives the two bytes of ü as halves of characters."""
    assert publish_flags.parse(["a", "--why=gr\udcc3\udcbcn"]).why == "grün"
    assert publish_flags.parse(["a", "--why=grün"]).why == "grün"


def test_help_names_every_flag(capsys):
    assert launcher.main(["publish", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {flag}" in text for flag in publish_flags.FLAGS)
