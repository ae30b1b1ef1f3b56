"""An experiment run in the process of a test, so that what it calls can be replaced."""

import functools

import experiments.__main__ as experiments
from kd_jax import experiment


def finished(name, config):
    """The folder of a finished run of an experiment."""
    return performed(name, config, functools.partial(experiments.program, name))


def performed(name, config, program):
    """The folder of a finished run of a program, see experiment.launch."""
    return experiment.perform(name, config, program).folder
