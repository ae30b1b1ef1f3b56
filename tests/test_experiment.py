"""The command line: defaults, presets, explicit flags, and what bad input gets."""

import dataclasses
import importlib
import os
import pathlib
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

import experiments.__main__ as experiments
import experiments.__main__ as launcher
import kd_jax
from experiments.quickstart.config import Config
from kd_jax import experiment
from kd_jax.command import config as distill
from kd_jax.errors import InputError
from kd_jax.storage import provenance

ROOT = pathlib.Path(__file__).parents[1]
EXPERIMENTS = sorted(path.parent.name for path in ROOT.glob("experiments/*/run.py"))


def parse(*arguments):
    return experiment.parse(Config, ["quickstart", *arguments])


def test_defaults_then_preset_then_explicit_flags():
    assert parse() == Config()
    smoke = parse("--preset=smoke")
    assert smoke.seeds == 2 and smoke.temperatures == (1.0, 3.0)
    assert parse("--preset=smoke", "--seeds=4").seeds == 4
    # a flag given at its default value is explicit all the same
    assert parse("--seeds=10", "--preset=smoke").seeds == 10
    assert parse("--temperatures=1,2.5").temperatures == (1.0, 2.5)
    assert parse("--retrain").retrain is True


@pytest.mark.parametrize("flag, line", [
    ("--preset=" + "a" * 5000, "--preset=aaa.* … .*expected one of default"),
    ("--workdir=\0", "expected a text without"),
    ("--smoothing=1e-45", "--smoothing=1.4013e-45: expected|--smoothing=1e-45: expected"),
])  # fmt: skip
def test_hostile_values_are_one_short_line(flag, line):
    with pytest.raises(InputError, match=line) as error:
        parse(flag)
    assert len(str(error.value)) < 1000


def test_there_is_one_zero_and_each_name_once():
    assert str(parse("--label_weight=-0").label_weight) == "0.0"
    with pytest.raises(InputError, match="--methods names dkd twice: name each once"):
        experiment.parse(distill.Config, ["distill", "--data=x.csv", "--methods=dkd,sp,dkd"])


@pytest.mark.parametrize("flag", ["--workdir=w\udcff", "--workdir=~/w", "\udcff", "--\udcff=1"])
def test_names_in_other_characters_are_told_before_work(monkeypatch, flag):
    monkeypatch.setitem(os.environ, "HOME", "/home/\udcff")
    with pytest.raises(InputError, match=r"the flag .*\\udcff.* is not UTF-8.*PYTHONUTF8=1"):
        parse(flag)


def test_a_folder_of_runs_in_other_characters_is_told_before_work(monkeypatch):
    monkeypatch.setattr(os.path, "abspath", lambda path: f"/\udcff/{path}")
    with pytest.raises(InputError, match=r"--workdir, the folder /\\udcff/runs is not UTF-8"):
        experiment.perform("quickstart", Config(), lambda: pytest.fail("it began"))


@pytest.mark.parametrize(
    "argument, message",
    [
        ("--sedes=3", "--sedes is no flag; did you mean --seeds?"),
        ("--seeds=0", "--seeds=0: expected at least 1"),
        ("--seeds=-2", "--seeds=-2"),
        ("--seeds=many", "--seeds=many: expected a whole number$"),
        ("--seeds=1.5", "--seeds=1.5: expected a whole number$"),
        ("--seeds=", "--seeds=: expected a whole number$"),
        ("--seeds", "--seeds has no value: expected a whole number$"),
        ("--coordinator_seconds=a: b", "--coordinator_seconds=a: b: expected a number$"),
        ("--retrain=maybe", "--retrain=maybe: expected true or false$"),
        ("--noretrain=1", "--noretrain=1 does not take an argument"),
        ('--log="a', '--log="a: expected texts separated by commas, in quotes where'),
        ("--temperatures=0", "--temperatures=0: expected a finite number above 0"),
        ("--temperatures=1,-3", "above 0"),
        ("--temperatures=1,nan", "finite"),
        ("--temperatures=inf", "finite"),
        ("--temperatures=1,warm", "--temperatures=1,warm: expected numbers separated by commas$"),
        ("--temperatures=", "--temperatures is empty: expected numbers"),
        ("--temperatures=2,2", "twice"),
        ("--temperatures=1.0000001,1.0000002", "1.0000001,1.0000002: one name.* twice"),  # of rows
        ("--temperatures=1e300", "finite"),  # infinite in float32
        ("--temperatures=1e-320", "above 0"),
        ("--temperatures=1e39", "above 0, from 2e-19 to 5e\\+18"),
        ("--temperatures=1e20", "finite"),  # its square is not
        ("--temperatures=1e-20", "above 0"),  # nor is that of its inverse
        (f"--seeds={10**400}", "--seeds=1000"),
        ("--preset=huge", "--preset=huge: expected one of default, confirm, smoke"),
        ("seeds=3", "unexpected argument"),
        ("--student_epochs=0", "--student_epochs=0"),
    ],
)
def test_bad_settings_get_one_line_that_names_them(argument, message):
    with pytest.raises(InputError, match=message) as error:
        parse(argument)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        dataclasses.replace(Config(), seeds=3, retrain=True, temperatures=(1.0, 2.123456789)),
        parse("--preset=smoke", "--workdir=my runs"),
        parse("--preset=smoke", "--seeds=10", "--nofast_compile"),
    ],
)
def test_flags_say_what_a_config_is(config):
    """As for the command of a run that was given from Python."""
    assert parse(*experiment.flags_of(config)) == config


