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


class Outcome(NamedTuple):
    """What a loss gives: a scalar, metrics {name: scalar}, the network's state after the step."""

    loss: Any
    metrics: dict = {}
    state: Any = {}


class State(NamedTuple):
    """All that training changes; model and optimizer are closed over.

    step: how many were taken; −1 − n from the step n on whose loss was not a finite number; see
    `diverged`.
    model_state: running statistics of the network, {} where it has none.
    """

    step: Int[Array, "*grid"]
    params: Any
    opt_state: Any
    key: jax.Array
    model_state: Any = {}

    @property
    def variables(self) -> dict:
        """The network's variables, as its Model takes them."""
        return {"params": self.params, "state": self.model_state}


def stateless(params: Any) -> dict:
    """The variables of a network that has parameters alone."""
    return {"params": params, "state": {}}


def start(variables: dict, optimizer: optax.GradientTransformation, key: jax.Array) -> State:
    """The state of one member before its first step."""
    params = variables["params"]
    return State(jnp.int32(0), params, optimizer.init(params), key, variables["state"])


def grid(variables: dict, optimizer: optax.GradientTransformation, keys: jax.Array) -> State:
    """States [S, A] that start from given variables.

    Args:
        variables: leaves [S, A, …].
        optimizer: of optax.
        keys: [S], shared by a seed's arms.
    """
    return _starts(optimizer)(variables, keys)


def copies(
    variables: dict, optimizer: optax.GradientTransformation, keys: jax.Array, arms: int = 1
) -> State:
    """States [S, A] of copies of each seed's variables, which stay as they are.

    Args:
        variables: leaves [S, …].
        optimizer: of optax.
        keys: [S], shared by a seed's arms.
        arms: A.
    """
    return _starts(optimizer, arms)(variables, keys)


@functools.lru_cache(maxsize=64)
def _starts(optimizer, arms=None):
    """The compiled start of a grid, of copies of each seed's variables where arms are given.

    Kept, so that grids of one shape compile once.
    """
    each = jax.vmap(jax.vmap(start, in_axes=(0, None, None)), in_axes=(0, None, 0))

    def begun(variables, keys):
        if arms is not None:
            variables = jax.tree.map(lambda x: jnp.repeat(x[:, None], arms, axis=1), variables)
        return each(variables, optimizer, keys)

    return compilation.quick_jit(begun)


def members(
    init: Callable, optimizer: optax.GradientTransformation, keys: jax.Array, arms: int = 1
) -> State:
    """States [S, A]: one initialization `init(key)` per seed, copied to each of its arms.

    Args:
        init: key -> variables.
        optimizer: of optax.
        keys: [S].
        arms: A.
    """
    init_keys, train_keys = split_each(keys)
    return copies(initialize(init)(init_keys), optimizer, train_keys, arms)


@functools.lru_cache(maxsize=64)
def initialize(init: Callable) -> Any:
    """The compiled initialization of a network per key; kept, so that a network compiles once."""
    return jax.jit(jax.vmap(init), compiler_options=compilation.quick_options())


def make_step(loss_fn: Callable, optimizer: optax.GradientTransformation) -> Callable:
    """step(state, batch) -> (state, metrics), for one member.

    The key of a step is fold_in(state.key, state.step), so a resumed run draws what an
    uninterrupted one would.

    Args:
        loss_fn: (variables, Batch, key) -> Outcome.
        optimizer: of optax.
    """

    def step(state, batch):
        key = jax.random.fold_in(state.key, state.step)

        def total(params):
            outcome = loss_fn(state._replace(params=params).variables, batch, key)
            return outcome.loss, outcome

        (loss, outcome), grads = jax.value_and_grad(total, has_aux=True)(state.params)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        next_step = jnp.where(jnp.isfinite(loss), state.step + 1, -state.step - 1)
        next_step = jnp.where(state.step < 0, state.step, next_step)  # that is not forgotten
        after = State(next_step, params, opt_state, state.key, outcome.state)
        return after, {"loss": loss, **outcome.metrics}

    return step


def train_steps(
    loss_fn: Callable, optimizer: Any, variables: dict, draw: Callable, steps: int, key: jax.Array
) -> dict:
    """Variables of one network after `steps` steps of a fresh optimizer of optax.

    Args:
        loss_fn: as for `make_step`.
        optimizer: begun anew.
        variables: where it starts.
        draw: key -> rows of a batch.
        steps: how many.
        key: of batches and dropout.
    """
    draw_key, key = jax.random.split(key)
    first = start(variables, optimizer, key)
    return walk(make_step(loss_fn, optimizer), first, draw, steps, draw_key).variables


def walk(step: Callable, state: State, draw: Callable, count: int, key: jax.Array) -> State:
    """A State after `count` steps, each on rows drawn by the key and the number of the step.

    Args:
        step: of `make_step`.
        state: before them.
        draw: key -> rows of a batch.
        count: how many.
        key: of the batches.
    """

    def one(state, _):
        rows = draw(jax.random.fold_in(key, state.step))
        return step(state, Batch(rows))[0], None

    return jax.lax.scan(one, state, length=count)[0]


def diverged(state: State) -> Int[np.ndarray, "*grid"]:
    """First step with a non-finite loss of each member, counted from 0, or −1.

    The last step's parameters and statistics no loss has seen yet: where these are not finite it
    is the last step. They are looked at here, once, and not in every step.
    """
    step = np.asarray(state.step)
    unseen = np.where(_sound(state.variables, step.ndim), -1, np.maximum(step - 1, 0))
    return np.where(step < 0, -1 - step, unseen)


def _sound(variables, axes):
    """Whether all numbers of each member are finite; the first axes of a leaf are the grid."""
    numbers = [x for x in jax.tree.leaves(variables) if jnp.issubdtype(x.dtype, jnp.inexact)]
    found = [np.isfinite(np.asarray(x)) for x in numbers]
    return np.all([x.all(tuple(range(axes, x.ndim))) for x in found], axis=0)


@compilation.quick_jit
def one_arm(variables: Any) -> Any:
    """Variables [S, …] as those of a grid [S, 1, …]."""
    return jax.tree.map(lambda x: x[:, None], variables)


@compilation.quick_jit
def at(tree: Any, *place: Any) -> Any:
    """The leaves x[place] of a grid, such as one network's parameters; one program for the tree."""
    return jax.tree.map(lambda x: x[place], tree)


@functools.partial(compilation.quick_jit, static_argnames=("arm",))
def arm_variables(state: State, arm: int = 0) -> dict:
    """The variables [S, …] of one arm of the grid."""
    return jax.tree.map(lambda x: x[:, arm], state.variables)
