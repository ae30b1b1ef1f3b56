"""The whole command on a small table: records, card, a student that predicts, and once more."""

import csv
import io
import runpy
import sys

import jax
import numpy as np
import one_process
import pytest
import tiny_runs
from scipy import special

import kd_jax as kd
from kd_jax.command import folder, problem, source_files
from kd_jax.report import compared_run
from kd_jax.storage import checkpoint, jsonl

ROWS = ["labels only", "soft targets, T=2", "soft targets, T=4"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(the folder with data, run and student; the run's folder)."""
    folder = tmp_path_factory.mktemp("whole")
    tiny_runs.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        one_process.verified_here(patch)
        return folder, tiny_runs.finished(tiny_runs.config(folder, out=str(folder / "out")))


@pytest.fixture(scope="module")
def given(done):
    """The problem, read once more."""
    return problem.read(tiny_runs.config(done[0]))


def best(folder):
    """The record of the student that is taken away: of the chosen row, fewest validation errors."""
    first = (folder / "table.md").read_text().splitlines()[4:8]
    (row,) = [name for name in ROWS if any(f"{name} (chosen)" in line for line in first)]
    own = [r for r in jsonl.records(folder) if r["row"] == row]
    return min(own, key=lambda r: (r["validation_errors"], r["validation_nll"]))


def own_probabilities(run_folder, given, record):
    """Of the student of a record on the test rows, by NumPy from the run's checkpoint."""
    dense = {"kernel": np.zeros((2, given.test.inputs.shape[1], 3)), "bias": np.zeros((2, 3))}
    last = {"kernel": np.zeros((2, 3, 2)), "bias": np.zeros((2, 2))}
    like = {"params": {"hidden_1": dense, "logits": last}, "state": {}}
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, np.float32), like)
    (place,) = (run_folder / "students").glob("labels_only-????????")
    found, _ = checkpoint.load(place, {str(n): shapes for n in range(3)})
    students = found[str(ROWS.index(record["row"]))]["params"]
    one = jax.tree.map(lambda x: np.asarray(x[record["seed"]], np.float64), students)
    hidden = np.maximum(given.test.inputs @ one["hidden_1"]["kernel"] + one["hidden_1"]["bias"], 0)
    return special.softmax(hidden @ one["logits"]["kernel"] + one["logits"]["bias"], -1)


def test_there_is_a_record_of_every_row_and_seed(done):
    folder, run_folder = done
    records = jsonl.records(run_folder)
    assert [(r["row"], r["seed"], r["base_seed"]) for r in records] == [
        (row, seed, 0) for row in ROWS for seed in range(2)
    ]
    assert {r["experiment"] for r in records} == {"distill"}
    teacher, *others = jsonl.records(folder / "out")
    assert teacher["row"] == "teacher" and [r["row"] for r in others] == [r["row"] for r in records]


def test_the_teacher_was_asked_once_about_every_row_of_the_columns_but_the_label(done, given):
    counts = [len(part.rows) for part in given.parts.values()]
    assert sum(counts) == 200
    columns = "age|town|note, long"
    assert tiny_runs.calls(done[0])[:4] == ["imported", *(f"{n}|{columns}" for n in counts)]


def test_the_teachers_record_is_what_numpy_makes_of_its_probabilities(done, given):
    teacher = jsonl.records(done[0] / "out")[0]
    age = np.array([48 if x is None else x for x in given.test.raw["age"].to_pylist()], float)
    p = 1 / (1 + np.exp(-(age - 48) / 6))
    right = np.where(given.test.labels == 1, p, 1 - p)
    assert teacher["test_errors"] == ((p > 0.5) != given.test.labels).sum()
    assert teacher["test_nll"] == pytest.approx(-np.log(right).mean(), rel=1e-4)


def test_the_card_says_verdict_digests_command_and_use(done, given):
    folder, run_folder = done
    text = (folder / "out" / "README.md").read_text(encoding="utf-8")
    table = (folder / "out" / "table.md").read_text(encoding="utf-8")
    head, body = text.split("\n---\n\n")
    assert head.startswith("---\nlibrary_name: kd_jax\npipeline_tag: tabular-classification\n")
    assert "\nmetrics:\n- accuracy\n" in head
    title, _, verdict = body.splitlines()[:3]
    assert title == f"# A student of people, by {best(run_folder)['row']}"
    assert verdict.startswith("**") and verdict == table.splitlines()[0] and table in text
    assert table == (run_folder / "table.md").read_text(encoding="utf-8")
    assert f"people ({given.digest[:16]})" in tiny_runs.section(text, "Data")
    place = f"{folder / 'forest.py'}:teach"
    digest = source_files.digest(place)[:16]  # which a test of its own holds
    assert tiny_runs.section(text, "Teacher") == f"`{place}` ({digest})"
    # a backtick needs two around it, a newline would end the line
    assert tiny_runs.section(text, "Classes") == r"`` no, `never` ``, `yé|s\n*`"
    assert "--label=verdict" in tiny_runs.section(text, "Command")
    assert "    python student/predict.py new.csv" in text and "kd.load(" in text
    assert "validation and test drawn of each class alike" in text
    assert "2 classes, in a teacher" in text


