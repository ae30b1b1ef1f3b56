"""The MNIST tutorial: a part trained, every part without training, the whole, and bad data."""

import functools
import json
import signal
import subprocess
import sys
import time

import numpy as np
import optax
import pytest
from in_process import drawn_by_numpy, finished, performed, untrained
from published import DATA, ROOT, needed

from experiments.mnist_tutorial import config as mnist_tutorial
from experiments.mnist_tutorial import report
from experiments.mnist_tutorial import rows as named
from experiments.mnist_tutorial import run as tutorial
from kd_jax import experiment
from kd_jax.distill import bias_correction, teachers, transfer
from kd_jax.errors import InputError
from kd_jax.runtime import ending
from kd_jax.storage import jsonl, manifest

SMOKE = mnist_tutorial.Config.PRESETS["smoke"]
COMMAND = [sys.executable, "-m", "experiments", "mnist_tutorial", "--preset=smoke", "--part=all"]
CONTROLS = {named.LABELS, f"{named.SMOOTHED} 0.1", named.PERMUTED, named.UNIFORM}
PART_1 = {f"{named.MIXED_ALIKE} 128", named.MIXED, named.OF_CNN, named.OF_CNN_2D}
PART_2 = {named.MISMATCHED, named.MATCHED, named.HELD_OUT, named.FREE, named.VALIDATED}
ON_TEST = "bias corrected on test, as in the paper"
ROWS = {
    "1": {named.DENSE, named.CNN, named.CNN_2D, named.SOFT, *CONTROLS, *PART_1},
    "2a": {named.SOFT, named.INITIAL_BIAS["2a"], ON_TEST, *CONTROLS, *PART_2},
    "2b": {named.SOFT, named.LONGER, named.INITIAL_BIAS["2b"], ON_TEST, *CONTROLS, *PART_2},
}
learned: list = []  # from which outputs of the dense teacher


def config(workdir, **more):
    return mnist_tutorial.Config(**SMOKE | more, preset="smoke", workdir=str(workdir))


def made_up(row, teacher, count):
    """Logits [1, N, C] of a teacher that was not trained; each its own."""
    random = np.random.default_rng([len(row), teacher, count])
    return random.normal(scale=3, size=(1, count, 10)).astype(np.float32)


def instead_of_teachers(row, recipe, key, data, run, *, seed):
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    logits = {name: made_up(row, seed, len(split.labels)) for name, split in splits.items()}
    return teachers.Teachers(row, recipe.model, untrained(recipe.model, 1), logits, "", 0.0)


def instead_of_students(transfer_run, recipe, split, sources, *, execution, epoch_metrics):
    learned.append(sources["teacher"])
    seeds, arms = len(recipe.keys), len(transfer_run.arms)
    names = epoch_metrics.arrays if epoch_metrics else ()
    curves = {name: np.full((2, seeds, arms), 700) for name in names}
    return untrained(recipe.model, seeds, arms), curves


def unless_held_out(transfer_run, *given, trained=transfer.fit_with_curves, **more):
    """Trained students, but for those whose bias is shifted: these are networks by chance."""
    fit = instead_of_students if transfer_run.name == "2a held out" else trained
    return fit(transfer_run, *given, **more)


@pytest.fixture(scope="module")
def every_part(tmp_path_factory):
    """The folder of a run of every part with two teachers, in which nothing is trained."""
    learned.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teachers, "one", instead_of_teachers)
        patch.setattr(transfer, "fit_with_curves", instead_of_students)
        settings = config(tmp_path_factory.mktemp("runs"), part="all", saved_seeds=0)
        return finished("mnist_tutorial", settings)


@pytest.fixture(scope="module")
def part_2a(tmp_path_factory):
    """The records of part 2a, trained for a short while with one teacher."""
    short = {"teachers": 1, "dense_learning_rate": 0.003, "student_learning_rate": 0.01}
    settings = config(tmp_path_factory.mktemp("runs"), **short)
    program = tutorial.run, report.table, None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "fit_with_curves", unless_held_out)
        drawn_by_numpy(patch)
        patch.setattr(tutorial, "adam", functools.cache(lambda rate: optax.sgd(10 * rate)))
        return jsonl.records(performed("mnist_tutorial", settings, lambda: program))


def check_rows(records, rows_of_parts, count):
    """Every row of the parts once with each teacher; errors are counted of 1,500 digits."""
    assert {(r["part"], r["row"], r["teacher_seed"], r["seed"]) for r in records} == {
        (part, row, teacher, 0)
        for part, rows in rows_of_parts.items()
        for row in rows
        for teacher in range(count)
    }
    assert len(records) == count * sum(map(len, rows_of_parts.values()))
    for r in records:  # 150 of each class
        assert sum(r["test_wrong"]) == r["test_errors"] == round(1500 * (1 - r["test_accuracy"]))
        assert r["test_class_accuracy"][3] == pytest.approx(1 - r["test_wrong"][3] / 150)


def check_shifts(records, count):
    """Errors of a corrected bias are those of its curve."""
    chosen = [r for r in records if "shift" in r]
    assert len(chosen) == 3 * count
    for r in chosen:
        curve = dict(zip(bias_correction.SHIFTS.tolist(), r["errors_by_shift"], strict=True))
        if r["row"] != named.FREE:  # whose shift lies between those of the curve
            assert r["test_errors"] == curve[r["shift"]]
        if r["row"] == ON_TEST:
            assert r["test_errors"] == min(curve.values())


