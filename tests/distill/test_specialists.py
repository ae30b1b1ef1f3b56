"""Specialists: clusters, dustbins and equation 5 against closed forms and scipy."""

import jax
import numpy as np
import optax
import pytest
from in_process import untrained
from scipy import optimize, special

from kd_jax import models
from kd_jax.data import Split
from kd_jax.distill import specialists, teachers
from kd_jax.training import samplers


def distributions(seed, *shape):
    return special.log_softmax(np.random.default_rng(seed).normal(size=shape) * 2, -1)


def test_with_specialists_in_all_classes_but_one_the_answer_is_the_arithmetic_mean():
    # a dustbin of one class is that class, so all three are whole distributions: q = their mean,
    # as Σ_m KL(p_m ‖ q) is least there
    generalist, others = distributions(0, 6, 4), distributions(1, 2, 6, 4)
    sets, active = np.array([[0, 1, 2], [0, 1, 2]]), np.ones((6, 2), bool)
    log_q = specialists.combine(generalist, others, sets, active)
    mean = (np.exp(generalist) + np.exp(others).sum(0)) / 3
    np.testing.assert_allclose(np.exp(log_q), mean, atol=1e-4)


def test_equation_5_is_what_scipy_finds():
    generalist, others = distributions(2, 1, 5), distributions(3, 2, 1, 3)
    sets = np.array([[0, 3], [1, 3]])

    def loss(z):
        q = special.softmax(z)
        found = np.sum(np.exp(generalist[0]) * (generalist[0] - np.log(q)))
        for log_p, classes in zip(others[:, 0], sets):
            q_m = np.append(q[classes], q.sum() - q[classes].sum())
            found += np.sum(np.exp(log_p) * (log_p - np.log(q_m)))
        return found

    best = special.softmax(optimize.minimize(loss, np.zeros(5), tol=1e-12).x)
    log_q = specialists.combine(generalist, others, sets, np.ones((1, 2), bool))
    np.testing.assert_allclose(np.exp(log_q[0]), best, atol=1e-4)


def test_where_no_specialist_is_active_the_generalist_answers():
    generalist, others = distributions(4, 3, 5), distributions(5, 1, 3, 3)
    active = np.array([[True], [False], [True]])
    log_q = specialists.combine(generalist, others, np.array([[0, 1]]), active)
    np.testing.assert_array_equal(log_q[1], np.float32(generalist[1]))
    assert np.abs(log_q[0] - generalist[0]).max() > 0.01


def test_specialists_are_active_when_they_know_a_likely_class():
    p = np.array([[0.5, 0.3, 0.1, 0.1], [0.1, 0.1, 0.2, 0.6]])
    sets = np.array([[0, 1], [1, 2], [2, 3]])
    assert specialists.active(p, sets).tolist() == [[True, False, False], [False, False, True]]
    assert specialists.active(p, sets, n=2).tolist() == [[True, True, False], [False, True, True]]


def test_the_dustbin_is_raised_by_the_over_sampling():
    # of 100 examples 10 are special and in a batch 50: they are seen five times too often
    assert np.exp(specialists.dustbin_shift(0.1)) == pytest.approx(5)
    with pytest.raises(ValueError, match="fraction is 1"):
        specialists.dustbin_shift(1)


def test_classes_that_are_predicted_together_come_to_one_specialist():
    random = np.random.default_rng(6)
    groups = [[0, 4, 8], [1, 5, 6], [2, 3, 7]]
    logits = np.full((900, 9), -6.0)
    for row, z in enumerate(logits):
        z[groups[row % 3]] = random.normal(size=3)
    columns = specialists.confusion_columns(special.softmax(logits, -1))
    centers = specialists.online_k_means(columns, 3, seed=0)
    sets = specialists.special_classes(columns, centers, 3)
    assert sorted(sets.tolist()) == groups
    with pytest.raises(ValueError, match="10 clusters: expected from 1 to 9"):
        specialists.online_k_means(columns, 10, seed=0)
    with pytest.raises(ValueError, match="9 special classes: expected from 1 to 8"):
        specialists.special_classes(columns, centers, 9)


