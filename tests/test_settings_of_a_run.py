"""--from=FILE: the settings of an earlier run, once more; explicit flags win."""

import json

import pytest

from experiments.quickstart.config import Config
from kd_jax import experiment
from kd_jax.command import config as distill
from kd_jax.errors import InputError
from kd_jax.report import commands


def parse(*arguments, config=Config):
    return experiment.parse(config, ["quickstart", *arguments])


@pytest.fixture
def earlier(tmp_path):
    """The config.json of a run that set a number, a list and a word."""
    config = parse("--preset=smoke", "--seeds=7", "--temperatures=1,2.5", "--student_width=12")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config.results_key()))
    return config, path


def test_an_earlier_run_gives_its_settings_and_explicit_flags_win(earlier):
    config, path = earlier
    for flag in ([f"--from={path}"], ["--from", str(path)], [f"-from={path.parent}"]):
        assert parse(*flag) == config
    again = parse("--base_seed=9", f"--from={path}", "--workdir=w")
    assert (again.base_seed, again.workdir, again.seeds) == (9, "w", 7)


def test_a_list_with_commas_and_an_empty_one_come_back(tmp_path):
    given = parse("--data=a.csv", '--ignore="a, b",c', config=distill.Config)
    (tmp_path / "config.json").write_text(json.dumps(given.results_key()))
    found = parse(f"--from={tmp_path}", "--data=a.csv", config=distill.Config)
    assert found.ignore == ("a, b", "c") and found == given


REFUSED = {
    "": "expected the config.json of an earlier run",
    "none.json": "expected the config.json of an earlier run",
    "[1]": "expected settings by name",
    "{": "no JSON of settings",
    '{"widht": 3}': r"has no settings of this command \(widht\)",
    '{"seeds": null}': "seeds is 'None', expected a text, a number or a list",
    '{"seeds": {}}': "seeds is '{}', expected a text",
    '{"seeds": "many"}': "--seeds=many: expected a whole number",
    '{"seeds": 0}': "--seeds=0",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_config_is_refused_in_a_line(text, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(text)
    given = f"--from={path}" if text[:1] in ("[", "{") else f"--from={text}"
    with pytest.raises(InputError, match=REFUSED[text]):
        parse(given)


def test_a_second_one_and_a_preset_beside_it_are_refused(earlier):
    _, path = earlier
    with pytest.raises(InputError, match="--from is given twice"):
        parse(f"--from={path}", f"--from={path}")
    with pytest.raises(InputError, match="both name all settings"):
        parse(f"--from={path}", "--preset=smoke")


def test_the_command_of_such_a_run_names_its_settings_not_the_file(earlier, tmp_path):
    config, path = earlier

    def opened(config, run):
        assert run.folder.is_dir()

    argv = ["quickstart", f"--from={path}", f"--workdir={tmp_path / 'runs'}"]
    run = experiment.launch("quickstart", Config, lambda: (opened, None, None), argv)
    command = commands.read(run.folder)
    assert "--from" not in command and "--student_width=12" in command
    assert json.loads((run.folder / "config.json").read_text()) == config.results_key()
