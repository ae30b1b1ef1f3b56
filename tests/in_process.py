"""An experiment run in the process of a test, so that what it calls can be replaced."""

import functools
import math

import jax
import numpy as np
import optax
import pytest
from matplotlib import layout_engine

import experiments.__main__ as experiments
from kd_jax import experiment
from kd_jax.training import optimizers, state


def finished(name, config):
    """The folder of a finished run of an experiment."""
    return performed(name, config, functools.partial(experiments.program, name))


def performed(name, config, program):
    """The folder of a finished run of a program, see experiment.launch.

    Its figures are drawn, but not laid out, which takes as long: figures of records by hand are.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout_engine.ConstrainedLayoutEngine, "execute", lambda *_: None)
        return experiment.perform(name, config, program).folder


def untrained(model, *grid):
    """Variables of a grid of networks by chance, where a test needs no training."""
    random = np.random.default_rng(7)
    shapes = jax.eval_shape(model.init, jax.random.key(0))

    def draw(x):
        return random.normal(scale=0.1, size=(*grid, *x.shape)).astype(np.float32)

    params, running = jax.tree.map(draw, shapes["params"]), jax.tree.map(draw, shapes["state"])
    return {"params": params, "state": jax.tree.map(np.exp, running)}  # a variance is above 0


def drawn_by_numpy(monkeypatch):
    """Let networks of runs begin with numbers that NumPy draws: compiling a draw takes long."""
    monkeypatch.setattr(state, "initialize", first_variables)


@functools.lru_cache(maxsize=64)
def first_variables(init):
    """What state.initialize is: keys [S] -> variables [S, …] of a network, drawn by each key."""
    shapes = jax.eval_shape(init, jax.random.key(0))

    def draw(path, x, random):
        name = path[-1].key
        if name in ("scale", "var") or name in ("bias", "mean"):
            return np.full(x.shape, float(name in ("scale", "var")), x.dtype)
        deviation = max(1, math.prod(x.shape[:-1])) ** -0.5
        return random.normal(scale=deviation, size=x.shape).astype(x.dtype)

    def drawn(keys):
        found = []
        for key in np.asarray(jax.random.key_data(keys)):
            one = functools.partial(draw, random=np.random.default_rng(key))
            found.append(jax.tree_util.tree_map_with_path(one, shapes))
        return jax.tree.map(lambda *x: np.stack(x), *found)

    drawn.eval_shape = functools.partial(jax.eval_shape, jax.vmap(init))
    return drawn


def by_gradient_descent(monkeypatch):
    """Let networks of runs learn so, which compiles in half the time of Adam."""
    descent = functools.cache(optax.sgd)
    for name in ("adam", "adamw_warmup_cosine", "muon_warmup_cosine"):
        monkeypatch.setattr(optimizers, name, lambda peak, *steps: descent(peak))
