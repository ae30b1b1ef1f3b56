"""The people demo over teachers and students: its records, its networks, killed, and its table."""

import os
import re
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest
from in_process import drawn_by_numpy, finished
from published import ROOT

from experiments.people import claims, report, rows, training, tuning
from experiments.people import run as demo
from experiments.people.config import PERSON, Config
from kd_jax.distill import students, teachers
from kd_jax.errors import InputError
from kd_jax.export import saved_models
from kd_jax.report import claims as claimed
from kd_jax.storage import jsonl, run_folder
from kd_jax.storage.checkpoint import Snapshots
from kd_jax.training.state import Batch

SHORT = dict(teachers=2, seeds=2, teacher_width=10, teacher_epochs=20, student_epochs=20)
SHORT |= {"batch_size": 200}  # all rows, so that trainings on any number of mistakes are alike
SHORT |= {"student_widths": (4, 8, 12)}
OF_WIDTHS = {
    rows.of_width(row, width): width
    for row in (rows.LABELS, rows.DISTILLED, rows.TUNED_RAW)
    for width in (4, 12)
}
ALL = {
    rows.TEACHER, rows.LABELS, rows.DISTILLED, rows.TUNED_RAW, rows.TUNED,
    "fine-tuned, NLL of raw outputs, all rows", "fine-tuned, NLL of raw outputs, random rows",
    "fine-tuned, NLL of log-softmax, all rows", "fine-tuned, NLL of log-softmax, random rows",
    *OF_WIDTHS,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a short run."""
    with pytest.MonkeyPatch.context() as patch:
        drawn_by_numpy(patch)
        return finished("people", Config(**SHORT, workdir=str(tmp_path_factory.mktemp("runs"))))


def test_every_teacher_has_students_of_its_own(folder):
    records = jsonl.records(folder)
    assert {(r["row"], r["teacher_seed"], r["seed"]) for r in records} == {
        (row, teacher, seed)
        for row in ALL
        for teacher in (0, 1)
        for seed in ((0,) if row == rows.TEACHER else (0, 1))
    }
    assert len(records) == 2 * (1 + (8 + 6) * 2)
    of_width = {r["row"]: r["width"] for r in records if r["row"] != rows.TEACHER}
    assert of_width == {row: OF_WIDTHS.get(row, 8) for row in ALL - {rows.TEACHER}}
    for row in ALL:  # by other choices
        losses = [r["train_nll"] for r in records if r["row"] == row]
        assert len(set(losses)) == len(losses)
    for r in records:
        assert r["test_errors"] == round(40 * (1 - r["test_accuracy"]))


def test_the_first_networks_are_saved_and_are_those_of_the_records(folder):
    for row in ALL:
        found = saved_models.take(folder, row, 0, {})
        logits = jax.jit(found.model.logits)(found.variables, found.inputs)
        assert (np.argmax(logits, -1) != found.labels).sum() == found.record["test_errors"]
        assert (found.record["teacher_seed"], found.record["row"]) == (0, row)
    student = saved_models.take(folder, rows.DISTILLED, 0, {})
    assert student.teacher.record["row"] == rows.TEACHER
    mistakes = (folder / "mistakes.csv").read_text().splitlines()
    assert len(mistakes) == student.record["train_errors"]


def test_predict_trains_one_teacher_and_the_students_of_one_seed(
    folder, tmp_path, monkeypatch, capsys
):
    drawn_by_numpy(monkeypatch)
    counts = []
    for module in (teachers, students):

        def spy(*arguments, fit=module.fit, **options):
            found = fit(*arguments, **options)
            variables = found[0] if isinstance(found, tuple) else found
            counts.append(len(variables["params"]["logits"]["bias"]))
            return found

        monkeypatch.setattr(module, "fit", spy)
    here = run_folder.Run(tmp_path, "people", {})
    demo.run(Config(**SHORT, predict=PERSON), here)
    assert counts == [1, 1] and not here.is_open and not list(tmp_path.iterdir())
    person = np.array([PERSON.split(",")], np.float32)
    for row, line in zip(
        (rows.TEACHER, rows.DISTILLED, rows.TUNED), capsys.readouterr().out.splitlines()[1:]
    ):
        saved = saved_models.take(folder, row, 0, {})  # trained beside others, up to rounding
        logits = np.asarray(jax.jit(saved.model.logits)(saved.variables, person))[0]
        expected = np.exp(logits) / np.exp(logits).sum()
        assert line.strip().startswith(row)
        np.testing.assert_allclose([float(x) for x in line.split()[-3:]], expected, atol=2e-4)


KILLED = """
import os, pathlib, signal, sys
from in_process import finished, first_variables
from experiments.people.config import Config
from kd_jax.storage.checkpoint import Snapshots
from kd_jax.training import loop, state

advance, workdir = loop.Training.advance, sys.argv[1]

def advance_or_die(training, stop):
    if training.done and list(pathlib.Path(workdir).glob("people/*/records.jsonl")):
        os.kill(os.getpid(), signal.SIGKILL)
    advance(training, stop)

Snapshots.due = lambda self: True
state.initialize = first_variables
loop.Training.advance = advance_or_die
finished("people", Config(**{}, workdir=workdir))
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(folder, tmp_path, monkeypatch, capsys):
    """Killed in the middle of the second teacher's students, when the first's are recorded."""
    drawn_by_numpy(monkeypatch)
    program = [sys.executable, "-c", KILLED.replace("{}", repr(SHORT)), str(tmp_path)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(program, env=os.environ | {"PYTHONPATH": path}, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (run,) = (tmp_path / "people").iterdir()
    assert {r["teacher_seed"] for r in jsonl.records(run)} == {0}
    restored, restore = [], Snapshots.restore

    def spy(snapshots, like):
        restored.append(restore(snapshots, like))
        return restored[-1]

    monkeypatch.setattr(Snapshots, "restore", spy)
    assert finished("people", Config(**SHORT, workdir=str(tmp_path))) == run
    assert [found[0] for found in restored if found] == [1]  # other widths had not begun
    assert "restored (" in capsys.readouterr().out
    for name in ("records.jsonl", "mistakes.csv", "table.md"):
        assert (run / name).read_bytes() == (folder / name).read_bytes()
    assert not list(run.glob("training*"))


def test_every_choice_follows_from_the_base_seed(monkeypatch):
    """Keys and orders of teachers and students; those of the tuning have a test of their own."""
    asked = []

    class Asked(Exception):
        pass

    def together(row, recipe, keys, data, run):
        asked[-1] += [recipe.sampler(0, 0), jax.random.key_data(keys)]
        raise Asked

    def fit(recipe, arms, split, sources, keys, *, seeds, **options):
        asked[-1] += [recipe.sampler(0, 0), jax.random.key_data(keys), seeds]
        raise Asked

    monkeypatch.setattr(teachers, "together", together)
    monkeypatch.setattr(students, "fit", fit)
    for base, teacher in ((0, 0), (0, 1), (1, 0)):
        config = Config(**SHORT, base_seed=base)
        data = demo.load(config)
        asked.append([])
        with pytest.raises(Asked):
            demo.run(config, run_folder.Run("nowhere", "people", {}))
        with pytest.raises(Asked):
            demo.train_students(config, teacher, data.train, np.zeros((200, 3)))
    first, sibling, other = [[np.asarray(x).tolist() for x in found] for found in asked]
    assert all(a != b for a, b in zip(first, other))
    # another teacher of the same run: students with other keys, in other orders of the same program
    assert [a != b for a, b in zip(first, sibling)] == [False, False, False, True, True]


def test_a_row_s_students_begin_and_are_tuned_as_it_says(monkeypatch):
    """Each row of the fine-tuning begins with the distilled student, the second of two rows."""
    config, asked = Config(**SHORT), []
    split = demo.load(config).train
    grid = np.arange(4.0).reshape(2, 2)  # two seeds, two rows
    monkeypatch.setattr(training, "fit", lambda *_: ({"params": grid}, np.full((2, 2), -1)))

    def tune(config, teacher, seeds, model, params, split, row):
        asked.append((row, teacher, [*seeds], params["params"].tolist()))
        return {"params": params["params"] + 10 * len(asked)}, np.array([-1, len(asked)])

    monkeypatch.setattr(tuning, "tune", tune)
    found, lost = demo.train_students(config, 7, split, np.zeros((200, 3)))
    assert asked == [(row, 7, [0, 1], [1.0, 3.0]) for row in demo.STUDENTS[2:]]
    assert found["params"].tolist() == [
        [0, 1, 11, 21, 31, 41, 51, 61], [2, 3, 13, 23, 33, 43, 53, 63]
    ]  # fmt: skip
    assert lost.tolist() == [[-1] * 8, [-1, -1, 1, 2, 3, 4, 5, 6]]


def test_settings_reach_the_trainings():
    config = Config(
        teacher_width=7, student_width=3, teacher_epochs=11, student_epochs=12, batch_size=50,
        teacher_learning_rate=0.25, student_learning_rate=0.125,
    )  # fmt: skip
    for recipe, widths, epochs, rate in (
        (demo.teacher_recipe(config, 200), (7, 7), 11, 0.25),
        (training.student_recipe(config, 3, 200), (3,), 12, 0.125),
    ):
        assert recipe.model.network.hidden == widths and recipe.epochs == epochs
        assert sorted(np.ravel(recipe.sampler(0, 0))) == list(range(200))
        assert recipe.sampler(0, 0).shape == (4, 50)
        step, _ = recipe.optimizer.update(np.float32(1), recipe.optimizer.init(np.float32(0)))
        assert step == -rate


@pytest.mark.parametrize(
    "name, value",
    [
        ("batch_size", 201), ("batch_size", 0), ("teacher_learning_rate", 0.0), ("teachers", 0),
        ("tuning_learning_rate", -1.0), ("student_learning_rate", float("nan")),
        ("tuning_epochs", 0), ("student_width", 0), ("base_seed", -1), ("student_widths", (4, 0)),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(name, value):
    with pytest.raises(InputError, match=re.escape(f"--{name}=")):
        Config(**{name: value})


def test_students_regress_log_probabilities_or_learn_labels():
    random = np.random.default_rng(3)
    logits, teacher = random.normal(size=(2, 4, 3))
    labels = np.array([0, 2, 1, 1])

    def log_softmax(x):
        return x - np.log(np.exp(x).sum(-1, keepdims=True))

    expected = {
        rows.LABELS: -log_softmax(logits)[range(4), labels].mean(),
        rows.DISTILLED: ((logits - log_softmax(teacher)) ** 2).mean(),
    }
    loss_fn = training.loss(lambda variables, inputs: ((logits, {}), {}))
    for arm in demo.ARMS[:2]:
        weights = {"weight": arm.weight, "label_weight": arm.label_weight}
        given = {"inputs": None, "labels": labels, "teachers": teacher[:, None]}
        batch = Batch(given, weights)
        np.testing.assert_allclose(loss_fn({}, batch, None).loss, expected[arm.row], rtol=1e-5)


def test_students_are_compared_with_their_own_teacher(tmp_path):
    """Two teachers, two students each: they are 10 points below their teacher, by hand."""
    accuracy = {rows.TEACHER: [[0.8], [0.6]], rows.LABELS: [[0.7, 0.7], [0.5, 0.5]]}
    accuracy[rows.DISTILLED] = [[0.75, 0.75], [0.55, 0.55]]
    found = [
        {"row": row, "teacher_seed": t, "seed": s, "train_accuracy": x, "test_accuracy": x}
        for row, of_row in accuracy.items()
        for t, of_teacher in enumerate(of_row)
        for s, x in enumerate(of_teacher)
    ]
    (tmp_path / "records.jsonl").write_text(jsonl.text(found))
    lines = [line for line in report.table(tmp_path).splitlines() if line.startswith("| ")]
    cells = {line.split("|")[1].strip(): line.split("|") for line in lines}
    # sample s.d. of 0.8, 0.6 is 0.1414; of 0.7, 0.7, 0.5, 0.5 it is 0.1155
    assert cells[rows.TEACHER][3].strip() == "70.0 ± 14.1"
    assert cells[rows.LABELS][3].strip() == "60.0 ± 11.5"
    assert cells[rows.LABELS][6].strip() == "−10.0 [−10.0, −10.0]"
    assert cells[rows.TEACHER][4].strip() == "+10.0 [+10.0, +10.0]"
    assert cells[rows.LABELS][8].strip() == "−5.0 [−5.0, −5.0]"  # and below distilled ones


def one_seed(row, accuracies, **more):
    """Records of a row, a student of each of several teachers."""
    return [
        {
            "row": row,
            "teacher_seed": t,
            "seed": 0,
            "train_accuracy": x,
            "test_accuracy": 0.5,
            **more,
        }
        for t, x in enumerate(accuracies)
    ]


def below(text, title):
    """{first cell: the cells} of the table below a title."""
    lines = text.split(f"{title}\n\n")[1].split("\n\n")[0].splitlines()
    cells = [[x.strip() for x in line.split("|")[1:-1]] for line in lines]
    return {x[0]: dict(zip(cells[0], x)) for x in cells[2:]}


def test_explanations_are_compared_with_what_they_are_explanations_of(tmp_path):
    """Differences by hand: mistakes 80 against 75 on all rows, 78 on random; widths against 8."""
    found = one_seed(rows.TEACHER, [0.84] * 3) + one_seed(rows.TUNED, [0.7] * 3)
    for row, x in ((rows.LABELS, 0.6), (rows.DISTILLED, 0.7), (rows.TUNED_RAW, 0.8)):
        found += one_seed(row, [x] * 3, family=row, width=8)
        for width, gain in ((16, 0.06), (4, -0.1), (32, 0.08)):
            more = {"family": row, "width": width}
            found += one_seed(rows.of_width(row, width), [x + gain] * 3, **more)
    for others, x in ((rows.ON_ALL, 0.75), (rows.ON_RANDOM, 0.78)):
        row = rows.tuned_on(rows.TUNED_RAW, others)
        found += one_seed(row, [x] * 3, family=row, width=8)
    (tmp_path / "records.jsonl").write_text(jsonl.text(found))
    text = report.table(tmp_path)
    main = below(text, "of a table (Holm).")
    assert [*main] == [rows.TEACHER, rows.TUNED, rows.LABELS, rows.DISTILLED, rows.TUNED_RAW]
    tuned = below(text, f"{rows.TUNED_ON}: 200 train rows")
    mistakes = tuned["fine-tuned, NLL of raw outputs, its mistakes"]
    assert mistakes["accuracy, %"] == "80.0 ± 0.0"
    assert mistakes["vs. all rows [95 %]"] == "+5.0 [+5.0, +5.0]"
    assert mistakes["vs. random rows [95 %]"] == "+2.0 [+2.0, +2.0]"
    on_all = tuned["fine-tuned, NLL of raw outputs, all rows"]
    assert on_all["vs. all rows [95 %]"] == "–"
    assert on_all["vs. random rows [95 %]"] == "−3.0 [−3.0, −3.0]"
    widths = below(text, f"{rows.WIDTHS}: 200 train rows")
    assert [*widths] == [
        f"{row}, {n} units" for row in rows.OF_WIDTHS for n in (4, 8, 16, 32)
    ]  # fmt: skip
    of_16 = widths["fine-tuned, NLL of raw outputs, 16 units"]
    assert of_16["vs. 8 units [95 %]"] == "+6.0 [+6.0, +6.0]"
    assert of_16["vs. teacher [95 %]"] == "+2.0 [+2.0, +2.0]"
    assert widths["labels only, 4 units"]["vs. 8 units [95 %]"] == "−10.0 [−10.0, −10.0]"
    assert widths["distilled, 8 units"]["vs. 8 units [95 %]"] == "–"
    listed = claims.CLAIMS
    assert all(claimed.answer(claim, text).difference != "–" for claim in listed)
    assert f"{rows.WIDTHS}: 40 test rows" in text and f"{rows.TUNED_ON}: 40 test rows" in text
