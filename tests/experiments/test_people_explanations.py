"""The demo's explanations: students tuned on other rows in as many steps, and of other widths."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments.people import run as demo
from experiments.people import stages, training, tuning, widths
from experiments.people.config import Config

WRONG = [np.arange(3, 16), np.arange(40, 55)]


def seen(config, wrong, order, teacher=0):
    """Batches of students that are numbered."""
    return tuning.batches(config, teacher, range(len(wrong)), wrong, 200, order)


def test_tuning_sees_every_mistake_once_an_epoch_whoever_else_is_trained():
    config = Config(tuning_epochs=3, batch_size=4)
    both = seen(config, WRONG, tuning.on_mistakes)
    assert both.shape == (2, 3, 4, 4)
    for of_student, expected in zip(both, WRONG):
        for epoch in of_student.reshape(3, -1):
            assert sorted(epoch[epoch < 200]) == expected.tolist()
    orders = {tuple(epoch) for epoch in both.reshape(6, -1)}
    assert len(orders) == 6


@pytest.mark.parametrize("order", [tuning.on_mistakes, tuning.on_all, tuning.on_random])
def test_what_is_seen_follows_from_base_seed_teacher_and_student(order):
    config = Config(tuning_epochs=3, batch_size=4)
    both = seen(config, WRONG, order)
    np.testing.assert_array_equal(seen(config, WRONG[:1], order), both[:1])
    assert (seen(config, WRONG, order, teacher=1) != both).any()
    assert (seen(dataclasses.replace(config, base_seed=1), WRONG, order) != both).any()


@pytest.mark.parametrize("order", [tuning.on_all, tuning.on_random])
def test_other_rows_are_seen_in_as_many_steps_of_as_many_rows(order):
    config = Config(tuning_epochs=3, batch_size=4)
    mistakes, others = (seen(config, WRONG, x) for x in (tuning.on_mistakes, order))
    np.testing.assert_array_equal(others == 200, mistakes == 200)  # padding in the same places
    assert set(others[0][others[0] < 200]) != set(WRONG[0])


def test_random_rows_are_drawn_once_without_repetition():
    batches = seen(Config(tuning_epochs=3, batch_size=4), WRONG, tuning.on_random)
    for of_student, wrong in zip(batches.reshape(2, 3, -1), WRONG):
        each = [sorted(epoch[epoch < 200]) for epoch in of_student]
        assert each[0] == each[1] == each[2] and len(set(each[0])) == len(wrong)
        assert len({tuple(epoch) for epoch in of_student}) == 3


def test_all_rows_come_in_turn():
    """With 43 mistakes, 8 epochs show 344 rows: each of 200 once, then 144 of them again."""
    batches = seen(Config(), [np.arange(43)], tuning.on_all)
    rows = batches[batches < 200]
    assert len(rows) == 344
    assert sorted(rows[:200]) == [*range(200)] and len(set(rows[200:])) == 144


@pytest.mark.parametrize("order", [tuning.on_mistakes, tuning.on_all, tuning.on_random])
def test_a_student_without_mistakes_is_tuned_on_nothing(order):
    assert (seen(Config(), [np.arange(0)], order) == 200).all()


def test_a_network_with_further_units_of_zeros_is_the_same_network():
    random = np.random.default_rng(2)
    kernel, out = random.normal(size=(2, 6, 3)), random.normal(size=(2, 3, 3))
    bias, last = random.normal(size=(2, 3)), random.normal(size=(2, 3))
    params = {"hidden_1": {"kernel": kernel, "bias": bias}, "logits": {"kernel": out, "bias": last}}
    wide = widths.widened(params, 5)
    inputs = random.normal(size=(4, 6)).astype(np.float32)
    found = stages.logits_of(stages.network(5).apply, {"params": wide, "state": {}}, inputs)
    expected = np.tanh(inputs @ kernel + bias[:, None]) @ out + last[:, None]  # by hand
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    jax.tree.map(np.testing.assert_allclose, widths.narrowed(wide, 3), params)


def test_students_trained_as_wider_ones_are_those_of_their_own_width(monkeypatch):
    """Beside students that have so many units; the further units end as they began, at zero."""
    config = Config(seeds=2, student_epochs=3, student_widths=(3, 8, 5), batch_size=50)
    split = demo.load(config).train
    logits = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    ended, narrowed = [], widths.narrowed

    def noted(params, width):
        ended.append(params)
        return narrowed(params, width)

    monkeypatch.setattr(widths, "narrowed", noted)
    found = widths.train(config, 0, split, logits)
    assert [one.width for one in found] == [3, 5]
    of_3 = ended[0]
    assert of_3["hidden_1"]["kernel"].shape == (2, 3, 6, 5)
    assert not of_3["hidden_1"]["kernel"][..., 3:].any()
    assert not of_3["hidden_1"]["bias"][..., 3:].any()
    assert not of_3["logits"]["kernel"][..., 3:, :].any()
    for one in found:
        own, _ = training.fit(config, one.width, one.arms[:2], 0, split, logits)
        begun = jax.tree.map(lambda x: x[:, :2], one.variables)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), begun, own)
        distilled = jax.tree.map(lambda x: x[:, 1], own)
        network = stages.network(one.width)
        row = demo.STUDENTS[2]
        tuned, _ = tuning.tune(config, 0, range(2), network, distilled, split, row)
        last = jax.tree.map(lambda x: x[:, 2], one.variables)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), last, tuned)


def test_the_width_of_the_demo_is_no_other_width():
    assert widths.others(Config()) == [4, 16, 32, 100]
    assert widths.others(Config(student_width=16)) == [4, 8, 32, 100]
    assert widths.train(Config(student_widths=(8,)), 0, None, None) == []
