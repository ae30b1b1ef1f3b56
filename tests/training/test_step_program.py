"""A training of convolutions goes step by step on a CPU, to what a compiled loop gives."""

import flax.linen as nn
import jax
import numpy as np
import optax
import pytest

from kd_jax import models
from kd_jax.distill import teachers
from kd_jax.training import loop, samplers, step_program
from kd_jax.training import state as train_state

RANDOM = np.random.default_rng(4)
DATA = {
    "inputs": RANDOM.normal(size=(24, 4, 4, 1)).astype(np.float32),
    "labels": RANDOM.integers(2, size=24).astype(np.int32),
}


class Convolutional(nn.Module):
    """A convolution, batch norm and a dense layer."""

    @nn.compact
    def __call__(self, x, train=False):
        x = nn.relu(nn.BatchNorm(use_running_average=not train)(nn.Conv(2, (3, 3))(x)))
        return nn.Dense(2)(x.reshape(len(x), -1))


MODEL = models.from_flax(Convolutional(), DATA["inputs"][:2])
OPTIMIZER, LOSS = optax.sgd(0.1), teachers.loss(MODEL.apply)


def trained(epochs=3, snapshots=None, report=None):
    keys = jax.random.split(jax.random.key(0), 2)
    state = train_state.members(MODEL.init, OPTIMIZER, keys)
    sampler = samplers.scattered(jax.random.key(1), 24, 8)
    whole = loop.Training(LOSS, OPTIMIZER, state, DATA, sampler, epochs=epochs)
    return whole, whole.run(report, snapshots)


def test_step_by_step_is_the_compiled_loop(monkeypatch):
    by_step, (state, curves) = trained()
    assert isinstance(by_step.program, step_program.StepProgram)
    assert by_step.program.memory_analysis().argument_size_in_bytes > 0
    monkeypatch.setattr(step_program, "is_faster", lambda jaxpr: False)
    compiled, (expected, others) = trained()
    assert not isinstance(compiled.program, step_program.StepProgram)
    assert state.step.tolist() == expected.step.tolist() == [[9], [9]]
    np.testing.assert_allclose(curves["loss"], others["loss"], rtol=1e-4)
    compared = zip(jax.tree.leaves(state.variables), jax.tree.leaves(expected.variables))
    for ours, theirs in compared:
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_each_step_is_reported():
    told = []
    trained(epochs=2, report=lambda done, curves: told.append((done, sorted(curves))))
    # 3 steps of 8 rows; the last of an epoch comes before its means, and so is no whole yet
    steps = [(epoch + step / 4, []) for epoch in (0, 1) for step in (1, 2, 3)]
    assert [each for each in told if not each[1]] == steps
    assert [done for done, curves in told if "loss" in curves] == [1, 2]


@pytest.mark.parametrize("module, faster", [(Convolutional(), True), (models.MLP((3,), 2), False)])
def test_networks_that_convolve_are_told_by_their_jaxpr(module, faster):
    model = models.functional(module, (4, 4, 1))
    variables = jax.eval_shape(model.init, jax.random.key(0))
    found = jax.make_jaxpr(jax.jit(model.apply))(variables, DATA["inputs"][:2])
    assert step_program.is_faster(found) == faster
