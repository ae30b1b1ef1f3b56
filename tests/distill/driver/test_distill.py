"""`kd.distill` as the pages show it; its choices, records and students, held against NumPy."""

import json
import sys

import jax
import numpy as np
import optax
import pytest
import small_driver as small
from scipy import special

import kd_jax as kd
from kd_jax.distill.driver import distill as driver
from kd_jax.distill.driver import fitting
from kd_jax.errors import InputError
from kd_jax.metrics import examples
from kd_jax.report import grouped

WEIGHTS = (0.1, 1.0, 10.0)


@pytest.fixture(scope="module")
def result():
    """Students of three seeds: of labels, of soft targets, and of one method with weights."""
    tuned = kd.Method("tuned, T=2", weights=WEIGHTS, temperature=2.0)
    methods = [kd.labels_only(), *kd.soft_targets(temperature=(1, 4)), tuned]
    recipe = kd.Recipe(optax.sgd(0.3), epochs=4, batch_size=20)
    return kd.distill(
        small.STUDENT, small.LOGITS, small.TRAIN, test=small.TEST, seeds=3, methods=methods,
        recipe=recipe,
    )  # fmt: skip


def validation(base_seed=0):
    """The rows of `validation`, which are taken from the training rows."""
    rows = driver.given_rows.parted(
        small.TRAIN, None, small.TEST, driver.keys.number(base_seed, "draw", "parts")
    )
    return rows.splits()["validation"]


def test_records_are_json_and_hold_what_a_row_is(result):
    records = json.loads(json.dumps(result.records))
    assert records == result.records
    rows = {record["row"] for record in records}
    assert rows == {"teacher", "labels only", "soft targets, T=1", "soft targets, T=4",
                    "tuned, T=2"}  # fmt: skip
    soft = [r for r in records if r["row"] == "soft targets, T=4"]
    assert [r["seed"] for r in soft] == [0, 1, 2]
    assert {(r["temperature"], r["weight"], r["label_weight"]) for r in soft} == {(4.0, 1.0, 0.0)}


def test_measurements_are_those_of_numpy(result):
    x, labels = small.TEST
    for record in result.records:
        if record["row"] == "teacher":
            logits = small.LOGITS[200:]
        else:
            network = result.student(record["row"], record["seed"])
            logits = small.by_numpy(network.variables, x)
        log_q = special.log_softmax(np.float64(logits), -1)
        errors = int((logits.argmax(-1) != labels).sum())
        assert record["test_errors"] == errors
        assert record["test_accuracy"] == pytest.approx(1 - errors / 100, abs=1e-6)
        nll = -log_q[np.arange(100), labels].mean()
        assert record["test_nll"] == pytest.approx(nll, abs=1e-4)
        if record["row"] != "teacher":
            log_p = special.log_softmax(np.float64(small.LOGITS[200:]), -1)
            kl = (np.exp(log_p) * (log_p - log_q)).sum(-1).mean()
            assert record["test_kl"] == pytest.approx(kl, abs=1e-4)


def test_the_best_is_chosen_on_validation_and_then_by_its_seeds(result):
    x, labels = validation()
    errors = {
        (r["row"], r["seed"]): int(
            (small.by_numpy(result.student(r["row"], r["seed"]).variables, x).argmax(-1)
             != labels).sum()
        )
        for r in result.records
        if r["row"] != "teacher"
    }  # fmt: skip
    means = {row: np.mean([errors[row, s] for s in range(3)]) for row, _ in errors}
    best = result.comparison.best
    assert means[best] == min(means.values())
    mine = small.by_numpy(result.best.variables, x).argmax(-1) != labels
    assert mine.sum() == min(errors[best, seed] for seed in range(3))


def trained(seeds=2, rows=None):
    """A Problem and its students of every weight, which are made by hand: not trained."""
    rows = rows or driver.given_rows.parted(small.TRAIN, None, small.TEST, 0)
    method = kd.Method("tuned", weights=WEIGHTS)
    problem = driver.prepare(small.STUDENT, small.LOGITS, rows, [method], kd.Recipe())
    keys = jax.random.split(jax.random.key(1), seeds * 3).reshape(seeds, 3)
    variables = jax.vmap(jax.vmap(problem.student.init))(keys)
    diverged = np.full((seeds, 3), -1)
    return problem, fitting.Students(
        method, jax.tree.map(np.asarray, variables), diverged, problem.student
    )


def test_the_weight_is_chosen_without_the_test():
    problem, students = trained()
    x, labels = problem.splits["validation"]
    errors = [
        [(small.by_numpy(jax.tree.map(lambda v, s=s, w=w: v[s, w], students.variables), x)
          .argmax(-1) != labels).sum() for w in range(3)] for s in range(2)
    ]  # fmt: skip
    expected = WEIGHTS[int(np.mean(errors, 0).argmin())]
    found = driver.choose(problem, students)
    assert {r["weight"] for r in found.records} == {expected}
    # labels and inputs of the test are changed: the choice is the same, its test metrics are not
    other = problem.splits["test"]._replace(labels=(problem.splits["test"].labels + 1) % 3)
    poisoned = problem._replace(splits={**problem.splits, "test": other})
    again = driver.choose(poisoned, students)
    assert [r["weight"] for r in again.records] == [r["weight"] for r in found.records]
    assert [r["test_errors"] for r in again.records] != [r["test_errors"] for r in found.records]
    jax.tree.map(np.testing.assert_array_equal, again.variables, found.variables)


