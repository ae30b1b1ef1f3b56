"""Training on explicit orders: when every batch is given, the last of an epoch may be partial.

A partial batch is filled up with the index of a padding row, which stands after all others and
whose "kept" is False; losses leave it out, so each batch keeps a mean over its own rows.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kd_jax.runtime import progress
from kd_jax.training import loop
from kd_jax.training import state as train_state


def padded(split):
    """{"inputs", "labels", "kept"} of a Split with the padding row after its last."""
    row = np.zeros_like(split.inputs[:1])
    return {
        "inputs": np.concatenate([split.inputs, row]),
        "labels": np.append(split.labels, np.zeros_like(split.labels[:1])),
        "kept": np.append(np.ones(len(split.labels), bool), False),
    }


def in_batches(rows, steps, batch_size, padding):
    """The rows as [steps, batch_size], filled up with the index `padding`."""
    filled = np.full(steps * batch_size, padding)
    filled[: len(rows)] = rows
    return filled.reshape(steps, batch_size)


def mean_kept(per_row, kept):
    """The mean over the rows that are kept, 0 when there are none (a batch of padding alone)."""
    return jnp.sum(jnp.where(kept, per_row, 0)) / jnp.maximum(jnp.sum(kept), 1)


def descend(label, loss_fn, rate, params, data, orders, own=None):
    """Plain gradient descent of networks [S, …] over orders [S, epochs, steps, B].

    Args: rate: the learning rate; data and own: as for train.fit.
    Returns: (params [S, …], sum of the batch losses of every epoch [epochs, S]).
    """
    optimizer, table = optax.sgd(rate), jnp.asarray(orders)
    seeds, epochs, steps, _ = table.shape
    one_arm = jax.tree.map(lambda x: jnp.asarray(x)[:, None], params)
    state = train_state.grid(one_arm, optimizer, jax.random.split(jax.random.key(0), seeds))
    with progress.bar(label, epochs) as report:
        state, curves = loop.fit(
            loss_fn,
            optimizer,
            state,
            data,
            lambda seed, epoch: table[seed, epoch],
            epochs=epochs,
            own=own,
            report=report,
        )
    return train_state.arm_params(state), curves["loss"][:, :, 0] * steps