def test_predict_py_prints_what_the_loaded_student_says_and_the_student_itself(
    done, given, monkeypatch, capsys
):
    folder, run_folder = done
    record, student = best(run_folder), folder / "out" / "student"
    expected = own_probabilities(run_folder, given, record)
    assert (expected.argmax(-1) != given.test.labels).sum() == record["test_errors"]
    network = kd.load(student)
    assert network.classes == tiny_runs.CLASSES
    np.testing.assert_allclose(network.probabilities(given.test.inputs), expected, atol=1e-6)
    monkeypatch.setattr(sys, "argv", ["predict.py", str(folder / "people.csv")])
    monkeypatch.setattr(sys, "path", [str(student), *sys.path])
    monkeypatch.delitem(sys.modules, "preprocessing", raising=False)  # another student's
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(student / "predict.py"), run_name="__main__")
    sys.modules.pop("preprocessing", None)
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["label", *(f"p({name})" for name in tiny_runs.CLASSES)] and len(rows) == 200
    printed = np.array([row[1:] for row in rows], float)[given.test.rows]
    np.testing.assert_allclose(printed, expected, atol=1e-5)
    own = [rows[row][0] for row in given.test.rows]
    assert own == [tiny_runs.CLASSES[k] for k in expected.argmax(-1)]


def test_the_same_command_again_is_a_new_run_of_the_same_numbers_and_asks_nobody(done):
    folder, first = done
    before = tiny_runs.calls(folder)
    second = tiny_runs.finished(tiny_runs.config(folder))
    assert (first.name[:-1], first.name[-1], second.name) == (
        second.name[:-1], "1", f"{first.name[:-1]}2",
    )  # fmt: skip
    assert (second / "records.jsonl").read_bytes() == (first / "records.jsonl").read_bytes()
    assert tiny_runs.calls(folder) == before


@pytest.fixture(scope="module")
def kept(done):
    """(the flags, the run) of another base seed, whose --out keeps a row that is named."""
    named = {"out": str(done[0] / "kept"), "keep": ROWS[2], "base_seed": 1}
    with pytest.MonkeyPatch.context() as patch:
        one_process.verified_here(patch)
        config = tiny_runs.config(done[0], **named)
        return config, tiny_runs.finished(config)


def test_out_keeps_the_best_student_of_the_row_that_is_named(done, kept):
    config, run_folder = kept
    own = [r for r in jsonl.records(run_folder) if r["row"] == ROWS[2]]
    record = min(own, key=lambda r: (r["validation_errors"], r["validation_nll"]))
    test = problem.read(config).test
    found = kd.load(done[0] / "kept" / "student").predict(test.inputs)
    assert (found != test.labels).sum() == record["test_errors"]
    card = (done[0] / "kept" / "README.md").read_text(encoding="utf-8")
    assert f"# A student of people, by {ROWS[2]}\n" in card


def test_the_row_that_is_offered_did_best_on_validation_of_those_that_learn_from_the_teacher(done):
    offered = folder.runner_up(compared_run.read(done[1]))
    means = {
        row: np.mean([r["validation_errors"] for r in jsonl.records(done[1]) if r["row"] == row])
        for row in ROWS[1:]
    }
    assert means[offered] == min(means.values())


def test_another_base_seed_gives_other_students_on_other_rows(done, kept):
    folder, first = done
    other = kept[1]
    assert other.name[:-2] != first.name[:-2]
    assert {r["base_seed"] for r in jsonl.records(other)} == {1}
    nll = [{r["test_nll"] for r in jsonl.records(run)} for run in (first, other)]
    assert not nll[0] & nll[1]


def test_a_changed_teacher_is_asked_anew(tmp_path):
    tiny_runs.write(tmp_path)
    given = tiny_runs.config(tmp_path)
    first = tiny_runs.finished(given)
    text = (tmp_path / "forest.py").read_text()
    (tmp_path / "forest.py").write_text(text.replace("/ 6", "/ 3"))
    second = tiny_runs.finished(given)
    assert first.name[:-2] != second.name[:-2]
    assert len(tiny_runs.calls(tmp_path)) == 8
    kl = [[r["test_kl"] for r in jsonl.records(run)] for run in (first, second)]
    assert len(kl[0]) == 6 and not set(kl[0]) & set(kl[1])