def test_names_in_a_list_may_hold_commas_and_quotes():
    names = ("city, state", 'the "new" one', "plain")
    config = distill.Config(data="x.csv", ignore=names)
    _, flag = experiment.flags_of(config)
    assert flag == """--ignore="city, state","the ""new"" one",plain"""
    assert experiment.parse(distill.Config, ["distill", "--data=x.csv", flag]) == config


def test_flags_leave_out_what_the_preset_says():
    assert experiment.flags_of(parse("--preset=smoke")) == ["--preset=smoke"]
    assert experiment.flags_of(Config()) == []


def test_places_do_not_decide_results():
    key = dataclasses.replace(Config(), workdir="elsewhere", manual_dir="x").results_key()
    assert key == Config().results_key()
    assert dataclasses.replace(Config(), seeds=3).results_key() != key
    assert not {"workdir", "data_dir", "manual_dir", "retrain"} & set(key)


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments", "quickstart", *arguments],
        capture_output=True,
        text=True,
    )


def test_bad_input_exits_with_2_and_one_line_on_stderr():
    done = command("--temperatures=-1")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_a_workdir_that_cannot_be_written_is_named(capsys):
    argv = ["quickstart", "--workdir=/proc/nowhere"]
    with pytest.raises(SystemExit) as ended:
        experiment.launch("quickstart", Config, lambda: experiments.program("quickstart"), argv)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1
    assert "--workdir=/proc/nowhere" in said


def test_help_prints_the_docstring_every_flag_and_what_presets_set():
    done = command("--help")
    assert done.returncode == 0 and "Quickstart: 5,000 real digits" in done.stdout
    for field in dataclasses.fields(Config):
        assert f"  --{field.name}=" in done.stdout
    assert "--preset=smoke  --fast_compile=True --seeds=2 --temperatures=1,3" in done.stdout


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_help_fits_the_terminal(name):
    config = importlib.import_module(f"experiments.{name}.config").Config
    texts = {x: experiment.usage(config, launcher.listing.docstring(name), x) for x in (80, 100)}
    whole = [re.sub(r",\s+", ",", text).split() for text in texts.values()]  # long lists are parted
    assert whole[0] == whole[1]
    for width, text in texts.items():
        assert not [line for line in text.splitlines() if len(line) > width]


def without(packages, *arguments, name="quickstart"):
    """An experiment's command where packages, named in one text, cannot be imported."""
    code = (
        f"import sys; sys.modules |= dict.fromkeys({packages.split()!r}); sys.argv = ['x', "
        f"{name!r}, *{list(arguments)!r}]; import runpy; "
        "runpy.run_module('experiments', run_name='__main__')"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize("flag", ["--sedes=3", "--seeds=many", "--seeds=0", "--temperatures=1,1"])
def test_a_wrong_flag_is_refused_before_jax_is_imported(flag):
    done = without("jax", flag)
    assert done.returncode == 2 and done.stderr.startswith("error: "), done.stderr


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_help_needs_no_package(name):
    done = without("jax numpy absl", "--help", name=name)
    assert done.returncode == 0 and "--seeds=" in done.stdout, done.stderr


def test_version_says_commit_packages_and_device(monkeypatch, capsys):
    monkeypatch.setattr(experiments.signal, "signal", lambda *handler: None)
    assert experiments.main(["quickstart", "--version"]) == 0
    first, packages, device = capsys.readouterr().out.splitlines()
    assert first.startswith(f"kd_jax {kd_jax.__version__} (") and jax.__version__ in packages
    assert device == provenance.device()


def test_a_device_without_memory_is_one_line_that_names_the_flag(capsys):
    def run(config, run):
        jax.jit(lambda x: (x[:, None] * x).sort(0))(jnp.ones(2**23)).block_until_ready()

    with pytest.raises(SystemExit) as ended:
        experiment.launch("some", Config, lambda: (run, None, None), ["experiment"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: no memory is left: give --members_per_chunk=N")
    assert said.count("\n") == 1


def test_processes_that_cannot_find_each_other_are_refused():
    with pytest.raises(InputError, match="--num_processes=2 without --coordinator_address"):
        dataclasses.replace(Config(), num_processes=2)
    with pytest.raises(InputError, match="--members_per_chunk=-1: expected at least 0"):
        dataclasses.replace(Config(), members_per_chunk=-1)


@pytest.mark.parametrize(
    "given",
    ["nonsense", "host", "host:", ":1", "host:0", "host:65536", "host:1e3", "host:٣", "h:-1"],
)
def test_an_address_that_is_none_is_refused(given):
    with pytest.raises(InputError, match="expected address:port, with a port from 1 to 65535"):
        dataclasses.replace(Config(), coordinator_address=given)


@pytest.mark.parametrize("given", ["host:1", "10.0.0.1:65535", "[::1]:8080", "auto"])
def test_an_address_that_is_one_is_taken(given):
    assert dataclasses.replace(Config(), coordinator_address=given).coordinator_address == given


PRINTS = "from kd_jax.streams import one_line\nwith one_line():\n    print('x' * 100_000)"


@pytest.mark.parametrize("place, code, line", [
    ("/dev/full", 2, "error: cannot write (No space left on device)\n"), ("pipe", 141, ""),
])  # fmt: skip
def test_what_cannot_be_printed_is_a_line_or_a_code(place, code, line):
    if place == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(place, os.O_WRONLY)
    command = [sys.executable, "-c", PRINTS]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (code, line)


@pytest.mark.parametrize("name", ["distill", "distill_encoder", "distill_lm"])
def test_help_of_a_command_shows_its_flags(capsys, name):
    assert launcher.main([name, "--help"]) == 0
    assert "Settings:" in capsys.readouterr().out
