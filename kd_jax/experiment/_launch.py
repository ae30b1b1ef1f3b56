"""The launch of an experiment, from the command line or from Python."""

import contextlib
import os
import sys
import typing
from collections.abc import Callable

from kd_jax import paths
from kd_jax.errors import InputError
from kd_jax.experiment import _repeated
from kd_jax.experiment._flags import flags_of, parse
from kd_jax.experiment._settings import Config


def perform(
    name: str,
    config: Config,
    program: Callable,
    flags: typing.Sequence[str] | None = None,
    show: Callable[[str], str] = str,
) -> typing.Any:
    """Run an experiment from Python: its Run, concluded if it was opened.

    Args:
        name: what its runs are filed under.
        config: its settings.
        program: () -> (run, table, draw), see `launch`.
        flags: that the settings came from (default: those that give them).
        show: what is printed of a table's Markdown.

    Raises:
        InputError: the folder of runs has a path that is not UTF-8; and whatever the program does.
    """
    from kd_jax.runtime import collector

    with collector.seldom():
        here, run, table, draw = _begun(name, config, program, flags)
    try:
        run(config, here)
        if here.is_open:
            here.conclude(table or (lambda folder: ""), draw or (lambda folder: None), show)
    except BaseException as error:
        here.leave(error)
        raise
    return here


def _begun(name, config, program, flags):
    """(the Run, not open yet, and the three functions of the program)."""
    from kd_jax.runtime import events
    from kd_jax.runtime.execution import Execution
    from kd_jax.storage import run_folder

    events.check(config.log)
    workdir = os.path.expanduser(config.workdir)
    with contextlib.suppress(FileNotFoundError):  # a working folder that was deleted
        paths.check_utf8("--workdir, the folder", os.path.abspath(workdir))
    run, table, draw = program()
    here = run_folder.Run(
        workdir, name, config.results_key(), program=run,
        retrain=config.retrain, saved_seeds=config.saved_seeds,
        flags=flags_of(config) if flags is None else flags,
        execution=Execution(config.mesh, config.members_per_chunk, config.fast_compile),
        log=config.log,
    )  # fmt: skip
    return here, run, table, draw


def launch(
    name: str,
    config_class: type[Config],
    program: Callable,
    argv: list[str] | None = None,
    show: Callable[[str], str] = str,
) -> typing.Any:
    """Run an experiment from the command line; bad input ends it with one line and exit code 2.

    Args:
        name: of the experiment, which its runs are filed under.
        config_class: its settings.
        program: () -> (run, table, draw), called when the command line is known to be right, so
            that imports can wait: run(config, run) trains and records, table(folder) gives the
            Markdown of a run folder and draw(folder) its figures. A run that opened no folder
            is not concluded.
        argv: the command line, its first word left out of account.
        show: what is printed of a table's Markdown.

    Returns:
        The Run.
    """
    argv = sys.argv if argv is None else argv
    from kd_jax.runtime import collector, environment, limits

    try:
        config = parse(config_class, argv)
        config.check_files()  # what follows loads JAX
        limits.check()
        environment.check()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    from kd_jax.storage import commits

    commits.of_code()  # before anything is loaded that a later commit may change
    from kd_jax.runtime import ending, hosts, signals

    signals.handle()
    try:
        with collector.seldom():
            prepare(config)
        with contextlib.redirect_stdout(sys.stdout if hosts.first_host() else None):
            return perform(name, config, program, _repeated.written(argv), show)
    except (Exception, signals.Interrupted) as error:
        line, code = ending.of(error)
        if line is None:
            hosts.leave(error)
            raise
        if isinstance(error, BrokenPipeError):  # else Python, as it ends, writes the rest there
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(line, file=sys.stderr)
        hosts.stop(code)


def prepare(config: Config) -> None:
    """Set this process up before JAX begins: its devices, the other hosts, its compiler.

    Raises:
        InputError: the mesh does not fit the devices.
    """
    import jax

    from kd_jax.runtime import compilation, devices, hosts

    compilation.cache_programs()
    # A program for several devices takes twice as long to compile.
    if not (config.mesh or config.coordinator_address or config.fast_compile):
        devices.spread_over_cores()
    processes = config.num_processes, config.process_id, config.coordinator_seconds
    hosts.join(config.coordinator_address, *processes)
    devices.parse(config.mesh, len(devices.found()))
    if config.fast_compile:
        jax.config.update("jax_disable_most_optimizations", True)
