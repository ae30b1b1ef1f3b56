"""The command line: --help needs no jax, teachers may be repeated, the entry point is there."""

import importlib
import os
import pathlib
import subprocess
import sys
import tomllib

import pytest

from kd_jax import experiment
from kd_jax.command import __main__ as command
from kd_jax.command import config, folder, methods
from kd_jax.distill.methods import Method
from kd_jax.errors import InputError

ROOT = pathlib.Path(command.__file__).parents[2]


@pytest.mark.parametrize("name", ["jax", "numpy", "absl"])
@pytest.mark.parametrize("of, flag", [("distill", "--label"), ("distill_lm", "--objective")])
def test_help_needs_no_package(name, of, flag):
    code = f"import sys; sys.modules[{name!r}] = None\nfrom kd_jax.command.__main__ import main\n"
    code += f"sys.exit(main([{of!r}, '--data=x', '--help']))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0 and flag in found.stdout and not found.stderr


def test_the_entry_point_is_the_command():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module, _, name = settings["project"]["scripts"]["kd-jax"].partition(":")
    assert getattr(importlib.import_module(module), name) is command.main


def test_a_pipe_that_is_closed_ends_a_training_in_one_line(tmp_path):
    (tmp_path / "talks.py").write_text("def run(config, run):\n    print('rows', flush=True)\n")
    code = """if True:
        import talks
        from kd_jax.command import __main__ as command
        command.program = lambda: (talks.run, None, None)
        command.main(["distill", "--data=x.csv"])
    """
    reading, writing = os.pipe()
    os.close(reading)
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE,
        text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(writing)
    assert found.returncode == 141 and found.stderr.startswith("nobody reads what is printed here")
    assert found.stderr.count("\n") == 1


def test_teachers_may_be_given_several_times():
    given = ["--teacher=a.npy", "--seeds=2", "--teacher", "b.npy", "-teacher=train:mlp:8,8"]
    assert command.joined(given) == ["--seeds=2", "--teacher=a.npy,b.npy,train:mlp:8,8"]
    assert command.joined(["--teacher_epochs=3"]) == ["--teacher_epochs=3"]


def test_layers_of_one_width_are_no_teachers_that_are_named_twice():
    def teachers(*flags):
        given = command.joined(["--data=x.npz", *flags])
        return experiment.parse(config.Config, ["distill", *given]).teacher

    assert teachers("--teacher=train:mlp:64,64,64") == ("train:mlp:64,64,64",)
    alike = teachers("--teacher=train:mlp:16", "--teacher=train:mlp:16,16", "--teacher=a.npy")
    assert alike == ("train:mlp:16", "train:mlp:16,16", "a.npy")
    with pytest.raises(InputError, match="--teacher names train:mlp:8,8 twice"):
        teachers("--teacher=train:mlp:8,8", "--teacher=train:mlp:8,8")


def test_without_a_command_the_usage_is_shown_and_another_is_refused(capsys):
    assert command.main([]) == 0 and "one of distill, " in capsys.readouterr().out
    assert command.main(["distil"]) == 2
    known = "distill, distill_encoder, distill_lm"
    error = f"error: there is no command 'distil'; there are: {known}\n"
    assert capsys.readouterr().err == error


def test_every_name_of_methods_is_one_or_more_rows():
    assert set(config.METHODS) == {*methods.ALONE, *methods.FAMILIES}
    for name in config.METHODS:
        found = methods.of_name(name, (2.0, 3.0))
        assert all(isinstance(each, Method) for each in found), name
        families = "soft_targets", "soft_and_labels"
        assert len(found) == (2 if name in families else 1), name


class Flags:
    """Those that name methods."""

    methods, temperatures, weights, plugin = (), (2.0,), (), ""


def test_what_is_compared_where_nothing_is_said():
    rows = [[m.row for m in methods.chosen(Flags, labeled)] for labeled in (True, False)]
    assert rows == [["labels only", "soft targets, T=2"], ["pseudo labels", "soft targets, T=2"]]


def test_multiples_are_of_the_weights_of_terms_beside_the_labels():
    class Given(Flags):
        methods, weights = ("labels", "soft_targets", "hint"), (0.1, 1.0, 10.0)

    labels, alone, hint = methods.chosen(Given, True)
    (usual,) = methods.of_name("hint", ())
    assert labels.weights == (0.0,) and alone.weights == (1.0,)
    assert hint.weights == tuple(x * usual.weights[0] for x in (0.1, 1.0, 10.0))


def test_attention_transfer_has_several_weights_unless_they_are_given():
    class Given(Flags):
        methods, weights = ("labels", "at", "hint"), (1.0,)

    class Usual(Given):
        weights = ()

    _, attention, hint = methods.chosen(Usual, True)
    assert attention.weights == (10.0, 100.0, 1000.0) and attention.own_weights == (1000.0,)
    assert hint.weights == methods.of_name("hint", ())[0].weights
    assert methods.chosen(Given, True)[1].weights == (1000.0,)


def test_students_of_methods_with_like_names_lie_apart():
    names = ["a | b", "a b", "a_b", "é" * 300, "é" * 301, "//"]
    found = [folder.plain(name) for name in names]
    assert len(set(found)) == 6 and all(len(name) < 80 and "/" not in name for name in found)