def test_of_several_temperatures_the_best_is_said():
    """Its arms are T = 2 and T = 3 at each weight: the sixth is T = 3 at the last weight."""
    problem, students = trained()
    method = students.method._replace(temperature=(2.0, 3.0))
    variables = jax.tree.map(lambda x: np.tile(x, (1, 2) + (1,) * (x.ndim - 2)), students.variables)
    diverged = np.where(np.arange(6) == 5, -1, 0)[None].repeat(2, 0)  # all but the sixth
    found = driver.choose(problem, students._replace(
        method=method, variables=variables, diverged=diverged
    ))  # fmt: skip
    assert {(r["temperature"], r["weight"]) for r in found.records} == {(3.0, WEIGHTS[2])}
    assert all(r["temperatures"] == [2.0, 3.0] for r in found.records)


def test_records_say_which_weight_the_chosen_one_is_a_multiple_of():
    problem, students = trained()
    assert "own_weight" not in driver.choose(problem, students).records[0]
    method = kd.Method("tuned", weights=(90.0,)).times((0.1, 1.0)).times((1.0, 10.0, 100.0))
    few = jax.tree.map(lambda x: np.tile(x, (1, 2) + (1,) * (x.ndim - 2)), students.variables)
    lost = np.full((2, 6), -1)
    for record in driver.choose(problem, students._replace(
        method=method, variables=few, diverged=lost
    )).records:  # fmt: skip
        assert record["own_weight"] == 90.0 and record["weight"] in (9.0, 90.0, 900.0, 9000.0)


def test_what_is_right_of_each_test_example_is_what_the_records_count(result):
    for row, of in grouped.by_row(result.records).items():
        right = np.array([examples.unpacked(r["test_right"]) for r in of])
        errors = [r["test_errors"] for r in result.records if r["row"] == row]
        assert (1 - right).sum(1).tolist() == errors


def test_a_weight_of_which_students_diverged_is_the_worse():
    problem, students = trained()
    chosen = driver.choose(problem, students).records[0]["weight"]
    lost = students.diverged.copy()
    lost[:, WEIGHTS.index(chosen)] = 7
    again = driver.choose(problem, students._replace(diverged=lost))
    assert again.records[0]["weight"] != chosen
    assert not any("diverged" in r for r in again.records)
    # of nothing but diverged students there are records without metrics, and one line
    gone = driver.choose(problem, students._replace(diverged=np.full((2, 3), 4)))
    assert [r["diverged"] for r in gone.records] == [4, 4]
    result = driver.concluded(problem, [gone])
    assert "All students diverged: try a smaller learning rate." in str(result)
    with pytest.raises(InputError, match="all students of tuned diverged: try a smaller"):
        _ = result.best


def test_without_labels_students_are_held_against_the_teacher():
    rows = driver.given_rows.parted(kd.Split(small.INPUTS, None), None, None, 0)
    problem, students = trained(rows=rows)
    assert not problem.labeled and not problem.taught.labeled.any()
    found = driver.choose(problem, students)
    result = driver.concluded(problem, [found])
    own = rows.parts["test"]
    for record in result.records:
        params = jax.tree.map(lambda x, seed=record["seed"]: x[seed], found.variables)
        said = small.by_numpy(params, own.split.inputs).argmax(-1)
        agreement = (said == small.LOGITS[own.rows].argmax(-1)).mean()
        assert record["test_agreement"] == pytest.approx(agreement, abs=1e-6)
        assert record["test_accuracy"] == pytest.approx(agreement, abs=1e-6)
    assert "agreement, %" in str(result) and "accuracy" not in str(result)
    assert driver.default_methods(labeled=False)[0].row == "pseudo labels"


def test_students_that_diverged_are_left_out_and_named():
    recipe = kd.Recipe(optax.sgd(1e38), epochs=1, batch_size=100)
    methods = [kd.labels_only(), *kd.soft_targets(1)]
    result = kd.distill(
        small.STUDENT, small.LOGITS, small.ALL, seeds=2, methods=methods, recipe=recipe
    )
    assert len([r for r in result.records if "diverged" in r]) == 4
    assert str(result).startswith("**All students diverged: try a smaller learning rate.**")
    assert "2 of 2 students of labels only diverged and are left out." in str(result)
    assert "nan" not in str(result).lower()
    with pytest.raises(InputError, match="all students of .* diverged"):
        _ = result.best


def test_a_result_is_shown_escaped_drawn_and_given_to_pandas(result, monkeypatch):
    assert result._repr_html_().count("<tr>") == 1 + 5
    name = "<b>|x"
    renamed = [{**r, "row": name} if r["row"] == "labels only" else r for r in result.records]
    odd = result.comparison._replace(records=renamed, baseline=name, best="tuned, T=2")
    shown = kd.distill.driver.result.Result(odd, result.students, result.template)._repr_html_()
    assert "<b>|x" not in shown and "&lt;b&gt;|x" in shown
    assert result.plot().axes[0].get_yticklabels()

    class Pandas:
        DataFrame = list

    monkeypatch.setitem(sys.modules, "pandas", Pandas)
    assert result.to_pandas() == result.records
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="to_pandas\\(\\) needs pandas: pip install pandas"):
        result.to_pandas()


def test_the_text_fits_the_terminal_and_is_markdown_elsewhere(result, monkeypatch):
    assert str(result) == result.comparison.markdown().rstrip()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    for width in (40, 60, 80, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        assert max(map(len, str(result).splitlines())) <= width
        assert str(result) == result.comparison.text(width).rstrip()


def test_rows_and_seeds_that_are_none_are_refused(result):
    with pytest.raises(InputError, match="there is no row nothing: expected one of labels only"):
        result.student("nothing")
    with pytest.raises(InputError, match="seed=3: expected 0 to 2"):
        result.student("labels only", 3)
