"""The smallest experiment that writes all that any of them does, to be disturbed by tests.

A linear teacher, its outputs in both kinds of cache, and two rows of students, each appended when
it is trained. Snapshots are taken whenever they can be: most of its time is spent on writing.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kd_jax import experiment
from kd_jax.metrics import records
from kd_jax.runtime.execution import Execution
from kd_jax.storage import block_cache, checkpoint, jsonl, model_store
from kd_jax.training import loop, samplers
from kd_jax.training import state as train_state

SEEDS, ROWS, EPOCHS, BLOCK = 2, 24, 6, 8
INPUTS = np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32)
LABELS = np.random.default_rng(1).normal(size=ROWS).astype(np.float32)
OPTIMIZER = optax.adam(0.05)
ORDER = samplers.shuffled(jax.random.key(2), ROWS, 4)
KEYS = jax.random.split(jax.random.key(3), SEEDS)


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """No setting of its own."""


def drawn(key):
    """A number that is random as the key is, which compiles faster than a draw."""
    return jax.random.key_data(key)[0] / 2.0**32


def init(key):
    return train_state.stateless({"w": drawn(key) + jnp.arange(3.0)})


def loss_fn(variables, batch, key):
    error = (
        batch.rows["inputs"] @ variables["params"]["w"] - batch.rows["labels"] + 0.1 * drawn(key)
    )
    return train_state.Outcome(jnp.mean(error**2))


def fitted(labels, execution):
    """(parameters {"w": [S, 3]}, last losses [S], when they diverged [S]) of networks."""
    execution.snapshots.every = 0.0
    data = {"inputs": INPUTS, "labels": np.asarray(labels)}
    state = train_state.members(init, OPTIMIZER, KEYS)
    state, curves = loop.fit(
        loss_fn, OPTIMIZER, state, data, ORDER, epochs=EPOCHS, execution=execution
    )
    return (
        train_state.arm_variables(state)["params"],
        curves["loss"][-1, :, 0],
        train_state.diverged(state)[:, 0],
    )


def taught(settings):
    """{row: labels} that students learn from: the teacher's outputs, and their squares."""
    found = model_store.fit_or_restore(
        settings.workdir,
        {"teacher": "linear"},
        lambda snapshots: fitted(LABELS, Execution(snapshots=snapshots))[0],
        jax.eval_shape(jax.vmap(init), KEYS)["params"],
        retrain=settings.retrain,
    )
    outputs = model_store.outputs(found, lambda p, x: x @ p["w"].T, INPUTS)[:, 0]

    def blocks(first):
        for start in range(first, ROWS, BLOCK):
            yield {"squares": outputs[start : start + BLOCK] ** 2}

    facts = {"teacher": found.fingerprint}
    squares = block_cache.cached(
        found.folder, facts, ROWS, BLOCK, blocks, again=not found.restored, label="squares"
    )
    return {"outputs": outputs, "squares": squares["squares"]}


def students(row, labels, task):
    """The records of one row's students."""
    params, loss, diverged = fitted(labels, task.execution)
    checkpoint.save(task.run.path(row), params, {})
    norm = np.linalg.norm(params["w"], axis=-1)
    return records.seed_records(row, {"loss": loss, "norm": norm}, diverged)


def run(config, run):
    """The whole experiment."""
    run.open()
    run.each([
        ({"row": row}, functools.partial(students, row, labels))
        for row, labels in taught(config).items()
    ])  # fmt: skip


def program():
    """What the launcher is given."""
    return run, lambda folder: f"{len(jsonl.records(folder))} networks\n", lambda folder: None
