"""Many devices give the numbers of one."""

import pathlib
import subprocess
import sys

import pytest

from kd_jax.errors import InputError
from kd_jax.runtime import devices

ROOT = pathlib.Path(__file__).parents[2]
ON_EIGHT_DEVICES = """
import jax
jax.config.update("jax_num_cpu_devices", 8)
import numpy as np
import optax
from kd_jax import models
from kd_jax.runtime import devices
from kd_jax.runtime.execution import Execution
from kd_jax.training import loop, samplers, state as train_state

x = np.random.default_rng(0).normal(size=(96, 6)).astype(np.float32)
data = {"x": x, "y": (x.sum(1) > 0).astype(np.int32)}
net = models.functional(models.MLP((5,), 2, dropout=0.2), (6,))

def loss(variables, batch, key):
    (z, _), _ = net.apply(variables, batch.rows["x"], train=True, key=key)
    hard = optax.softmax_cross_entropy_with_integer_labels(z, batch.rows["y"]).mean()
    return train_state.Outcome(batch.numbers["w"] * hard)

def train_all(seeds, arms, sampler_seed, execution):
    optimizer = optax.adam(1e-2)
    keys = jax.random.split(jax.random.key(0), seeds)
    state = train_state.members(net.init, optimizer, keys, arms)
    sampler = samplers.shuffled(jax.random.key(1), 96, 16)
    weights = np.tile(np.linspace(0.5, 1, arms, dtype=np.float32), (seeds, 1))
    own = {"noise": np.zeros((seeds, 96), np.float32)}
    more = {"numbers": {"w": weights}, "own": own, "seeds": sampler_seed, "execution": execution}
    state, curves = loop.fit(loss, optimizer, state, data, sampler, epochs=3, **more)
    return jax.tree.leaves(state.params), curves["loss"], np.asarray(state.step)

devices.LARGE = 20  # the kernel [6, 5] is split over 2 devices, as a large one is
for seeds, arms, sampler_seed in ((3, 2, None), (1, 4, None), (3, 2, 7)):
    alone = train_all(seeds, arms, sampler_seed, Execution(devices=jax.devices()[:1]))
    for text in ("", "members:4,data:2", "data:8"):
        split = train_all(seeds, arms, sampler_seed, Execution(text))
        for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(split), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
print("same")
"""


@pytest.mark.slow
def test_eight_devices_give_the_numbers_of_one():
    found = subprocess.run(
        [sys.executable, "-c", ON_EIGHT_DEVICES], cwd=ROOT, capture_output=True, text=True
    )
    assert found.stdout == "same\n", found.stderr


def test_a_mesh_is_read_and_refused():
    assert devices.parse("", 6) == {"members": 6, "data": 1}
    assert devices.parse("data:2,members:4", 8) == {"members": 4, "data": 2}
    assert devices.parse("data:8", 8) == {"members": 1, "data": 8}
    for text, said in (
        ("members:3", "--mesh=members:3 is of 3 devices: there are 8"),
        ("rows:8", "--mesh=rows:8: 'rows:8' is unknown; expected like members:4,data:2"),
        ("members:0", "'members:0' is unknown"),
        ("members:-8", "'members:-8' is unknown"),
        ("members", "'members' is unknown"),
    ):
        with pytest.raises(InputError, match=said):
            devices.parse(text, 8)


def test_a_training_takes_the_devices_that_its_members_fill():
    filled = devices._devices_filled
    assert filled(1, 1, 8) == (1, 0)  # alone it is best off with all threads
    assert filled(10, 15, 2) == (2, 0)
    assert filled(5, 16, 2) == (2, 1)  # eight arms each: ½, before three of six seeds: 3/5
    assert filled(5, 15, 2) == (2, 0)
    assert filled(10, 15, 64) == (15, 1)  # one arm each, before one seed each
    assert filled(3, 1, 2) == (2, 0)  # two of four: ⅔ of the time
    assert filled(1, 7, 2) == (1, 0)
    assert filled(1, 1, 0) == (1, 0)
