"""The MNIST tutorial as a user runs it: whole at its smallest, killed, and with bad data."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from published import DATA, ROOT, needed

from experiments.mnist_tutorial import config as mnist_tutorial
from experiments.mnist_tutorial import rows as named
from kd_jax import experiment
from kd_jax.distill import bias_correction
from kd_jax.errors import InputError
from kd_jax.storage import manifest

SMOKE = [sys.executable, "-m", "experiments", "mnist_tutorial", "--preset=smoke"]
CONTROLS = {named.LABELS, f"{named.SMOOTHED} 0.1", named.PERMUTED, named.UNIFORM}
PART_1 = {f"{named.MIXED_ALIKE} 128", named.MIXED, named.OF_CNN, named.OF_CNN_2D}
PART_2 = {named.MISMATCHED, named.MATCHED, named.HELD_OUT, named.FREE, named.VALIDATED}
ON_TEST = "bias corrected on test, as in the paper"
ROWS = {
    "1": {named.DENSE, named.CNN, named.CNN_2D, named.SOFT, *CONTROLS, *PART_1},
    "2a": {named.SOFT, named.INITIAL_BIAS["2a"], ON_TEST, *CONTROLS, *PART_2},
    "2b": {named.SOFT, named.INITIAL_BIAS["2b"], ON_TEST, *CONTROLS, *PART_2},
}


def command(*arguments, **more):
    return subprocess.run(
        [*SMOKE, *arguments], capture_output=True, text=True, cwd=ROOT, **more
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished smoke run, and what the command printed."""
    workdir = tmp_path_factory.mktemp("runs")
    done = command(f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    (folder,) = workdir.glob("mnist_tutorial/*")
    return folder, done.stdout


def read(folder):
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def cells(markdown):
    """Every table of a Markdown text: its header and its lines, as lists of cells."""
    for block in markdown.split("\n\n"):
        if block.startswith("|"):
            header, _, *lines = (
                [cell.strip() for cell in line.strip("|").split("|")]
                for line in block.strip().splitlines()
            )
            yield header, lines


def test_a_smoke_run_has_every_row_of_every_part_with_each_teacher(finished):
    records = read(finished[0])
    assert {(r["part"], r["row"], r["teacher_seed"], r["seed"]) for r in records} == {
        (part, row, teacher, 0) for part, rows in ROWS.items() for row in rows for teacher in (0, 1)
    }
    assert len(records) == 3 * 12 * 2
    # 1,500 test digits, 150 of each class
    for r in records:
        assert sum(r["test_wrong"]) == r["test_errors"] == round(1500 * (1 - r["test_accuracy"]))
        assert r["test_class_accuracy"][3] == pytest.approx(1 - r["test_wrong"][3] / 150)
    # students that saw nothing but labels of other digits do not guess the rest
    (seen,) = {r["test_wrong"][3] for r in records if (r["part"], r["row"]) == ("2a", named.LABELS)}
    assert seen == 150


def test_errors_of_a_corrected_bias_are_those_of_its_curve(finished):
    chosen = [r for r in read(finished[0]) if "shift" in r]
    assert len(chosen) == 2 * 3 * 2
    for r in chosen:
        curve = dict(zip(bias_correction.SHIFTS.tolist(), r["errors_by_shift"], strict=True))
        if r["row"] != named.FREE:  # whose shift lies between those of the curve
            assert r["test_errors"] == curve[r["shift"]]
        if r["row"] == ON_TEST:
            assert r["test_errors"] == min(curve.values())


def test_the_table_is_what_was_printed_and_the_figures_are_there(finished):
    folder, printed = finished
    assert (folder / "table.md").read_text() in printed
    names = {"softmax_of_one_digit.png", "part_2a_bias.png", "part_2b_bias.png"}
    names |= {f"part_{p}_{m}.png" for p in ROWS for m in ("wrong", "class_accuracy")}
    assert {path.name for path in folder.glob("*.png")} == names
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in names)


def test_numbers_published_of_10000_digits_do_not_stand_beside_1500(finished):
    text = (finished[0] / "table.md").read_text()
    columns = [
        {line[i] for line in lines}
        for header, lines in cells(text)
        for i, title in enumerate(header)
        if "paper" in title
    ]
    assert columns == [{"–"}] * 7  # errors and loss in three parts, the 3s in one


def kill_once(done, workdir):
    """Start part 2a and kill it, without warning, as soon as done() is true."""
    arguments = [*SMOKE, "--part=2a", f"--workdir={workdir}"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(arguments, cwd=ROOT, **silent) as process:
        while process.poll() is None and not done():
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_a_killed_run_goes_on_to_the_same_records(finished, tmp_path):
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
    wanted = [r for r in read(finished[0]) if r["part"] == "2a" or r["row"] == named.DENSE]
    found = read(folder)
    assert len(found) == 2 * 13
    assert {json.dumps(r) for r in found} == {json.dumps(r) for r in wanted}


def refused(*arguments, **more):
    """The one line with which a command refuses its input, having written no run."""
    done = command(*arguments, **more)
    lines = done.stderr.splitlines()
    if lines[0].startswith("preparing mnist in"):
        lines = lines[1:]
    assert done.returncode == 2 and len(lines) == 1 and lines[0].startswith("error: "), done.stderr
    assert done.stdout == ""
    return lines[0]


def test_an_unknown_part_is_refused_by_name():
    with pytest.raises(InputError, match="--part=3: expected one of all, 1, 2a, 2b"):
        experiment.parse(mnist_tutorial.Config, ["x", "--part=3"])


def test_missing_data_are_named(tmp_path):
    # no network here, whatever the machine has: the discard port refuses at once
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9") | {"no_proxy": ""}
    places = [f"--data_dir={tmp_path}", f"--manual_dir={tmp_path}", f"--workdir={tmp_path / 'w'}"]
    text = refused("--nomnist_5k", *places, env=os.environ | nowhere)
    assert "MNIST is missing train-images-idx3-ubyte.gz, " in text and "--manual_dir" in text
    assert not (tmp_path / "w").exists()


def test_fashion_mnist_is_not_taken_for_mnist(tmp_path):
    folder = needed(DATA / "fashion_mnist")
    text = refused("--nomnist_5k", f"--data_dir={tmp_path}", f"--manual_dir={folder}")
    assert "this is Fashion-MNIST's train-images-idx3-ubyte.gz" in text
