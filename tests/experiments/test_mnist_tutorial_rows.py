"""The Harvard tutorial's rows, losses and biases, derived by hand."""

import itertools
import json

import jax
import numpy as np
import pytest
from scipy import special

from experiments.mnist_tutorial import parts, report
from experiments.mnist_tutorial import rows as named
from experiments.mnist_tutorial import run as tutorial
from experiments.mnist_tutorial.config import Config
from kd_jax.data.dataset import Dataset, Split
from kd_jax.distill import students
from kd_jax.report import sections

LABELS = np.repeat(np.arange(10), 300)  # as the training rows of mnist_5k


DEFAULT = Config()


def transfer_runs(part, config=DEFAULT):
    return parts.transfer_runs(config, part, LABELS)


def transfer_run(part, suffix=""):
    (found,) = [x for x in transfer_runs(part) if x.name == part + suffix]
    return found


def arm(part, row):
    (found,) = [a for x in transfer_runs(part) for a in x.arms if a.row == row]
    return found


@pytest.mark.parametrize(
    "part, classes", [("1", range(10)), ("2a", [0, 1, 2, 4, 5, 6, 7, 8, 9]), ("2b", [7, 8])]
)
def test_transfer_runs_show_the_classes_of_their_part_and_no_held_out_rows(part, classes):
    held = parts.held_out_rows(DEFAULT, LABELS)
    assert np.bincount(LABELS[held]).tolist() == [30] * 10
    for one in transfer_runs(part):
        without = one.name.endswith("held out")
        counts = np.bincount(LABELS[one.rows], minlength=10)
        share = 270 if without else 300
        assert counts.tolist() == [share if c in classes else 0 for c in range(10)]
        assert len(set(one.rows)) == len(one.rows)
        assert not (without and set(one.rows) & set(held))


@pytest.mark.parametrize("part", ["1", "2a", "2b"])
def test_labels_only_alone_trains_for_less_long(part):
    """In part 2b, where the head of the table says so, and nowhere else."""
    longest = max(x.passes for x in transfer_runs(part))
    rows = {a.row for x in transfer_runs(part) if x.passes < longest for a in x.arms}
    assert rows == ({named.LABELS} if part == "2b" else set())


def test_arms_have_the_tutorials_numbers():
    """(T, weight of soft targets over T², weight of the labels, which teacher), batch, passes."""

    def numbers(part, row):
        found = arm(part, row)
        weight = found.weight * found.temperature**2
        return found.temperature, pytest.approx(weight), found.label_weight, found.teacher

    assert numbers("1", named.SOFT) == (3, 1, 0, "teacher")
    assert numbers("1", named.MIXED) == (3, 1, pytest.approx(0.7 / 9), "teacher")
    assert numbers("1", named.OF_CNN) == (3, 1, 0, "CNN")
    assert numbers("2a", named.MISMATCHED) == (5, 1, pytest.approx(0.016), "teacher × 5/3")
    assert numbers("2a", named.MATCHED) == (5, 1, pytest.approx(0.016), "teacher")
    assert numbers("2b", named.MATCHED) == (5, 1, pytest.approx(0.02), "teacher")
    assert arm("1", named.LABELS) == students.Arm(named.LABELS, 1, 0, 1, 0)
    assert [transfer_run("1", name).batch_size for name in ("", " mixed")] == [128, 100]
    assert [x.passes for x in transfer_runs("2b")] == [1, 2, 2]
    assert transfer_run("2a").start == {named.INITIAL_BIAS["2a"]: {3: 3.5}}
    assert transfer_run("2b").start == {named.INITIAL_BIAS["2b"]: {7: 1.0, 8: 1.0}}


RANDOM = np.random.default_rng(11)
LOGITS = RANDOM.normal(scale=3, size=(2, 20, 10)).astype(np.float32)
NAMES = "teacher", "CNN", "2-D CNN", "permuted", "uniform", "teacher × 5/3"
TEACHERS = dict(zip(NAMES, RANDOM.normal(scale=3, size=(6, 20, 10)).astype(np.float32)))
OF_ROWS = RANDOM.integers(10, size=20)


def test_all_students_are_compared_with_the_dense_teacher_and_the_table_says_so():
    labels = np.arange(20) % 10
    test = Split(np.zeros((20, 28, 28), np.float32), labels)
    model = tutorial.student_recipe(Config(), 0).model
    variables = jax.eval_shape(model.init, jax.random.key(0))
    variables = jax.tree.map(lambda x: np.zeros((2, 1, *x.shape), np.float32), variables)
    variables["params"]["logits"]["bias"][..., 4] = 1  # they call everything a 4
    found = tutorial.measure(model, variables, [arm("1", named.OF_CNN)], test, TEACHERS)
    fours = (TEACHERS["teacher"].argmax(-1) == 4).mean(-1)
    assert [r["test_agreement"] for r in found] == pytest.approx([fours, fours])
    both = [*found, *({**r, "row": named.LABELS} for r in found)]
    text = sections.table(both, {}, named.LABELS, report.COLUMNS)
    assert "agrees with dense teacher | KL to dense teacher" in text


