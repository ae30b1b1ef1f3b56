"""An experiment run in the process of a test, so that what it calls can be replaced."""

import functools

import experiments.__main__ as experiments
from kd_jax import experiment


def finished(name, config):
    """The folder of a finished run of an experiment."""
    return experiment.perform(name, config, functools.partial(experiments.program, name)).folder
