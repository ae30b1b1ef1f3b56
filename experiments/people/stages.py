"""The demo's networks and training stages: gradient descent over batches that are given.

The demo keeps the last, partial batch of an epoch. It is filled up here with the index of a padding
row, which stands after all others and whose "mask" is False; losses leave it out, so each batch
keeps a mean over its own rows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.people import rows
from kd_jax import losses, models
from kd_jax.data import people
from kd_jax.data.dataset import Split
from kd_jax.runtime import progress
from kd_jax.training import loop
from kd_jax.training import state as train_state

BATCH_SIZE = 10
PADDING = 200  # the index of the padding row, after the 200 training rows


def network(*widths: int) -> models.Model:
    """A tanh network 6-widths-3."""
    return models.functional(models.MLP(widths, people.CLASSES, activation=jnp.tanh), (6,))


TEACHER_NET, STUDENT_NET = network(100, 100), network(8)


def label_loss(logits, batch):
    """Mean negative log-likelihood of the labels, of the rows that are no padding."""
    per_row = losses.cross_entropy(logits, batch["labels"])
    return losses.masked_mean(per_row, where=batch["mask"])


def regression_loss(logits, batch):
    """Mean squared error of the raw outputs against the teacher's log-probabilities."""
    return jnp.mean(optax.squared_error(logits, batch["log_probabilities"]))


def raw_label_loss(logits, batch):
    """The published fine-tuning loss: minus the label's raw output, without a log-softmax."""
    chosen = jnp.sum(logits * jax.nn.one_hot(batch["labels"], logits.shape[-1]), -1)
    return -losses.masked_mean(chosen, where=batch["mask"])


class Stage(NamedTuple):
    """One training: the row that it ends in, its network, loss (of logits and batch), rate."""

    row: str
    model: models.Model
    loss: Callable
    learning_rate: float
    epochs: int

    def loss_fn(self, params, batch, key):
        """The loss of a batch, as loop.fit asks for it."""
        return self.loss(self.model.apply(params, batch["inputs"])[0], batch), {}


TEACHER = Stage(rows.TEACHER, TEACHER_NET, label_loss, 0.005, 2000)
LABELS = Stage(rows.LABELS, STUDENT_NET, label_loss, 0.01, 1200)
DISTILLED = Stage(rows.DISTILLED, STUDENT_NET, regression_loss, 0.01, 1200)
TUNED_RAW = Stage(rows.TUNED_RAW, STUDENT_NET, raw_label_loss, 0.001, 8)
TUNED = Stage(rows.TUNED, STUDENT_NET, label_loss, 0.001, 8)


@jax.jit(static_argnames="apply")
def logits_of(apply, params, inputs):
    """Logits [S, N, 3] of networks [S, …]."""
    return jax.vmap(lambda p: apply(p, inputs)[0])(params)


def mistakes(params: Any, split: Split) -> list[np.ndarray]:
    """For each student of [S, …] the indices of the rows that it gets wrong."""
    logits = logits_of(STUDENT_NET.apply, params, split.inputs)
    return [np.flatnonzero(wrong) for wrong in np.argmax(logits, -1) != split.labels]


def in_batches(indices: np.ndarray, steps: int) -> np.ndarray:
    """Indices of rows as [steps, BATCH_SIZE], filled up with PADDING."""
    filled = np.full(steps * BATCH_SIZE, PADDING)
    filled[: len(indices)] = indices
    return filled.reshape(steps, BATCH_SIZE)


def padded(split: Split) -> dict[str, np.ndarray]:
    """{"inputs", "labels", "mask"} of a Split with the padding row after its last."""
    arrays = {**split._asdict(), "mask": np.ones(len(split.labels), bool)}
    return {name: np.concatenate([x, np.zeros_like(x[:1])]) for name, x in arrays.items()}


def fit(
    stage: Stage, params: Any, split: Split, batches: np.ndarray, teachers: Any = None
) -> tuple[Any, np.ndarray]:
    """Plain gradient descent of networks [S, …].

    Args:
        stage: what is trained, and how.
        params: leaves [S, …], what it begins with.
        split: the training rows.
        batches: indices [S, epochs, steps, BATCH_SIZE].
        teachers: parameters [S, …] of the teachers whose log-probabilities are regressed on.

    Returns:
        Parameters [S, …], and the sum of the batch losses of every epoch, [epochs, S].
    """
    data, own = padded(split), {}
    if teachers is not None:
        logits = logits_of(TEACHER_NET.apply, teachers, data["inputs"])
        own["log_probabilities"] = np.asarray(jax.nn.log_softmax(logits))
    optimizer, table = optax.sgd(stage.learning_rate), jnp.asarray(batches)
    seeds, epochs, steps, _ = table.shape
    one_arm = jax.tree.map(lambda x: jnp.asarray(x)[:, None], params)
    state = train_state.grid(one_arm, optimizer, jax.random.split(jax.random.key(0), seeds))
    with progress.bar(f"{seeds} × {stage.row}", epochs) as report:
        state, curves = loop.fit(
            stage.loss_fn, optimizer, state, data, lambda seed, epoch: table[seed, epoch],
            epochs=epochs, own=own, report=report,
        )  # fmt: skip
    return train_state.arm_params(state), curves["loss"][:, :, 0] * steps
