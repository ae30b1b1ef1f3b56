"""An experiment run in the process of a test, so that what it calls can be replaced."""

import experiments.__main__ as experiments
from kd_jax.storage import run_folder


def finished(name, config):
    """The folder of a finished run of an experiment."""
    program, table, draw = experiments.program(name)
    here = run_folder.Run(
        config.workdir, name, config.results_key(), program=program,
        retrain=config.retrain, saved_seeds=config.saved_seeds,
    )  # fmt: skip
    program(config, here)
    here.conclude(table, draw)
    return here.folder