@pytest.mark.parametrize("part, row", [("1", named.LABELS), ("1", f"{named.SMOOTHED} 0.1")])
def test_the_loss_of_students_on_labels_is_cross_entropy(part, row):
    found = tutorial.tutorial_loss(LOGITS, TEACHERS["teacher"], OF_ROWS, arm(part, row))
    log_q = special.log_softmax(LOGITS.astype(np.float64), -1)
    np.testing.assert_allclose(found, -log_q[:, range(20), OF_ROWS].mean(-1), rtol=1e-5)


def test_the_loss_of_students_on_soft_targets_is_cross_entropy_of_labels_at_their_temperature():
    found = tutorial.tutorial_loss(LOGITS, TEACHERS["teacher"], OF_ROWS, arm("2a", named.SOFT))
    log_q = special.log_softmax(LOGITS.astype(np.float64) / 3, -1)
    np.testing.assert_allclose(found, -log_q[:, range(20), OF_ROWS].mean(-1), rtol=1e-5)


@pytest.mark.parametrize("row", [named.MATCHED, named.MISMATCHED])
def test_the_loss_of_mixed_students_is_their_objective(row):
    teacher = TEACHERS["teacher" if row == named.MATCHED else "teacher × 5/3"]
    assert arm("2a", row).teacher == ("teacher" if row == named.MATCHED else "teacher × 5/3")
    found = tutorial.tutorial_loss(LOGITS, teacher, OF_ROWS, arm("2a", row))
    z, v = LOGITS.astype(np.float64), teacher.astype(np.float64)
    of_labels = -special.log_softmax(z, -1)[:, range(20), OF_ROWS].mean(-1)
    of_teacher = -(special.softmax(v / 5, -1) * special.log_softmax(z / 5, -1)).sum(-1).mean(-1)
    np.testing.assert_allclose(found, 0.4 / 25 * of_labels + of_teacher, rtol=1e-5)


def test_all_teachers_are_the_trained_ones_and_what_is_made_of_the_dense_one():
    trained = dict(zip((named.DENSE, named.CNN, named.CNN_2D), TEACHERS.values()))
    found = tutorial.all_teachers(trained, OF_ROWS, seed=3)
    assert set(found) == set(NAMES)
    assert all(x.shape == (20, 10) and x.dtype == np.float32 for x in found.values())
    for name, logits in zip(NAMES, trained.values()):
        np.testing.assert_array_equal(found[name], logits)
    first = TEACHERS["teacher"]
    dense = special.softmax(first / 3, -1)
    # at T=5 the hotter logits give the soft targets that the dense teacher gives at T=3
    hotter = special.softmax(found["teacher × 5/3"] / 5, -1)
    np.testing.assert_allclose(hotter, dense, rtol=1e-4)
    label = np.arange(10) == OF_ROWS[:, None]
    permuted = found["permuted"]
    np.testing.assert_array_equal(permuted[label], first[label])
    np.testing.assert_array_equal(np.sort(permuted), np.sort(first))
    assert (permuted != first).any(-1).mean() > 0.9
    other = tutorial.all_teachers(trained, OF_ROWS, seed=4)
    assert (other["permuted"] != permuted).any(-1).mean() > 0.9
    uniform = special.softmax(found["uniform"] / 3, -1)
    spread = np.where(label, dense, (1 - dense[label])[:, None] / 9)
    np.testing.assert_allclose(uniform, spread, rtol=1e-4)


def test_part_2_asks_for_no_teacher_but_the_dense_one_and_what_is_made_of_it():
    found = tutorial.all_teachers({named.DENSE: TEACHERS["teacher"]}, OF_ROWS, seed=3)
    for part in ("2a", "2b"):
        wanted = {a.teacher for x in transfer_runs(part) for a in x.arms}
        assert wanted == set(found) == {"teacher", "permuted", "uniform", "teacher × 5/3"}


def test_every_choice_follows_from_the_base_seed_and_the_teacher():
    data = Dataset("mnist", 10, *[Split(np.zeros((3000, 1, 1)), LABELS)] * 3, "")
    found = [known for k in (0, 1) for known, _ in tutorial.units(Config(), data, None, k)]
    assert len({json.dumps(known) for known in found}) == len(found) == 2 * (3 + 2 + 3 + 3)
    drawn = []
    for base_seed, teacher in ((0, 0), (0, 1), (1, 0)):
        config = Config(base_seed=base_seed)
        recipe = tutorial.student_recipe(config, teacher)
        orders = [
            one.sampler(0, 0) for one in tutorial.teacher_recipes(config, 3000, teacher).values()
        ]
        orders += [recipe.of(one).sampler(0, 0) for one in transfer_runs("2a", config)]
        orders += [jax.random.key_data(recipe.keys)]
        drawn.append([np.asarray(x).tolist() for x in orders])
    assert all(a != b for xs in zip(*drawn) for a, b in itertools.combinations(xs, 2))


def test_rows_are_named_by_the_settings():
    rows = [
        a.row
        for one in transfer_runs("1", Config(smoothing=0.2, student_batch_size=50))
        for a in one.arms
    ]
    assert "label smoothing 0.2" in rows
    assert "soft targets + labels, T=3, batch size 50" in rows