def test_a_class_that_is_never_confused_comes_to_no_other_specialist():
    # 0 and 1, 2 and 3 are confused; 4 is as probable everywhere: its column is (0, 0, 0, 0, 1)
    logits = np.random.default_rng(7).normal(size=(400, 5))
    logits[:200, 2:4] -= 9
    logits[200:, :2] -= 9
    p = special.softmax(logits[:, :4], -1) * 0.8
    columns = specialists.confusion_columns(np.column_stack([p, np.full(400, 0.2)]))
    np.testing.assert_allclose(np.linalg.norm(columns, axis=0), 1)
    np.testing.assert_allclose(columns[:, 4], [0, 0, 0, 0, 1], atol=1e-12)
    centers = columns[:, [0, 2]].T
    assert 4 not in specialists.special_classes(columns, centers, 2)


def begun_as(generalist, *classes):
    """The first parameters of a specialist, in one program."""
    begin = jax.jit(lambda found: specialists.from_generalist(found, np.array(classes)))
    return jax.tree.map(np.asarray, begin({"params": generalist, "state": {}}))["params"]


def test_a_specialist_begins_with_the_generalist_s_special_logits():
    kernel = np.random.default_rng(0).normal(size=(3, 5)).astype("f4")
    logits = {"kernel": kernel, "bias": np.arange(5, dtype="f4")}
    found = begun_as({"other": 1, "logits": logits}, 1, 4)
    np.testing.assert_array_equal(found["logits"]["kernel"][:, :2], kernel[:, [1, 4]])
    np.testing.assert_allclose(found["logits"]["kernel"][:, 2], kernel[:, [0, 2, 3]].mean(1), 1e-6)
    assert found["logits"]["bias"].tolist() == pytest.approx([1, 4, (0 + 2 + 3) / 3 + np.log(3)])
    # of equal logits the dustbin has the probability of all its classes together
    same = {"logits": {"kernel": np.zeros((3, 5), "f4"), "bias": np.zeros(5, "f4")}}
    shares = special.softmax(begun_as(same, 0)["logits"]["bias"])
    np.testing.assert_allclose(shares, [0.2, 0.8], rtol=1e-6)


def test_half_of_every_batch_is_special_and_an_epoch_shows_each_special_row_once():
    # 6 classes of 20 rows; the first specialist knows 0 and 3, the second 4 and 5
    labels = np.repeat(np.arange(6), 20)
    own = np.stack([specialists.specialist_labels(labels, np.array(c)) for c in ([0, 3], [4, 5])])
    sampler = jax.jit(specialists.half_special_sampler(jax.random.key(0), own, 2, 60))
    for member, classes in enumerate(((0, 3), (4, 5))):
        batches = np.asarray(sampler(member, 0))
        assert batches.shape == (1, 60)  # 40 special rows fill one half of 30
        special_rows, rest = batches[:, :30].ravel(), batches[:, 30:].ravel()
        assert set(labels[special_rows]) <= set(classes) and not set(labels[rest]) & set(classes)
        assert len(set(special_rows)) == 30 and len(set(rest)) == 30
    assert own[0][labels == 3].tolist() == [1] * 20 and set(own[0][labels == 4]) == {2}
    other = jax.jit(specialists.half_special_sampler(jax.random.key(1), own[::-1], 2, 60))
    assert (np.asarray(other(0, 0)) != np.asarray(sampler(0, 0))).any()
    same = (specialists.half_special_sampler(jax.random.key(k), own, 2, 60) for k in (0, 1))
    assert len({jax.tree.structure(each) for each in same}) == 1  # so teachers share a program


def test_networks_trained_further_begin_at_given_parameters_and_learn_labels_of_their_own():
    model = models.functional(models.MLP((), 2), (3,))
    inputs = np.random.default_rng(8).normal(size=(40, 3)).astype(np.float32)
    split, keys = Split(inputs, np.zeros(40, int)), jax.random.split(jax.random.key(0))
    labels = np.repeat([[0], [1]], 40, axis=1)
    start = untrained(model, 2)
    sampler = samplers.shuffled(jax.random.key(2), 40, 20)

    def trained(epochs):
        recipe = teachers.NetworkRecipe(model, optax.sgd(0.5), sampler, epochs)
        return teachers.fit(recipe, keys, split, start=start, own={"labels": labels})

    jax.tree.map(np.testing.assert_array_equal, trained(0), start)
    layer = jax.tree.map(np.asarray, trained(50))["params"]["logits"]
    for number in (0, 1):
        logits = inputs @ layer["kernel"][number] + layer["bias"][number]
        assert (logits.argmax(-1) == number).mean() > 0.9
