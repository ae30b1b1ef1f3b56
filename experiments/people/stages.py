"""The demo's networks, and gradient descent over batches that are given.

The demo keeps the last, partial batch of an epoch. It is filled up here with a padding row, whose
index is the number of training rows and whose "mask" is False; losses leave it out, so each batch
keeps a mean over its own rows.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kd_jax import losses, models
from kd_jax.data import people
from kd_jax.data.dataset import Split
from kd_jax.training import loop
from kd_jax.training import state as train_state


@functools.cache
def network(*widths: int) -> models.Model:
    """A tanh network 6-widths-3; one object, so that it compiles once."""
    return models.functional(models.MLP(widths, people.CLASSES, activation=jnp.tanh), (6,))


def label_loss(logits, rows):
    """Mean negative log-likelihood of the labels, of the rows that are no padding."""
    per_row = losses.cross_entropy(logits, rows["labels"])
    return losses.masked_mean(per_row, where=rows["mask"])


def regression_loss(logits, rows):
    """Mean squared error of the raw outputs against the teacher's log-probabilities."""
    return jnp.mean(optax.squared_error(logits, jax.nn.log_softmax(rows["teacher"])))


def raw_label_loss(logits, rows):
    """The published fine-tuning loss: minus the label's raw output, without a log-softmax."""
    chosen = jnp.sum(logits * jax.nn.one_hot(rows["labels"], logits.shape[-1]), -1)
    return -losses.masked_mean(chosen, where=rows["mask"])


class Stage(NamedTuple):
    """One training: the row that it ends in, its network, loss (of logits and rows), rate."""

    row: str
    model: models.Model
    loss: Callable
    learning_rate: float
    epochs: int

    def means(self, size: int) -> tuple[Callable, optax.GradientTransformation, Callable]:
        """(loss_fn, optimizer, sampler) of loop.fit over batches of so many rows in turn."""
        return _means(self.model.apply, self.loss, self.learning_rate, size)


@functools.cache  # so that trainings of one kind are one program
def _means(apply, loss, learning_rate, size):
    def loss_fn(variables, batch, key):
        (logits, _), state = apply(variables, batch.rows["inputs"])
        return train_state.Outcome(loss(logits, batch.rows), state=state)

    def descend(gradient, _):
        # In float64 where it is enabled: then a parameter in float32 is rounded once a step.
        return -learning_rate * gradient.astype(jax.dtypes.canonicalize_dtype(np.float64))

    def in_turn(seed, step):
        return (step * size + jnp.arange(size))[None]

    return loss_fn, optax.stateless_with_tree_map(descend), in_turn


@jax.jit(static_argnames="apply")
def logits_of(apply, variables, inputs):
    """Logits [S, N, 3] of networks [S, …]."""
    return jax.vmap(lambda v: apply(v, inputs)[0][0])(variables)


def mistakes(model: models.Model, params: Any, split: Split) -> list[np.ndarray]:
    """For each network of [S, …] the indices of the rows that it gets wrong."""
    logits = logits_of(model.apply, params, split.inputs)
    return [np.flatnonzero(wrong) for wrong in np.argmax(logits, -1) != split.labels]


def in_batches(indices: np.ndarray, steps: int, size: int, padding: int) -> np.ndarray:
    """Indices of rows as [steps, size], filled up with the index of the padding row."""
    filled = np.full(steps * size, padding)
    filled[: len(indices)] = indices
    return filled.reshape(steps, size)


def fit(
    stage: Stage, params: Any, split: Split, batches: np.ndarray, teachers: np.ndarray | None = None
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Plain gradient descent of networks [S, …].

    The rows are laid out in the order in which they are seen, so that all orders are one program,
    and each step stands for an epoch, whose loss is kept, so that an epoch's are summed in float64,
    as PyTorch programs do, not as the number of steps times their mean.

    Args:
        stage: what is trained, and how.
        params: leaves [S, …], what it begins with.
        split: the training rows.
        batches: indices [S, epochs, steps, B].
        teachers: logits [S, N, 3] of each network's teacher, where the loss asks for them.

    Returns:
        Parameters [S, …], the sum of the batch losses of every epoch, [epochs, S], and when each
        network diverged, [S], as in training.state.diverged.
    """
    seeds, epochs, steps, size = batches.shape
    seen, everyone = batches.reshape(seeds, -1), np.arange(seeds)[:, None]
    own = {name: x[seen] for name, x in _padded(split).items()}
    if teachers is not None:
        own["teacher"] = _with_padding(np.asarray(teachers), 1)[everyone, seen]
    loss_fn, optimizer, in_turn = stage.means(size)
    keys = jax.vmap(jax.random.key)(jnp.arange(seeds))  # of which nothing is drawn
    state = train_state.copies(params, optimizer, keys)
    state, curves = loop.fit(loss_fn, optimizer, state, {}, in_turn, epochs=epochs * steps, own=own)
    each = curves["loss"][:, :, 0].reshape(epochs, steps, seeds)
    lost = train_state.diverged(state)[:, 0]
    return train_state.arm_variables(state), each.sum(1, dtype=np.float64), lost


def _padded(split):
    """{"inputs", "labels", "mask"} of a Split with the padding row after its last."""
    arrays = {**split._asdict(), "mask": np.ones(len(split.labels), bool)}
    return {name: _with_padding(x, 0) for name, x in arrays.items()}


def _with_padding(x, axis):
    """An array with one more row of zeros."""
    return np.pad(x, [(0, int(a == axis)) for a in range(x.ndim)])