def check_seen(records):
    """Students that saw nothing but labels of other digits do not guess the rest."""
    (seen,) = {r["test_wrong"][3] for r in records if (r["part"], r["row"]) == ("2a", named.LABELS)}
    assert seen == 150


def test_a_part_trains_its_dense_teacher_and_its_students(part_2a):
    check_rows(part_2a, {"1": {named.DENSE}, "2a": ROWS["2a"]}, 1)
    check_shifts(part_2a, 1)
    check_seen(part_2a)
    errors = {r["row"]: r["test_errors"] for r in part_2a}
    assert errors[named.DENSE] < errors[named.SOFT] < 1350  # chance


def test_every_part_has_its_rows_with_each_teacher(every_part):
    records = jsonl.records(every_part)
    check_rows(records, ROWS, 2)
    check_shifts(records, 2 * 2)
    assert len(learned) == 2 * (2 + 3 + 3)
    for number, found in enumerate(learned):  # the first teacher's students come first
        np.testing.assert_array_equal(found, made_up(named.DENSE, number // 8, 3000)[0])


def test_the_table_and_the_figures_are_there(every_part):
    assert (every_part / "table.md").read_text() == report.table(every_part)
    names = {
        "softmax_of_one_digit.png",
        "part_1_by_epoch.png",
        "part_2a_bias.png",
        "part_2b_bias.png",
    }
    names |= {f"part_{p}_{m}.png" for p in ROWS for m in ("wrong", "class_accuracy")}
    assert {path.name for path in every_part.glob("*.png")} == names
    assert all((every_part / name).read_bytes().startswith(b"\x89PNG") for name in names)


def cells(markdown):
    """Every table of a Markdown text: its header and its lines, as lists of cells."""
    for block in markdown.split("\n\n"):
        if block.startswith("|"):
            header, _, *lines = (
                [cell.strip() for cell in line.strip("|").split("|")]
                for line in block.strip().splitlines()
            )
            yield header, lines


def test_numbers_published_of_10000_digits_do_not_stand_beside_1500(every_part):
    text = (every_part / "table.md").read_text()
    columns = [
        {line[i] for line in lines}
        for header, lines in cells(text)
        for i, title in enumerate(header)
        if "paper" in title
    ]
    assert columns == [{"–"}] * 7  # errors and loss in three parts, the 3s in one


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a finished smoke run of two teachers, and what the command printed."""
    workdir = tmp_path_factory.mktemp("runs")
    done = command(f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    (folder,) = workdir.glob("mnist_tutorial/*")
    return folder, done.stdout


def command(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.slow
def test_a_smoke_run_has_every_row_of_every_part_with_each_teacher(whole):
    records = jsonl.records(whole[0])
    check_rows(records, ROWS, 2)
    check_shifts(records, 2 * 2)
    check_seen(records)
    assert (whole[0] / "table.md").read_text() in whole[1]


def kill_once(done, workdir):
    """Start part 2a and kill it, without warning, as soon as done() is true."""
    arguments = [*COMMAND, "--part=2a", f"--workdir={workdir}"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(arguments, cwd=ROOT, **silent) as process:
        while process.poll() is None and not done():
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_records(whole, tmp_path):
    """Killed after the first of two teachers and the first of its three transfer runs.

    The part by itself gives the records that it has among all parts, so they are the oracle.
    """

    def recorded():
        texts = [path.read_text() for path in tmp_path.glob("mnist_tutorial/*/records.jsonl")]
        return "2a labels" in "".join(texts)

    kill_once(recorded, tmp_path)
    last = command("--part=2a", f"--workdir={tmp_path}")
    assert last.returncode == 0, last.stderr
    assert last.stdout.count(": restored (") == last.stdout.count(": trained in ") == 1
    (folder,) = (tmp_path / "mnist_tutorial").iterdir()
    assert manifest.finished(folder)
    wanted = [r for r in jsonl.records(whole[0]) if r["part"] == "2a" or r["row"] == named.DENSE]
    found = jsonl.records(folder)
    assert len(found) == 2 * 13
    assert {json.dumps(r) for r in found} == {json.dumps(r) for r in wanted}


def refused(workdir, **more):
    """The line with which a run refuses its input, having written nothing."""
    with pytest.raises(InputError) as error:
        finished("mnist_tutorial", config(workdir, mnist_5k=False, **more))
    line, code = ending.of(error.value)
    assert code == 2 and line.startswith("error: ") and "\n" not in line
    assert not workdir.exists()
    return line


def test_an_unknown_part_is_refused_by_name():
    with pytest.raises(InputError, match="--part=3: expected one of all, 1, 2a, 2b"):
        experiment.parse(mnist_tutorial.Config, ["x", "--part=3"])


def test_missing_data_are_named(tmp_path, monkeypatch):
    # no network here, whatever the machine has: the discard port refuses at once
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    text = refused(tmp_path / "w", data_dir=str(tmp_path), manual_dir=str(tmp_path))
    assert "MNIST is missing train-images-idx3-ubyte.gz, " in text and "--manual_dir" in text


def test_fashion_mnist_is_not_taken_for_mnist(tmp_path):
    folder = needed(DATA / "fashion_mnist")
    text = refused(tmp_path / "w", data_dir=str(tmp_path), manual_dir=str(folder))
    assert "this is Fashion-MNIST's train-images-idx3-ubyte.gz" in text
