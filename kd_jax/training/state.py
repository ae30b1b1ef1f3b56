"""Training state: arrays alone, of one member or a grid of them, and the step that changes it."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Int

from kd_jax.runtime import compilation
from kd_jax.training.keys import split_each


class Batch(NamedTuple):
    """What a step sees; data, numbers and networks are kept apart, so that each may bear any name.

    rows: {name: [B, …]} of the data. numbers: {name: number} by which the members of a grid
    differ. shared: {name: tree} that every step sees whole, such as a teacher's parameters.
    """

    rows: dict
    numbers: dict = {}
    shared: dict = {}


class State(NamedTuple):
    """All that training changes; model and optimizer are closed over.

    step: how many were taken; −1 − n from the step n on whose loss was not a finite number.
    """

    step: Int[Array, "*grid"]
    params: Any
    opt_state: Any
    key: jax.Array


def start(params: Any, optimizer: optax.GradientTransformation, key: jax.Array) -> State:
    """The state of one member before its first step."""
    return State(jnp.int32(0), params, optimizer.init(params), key)


def grid(params: Any, optimizer: optax.GradientTransformation, keys: jax.Array) -> State:
    """States [S, A] that start from given parameters.

    Args:
        params: leaves [S, A, …].
        optimizer: of optax.
        keys: [S], shared by a seed's arms.
    """
    return _starts(optimizer)(params, keys)


def copies(
    params: Any, optimizer: optax.GradientTransformation, keys: jax.Array, arms: int = 1
) -> State:
    """States [S, A] of copies of each seed's parameters, which stay as they are.

    Args:
        params: leaves [S, …].
        optimizer: of optax.
        keys: [S], shared by a seed's arms.
        arms: A.
    """
    return _starts(optimizer, arms)(params, keys)


@functools.lru_cache(maxsize=64)
def _starts(optimizer, arms=None):
    """The compiled start of a grid, of copies of each seed's parameters where arms are given.

    Kept, so that grids of one shape compile once.
    """
    each = jax.vmap(jax.vmap(start, in_axes=(0, None, None)), in_axes=(0, None, 0))

    def begun(params, keys):
        if arms is not None:
            params = jax.tree.map(lambda x: jnp.repeat(x[:, None], arms, axis=1), params)
        return each(params, optimizer, keys)

    return jax.jit(begun)


def members(
    init: Callable, optimizer: optax.GradientTransformation, keys: jax.Array, arms: int = 1
) -> State:
    """States [S, A]: one initialization `init(key)` per seed, copied to each of its arms.

    Args:
        init: key -> params.
        optimizer: of optax.
        keys: [S].
        arms: A.
    """
    init_keys, train_keys = split_each(keys)
    return copies(initialize(init)(init_keys), optimizer, train_keys, arms)


@functools.lru_cache(maxsize=64)
def initialize(init: Callable) -> Callable:
    """The compiled initialization of a network per key; kept, so that a network compiles once."""
    return jax.jit(jax.vmap(init), compiler_options=compilation.quick_options())


def make_step(loss_fn: Callable, optimizer: optax.GradientTransformation) -> Callable:
    """step(state, batch) -> (state, metrics), for one member.

    The key of a step is fold_in(state.key, state.step), so a resumed run draws what an
    uninterrupted one would.

    Args:
        loss_fn: (params, Batch, key) -> (scalar, {name: scalar}).
        optimizer: of optax.
    """

    def step(state, batch):
        key = jax.random.fold_in(state.key, state.step)
        gradient = jax.value_and_grad(loss_fn, has_aux=True)
        (loss, metrics), grads = gradient(state.params, batch, key)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        next_step = jnp.where(jnp.isfinite(loss), state.step + 1, -state.step - 1)
        next_step = jnp.where(state.step < 0, state.step, next_step)  # that is not forgotten
        return State(next_step, params, opt_state, state.key), {"loss": loss, **metrics}

    return step


def train_steps(
    loss_fn: Callable, optimizer: Any, params: Any, draw: Callable, steps: int, key: jax.Array
) -> Any:
    """Parameters of one network after `steps` steps of a fresh optimizer of optax.

    Args:
        loss_fn: (params, Batch, key) -> (loss, {}).
        optimizer: begun anew.
        params: where it starts.
        draw: key -> rows of a batch.
        steps: how many.
        key: of batches and dropout.
    """
    draw_key, key = jax.random.split(key)
    step = make_step(loss_fn, optimizer)
    first = start(params, optimizer, key)

    def one(state, _):
        rows = draw(jax.random.fold_in(draw_key, state.step))
        return step(state, Batch(rows))[0], None

    return jax.lax.scan(one, first, length=steps)[0].params


def diverged(state: State) -> Int[np.ndarray, "*grid"]:
    """First step with a non-finite loss of each member, counted from 0, or −1."""
    return np.where(np.asarray(state.step) < 0, -1 - np.asarray(state.step), -1)


@jax.jit
def one_arm(params: Any) -> Any:
    """Parameters [S, …] as those of a grid [S, 1, …]."""
    return jax.tree.map(lambda x: x[:, None], params)


@jax.jit
def at(tree: Any, *place: Any) -> Any:
    """The leaves x[place] of a grid, such as one network's parameters; one program for the tree."""
    return jax.tree.map(lambda x: x[place], tree)


@functools.partial(jax.jit, static_argnames=("arm",))
def arm_params(state: State, arm: int = 0) -> Any:
    """The parameters [S, …] of one arm of the grid."""
    return jax.tree.map(lambda x: x[:, arm], state.params)
