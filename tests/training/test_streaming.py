"""Training from disk is training from memory: the same batches, the same end, resumed anywhere."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from kd_jax.errors import InputError
from kd_jax.runtime.execution import Execution
from kd_jax.storage import checkpoint
from kd_jax.training import loop, samplers, streaming
from kd_jax.training import state as train_state

ROWS, BATCH, EPOCHS = 330, 5, 3  # 66 steps: two chunks and a rest
DATA = {
    "x": np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32),
    "y": np.random.default_rng(1).normal(size=ROWS).astype(np.float32),
}
OPTIMIZER = optax.adam(0.01)
ORDER = samplers.scattered(jax.random.key(7), ROWS, BATCH)
NUMBERS = {"weight": np.array([[1.0, 0.5]] * 3, np.float32)}


class Source:
    """Rows one by one, as any source of grain gives them."""

    def __len__(self):
        return ROWS

    def __getitem__(self, row):
        return {name: values[row] for name, values in DATA.items()}


class Together(Source):
    """The same, also several at once."""

    def __getitems__(self, rows):
        return [self[row] for row in rows]


def loss_fn(variables, batch, key):
    noise = 0.1 * jax.random.normal(key, batch.rows["y"].shape)
    error = batch.rows["x"] @ variables["params"]["w"] - batch.rows["y"] + noise
    loss = batch.numbers["weight"] * jnp.mean(error**2)
    return train_state.Outcome(loss, {"error": jnp.mean(jnp.abs(error))})


def states():
    def init(key):
        return train_state.stateless({"w": jax.random.normal(key, (3,))})

    return train_state.members(init, OPTIMIZER, jax.random.split(jax.random.key(0), 3), 2)


def streamed(source=None, **options):
    stream = streaming.Stream(source or Source(), ORDER, seed=4)
    more = {"epochs": EPOCHS, "numbers": NUMBERS, **options}
    return streaming.fit(loss_fn, OPTIMIZER, states(), stream, **more)


@pytest.mark.parametrize("source", [Source(), Together()])
def test_batches_are_those_that_are_gathered_from_memory(source):
    batches = streaming.Batches(streaming.Stream(source, ORDER, seed=4), EPOCHS)
    assert (batches.steps, batches.size) == (66, 5)
    rows = np.concatenate([ORDER(4, epoch) for epoch in range(EPOCHS)])
    for number, batch in enumerate(batches.read(start=60), 60):
        for name, values in batch.items():
            np.testing.assert_array_equal(values, DATA[name][rows[number]])
    assert number == EPOCHS * 66 - 1


def test_training_from_disk_ends_where_training_from_memory_ends():
    state, curves = streamed()
    other, expected = loop.fit(
        loss_fn, OPTIMIZER, states(), DATA, ORDER, epochs=EPOCHS, seeds=4, numbers=NUMBERS
    )
    np.testing.assert_allclose(state.params["w"], other.params["w"], rtol=1e-5, atol=1e-6)
    assert curves.keys() == expected.keys()
    for name in curves:
        np.testing.assert_allclose(curves[name], expected[name], rtol=1e-5)


def test_a_killed_training_from_disk_goes_on_within_an_epoch(tmp_path):
    whole, curves = streamed()

    class Killed(Exception):
        pass

    class Dying(checkpoint.Snapshots):
        def save(self, done, tree):
            super().save(done, tree)
            if done == 66 + 32:
                raise Killed

    with pytest.raises(Killed):
        streamed(execution=Execution(snapshots=Dying(tmp_path, {}, every=0.0)))
    read = []

    class Seen(Source):
        def __getitem__(self, row):
            read.append(row)
            return super().__getitem__(row)

    resumed = Execution(snapshots=checkpoint.Snapshots(tmp_path, {}, every=1e9))
    again, other = streamed(Seen(), execution=resumed)
    assert len(read) <= (2 * 66 + 34 - 66 + 2) * BATCH  # what was left, and one for its shape
    for a, b in zip(
        jax.tree.leaves((whole.params, curves)), jax.tree.leaves((again.params, other))
    ):
        np.testing.assert_array_equal(a, b)


def test_a_row_that_cannot_be_read_ends_the_training_in_the_words_of_its_source():
    class Damaged(Source):
        def __getitem__(self, row):
            if row == 7:
                raise InputError("rows/1.0 is unreadable: delete it")
            return super().__getitem__(row)

    with pytest.raises(InputError) as error:
        streamed(Damaged())
    assert str(error.value) == "rows/1.0 is unreadable: delete it"
