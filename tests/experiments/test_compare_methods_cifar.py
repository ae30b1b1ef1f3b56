"""RepDistiller's setting on generated batches: the recipe, augmented batches, the whole way."""

import jax
import numpy as np
import pytest
from in_process import drawn_by_numpy, untrained

from experiments.compare_methods import cifar, pairs
from experiments.compare_methods.config import Config
from kd_jax import models
from kd_jax.data import Dataset, Split
from kd_jax.distill import methods
from kd_jax.distill.methods import selection, training
from kd_jax.storage import run_folder
from kd_jax.training import samplers

RANDOM = np.random.default_rng(5)


def images(count, side=8, classes=3):
    inputs = RANDOM.normal(size=(count, side, side, 3)).astype(np.float32)
    return Split(inputs, RANDOM.integers(classes, size=count).astype(np.int32))


@pytest.mark.parametrize("epochs", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_generated_set_goes_the_whole_way(tmp_path, monkeypatch, epochs):
    """Teacher, student on augmented batches, weights as published, test: one batch."""
    drawn_by_numpy(monkeypatch)
    data = Dataset("generated", 3, images(64), images(64), images(64), "none")
    nets = [models.ResNet(8, (4, 4, 4, 4), 3)] * 2
    config = Config(student_epochs=1, tried=1)
    spec = cifar.spec("generated", *nets, config, data, 0)
    spec = spec._replace(teacher=spec.teacher._replace(epochs=epochs))
    run = run_folder.Run(str(tmp_path), "compare_methods", {})
    prepared = pairs.prepare(config, spec, run)
    pair = prepared.pair
    assert prepared.taught.logits["test"].shape == (1, 64, 3)
    kd = methods.of_logits()[0]
    assert kd.weights == (9.0,)  # 0.9 beside 0.1 on the labels, as published
    chosen = selection.choose(pair, kd, training.fit(pair, kd, jax.random.key(0)[None]))
    assert [r["row"] for r in chosen.records] == [kd.row]
    # stage_1 to stage_3, pooled and the logits of either side
    assert np.shape(chosen.records[0]["cka"]) == (5, 5)


def at_step(number, state):
    """The optimizer's state with its counter, the only integer in it, at a step."""
    return jax.tree.map(lambda x: np.full_like(x, number) if x.dtype == np.int32 else x, state)


def test_the_rate_drops_tenfold_after_150_180_and_210_of_240_epochs():
    sampler = samplers.shuffled(jax.random.key(0), 128, 64)  # two steps an epoch
    optimizer = cifar.sgd(0.05, 240, sampler)
    params, gradient = {"w": np.ones(1, np.float32)}, {"w": np.zeros(1, np.float32)}
    # with no gradient but decay, the first step is −rate · 5e-4 · w; momentum adds to later ones
    update = jax.jit(optimizer.update)
    updates, _ = update(gradient, optimizer.init(params), params)
    assert float(updates["w"][0]) == pytest.approx(-0.05 * 5e-4, rel=1e-5)
    for epoch, rate in ((149, 0.05), (151, 0.005), (181, 5e-4), (211, 5e-5)):
        state = at_step(2 * epoch, optimizer.init(params))
        updates, _ = update(gradient, state, params)
        assert float(updates["w"][0]) == pytest.approx(-rate * 5e-4, rel=1e-4)


def test_permuting_in_the_step_keeps_the_label_and_the_multiset():
    logits = RANDOM.normal(size=(30, 6)).astype(np.float32)
    labels = RANDOM.integers(6, size=30)
    found = np.asarray(jax.jit(cifar.permuted)(jax.random.key(0), logits, labels))
    np.testing.assert_array_equal(found[np.arange(30), labels], logits[np.arange(30), labels])
    np.testing.assert_array_equal(np.sort(found, -1), np.sort(logits, -1))
    assert (found != logits).any(-1).mean() > 0.8


def test_the_teacher_sees_the_augmented_batch_of_the_student():
    net = models.functional(models.ResNet(8, (4, 4, 4, 4), 3), (8, 8, 3))
    params = jax.tree.map(lambda x: 4 * x, untrained(net))
    batch = images(64)._asdict()
    seen = jax.jit(cifar.views(net, params))(batch, jax.random.key(1))
    seen = jax.tree.map(np.asarray, seen)
    assert (seen["inputs"] != batch["inputs"]).any()
    logits, _ = training.outputs(net.apply, params, seen["inputs"])
    assert np.ptp(logits) > 0.1
    np.testing.assert_allclose(seen["teachers"][:, 0], logits, atol=1e-5)
