"""An experiment run in the process of a test, so that what it calls can be replaced."""

import functools

import jax
import numpy as np

import experiments.__main__ as experiments
from kd_jax import experiment


def finished(name, config):
    """The folder of a finished run of an experiment."""
    return performed(name, config, functools.partial(experiments.program, name))


def performed(name, config, program):
    """The folder of a finished run of a program, see experiment.launch."""
    return experiment.perform(name, config, program).folder


def untrained(model, *grid):
    """Variables of a grid of networks by chance, where a test needs no training."""
    random = np.random.default_rng(7)
    shapes = jax.eval_shape(model.init, jax.random.key(0))

    def draw(x):
        return random.normal(scale=0.1, size=(*grid, *x.shape)).astype(np.float32)

    params, state = jax.tree.map(draw, shapes["params"]), jax.tree.map(draw, shapes["state"])
    return {"params": params, "state": jax.tree.map(np.exp, state)}  # a variance is above 0
