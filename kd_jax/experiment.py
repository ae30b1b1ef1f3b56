"""An experiment's settings, its command line and its launch.

The settings are a frozen dataclass whose fields are the command's flags:

    @dataclasses.dataclass(frozen=True)
    class Config(experiment.Config):
        temperatures: tuple[float, ...] = setting((1.0, 3.0), "of the students", distinct(above_0))

Nothing here imports jax before the command line is known to be right.
"""

import contextlib
import dataclasses
import difflib
import json
import re
import sys
import textwrap
import typing
from collections.abc import Callable

from kd_jax.errors import Check, InputError, at_least, brief, one_of, require, within


def setting(
    default: typing.Any, help_text: str, check: Check | None = None, *, affects_results: bool = True
) -> typing.Any:
    """A dataclass field that becomes a flag; places on disk do not affect results."""
    metadata = {"help": help_text, "check": check, "affects_results": affects_results}
    return dataclasses.field(default=default, metadata=metadata)


def place(default: typing.Any, help_text: str, check: Check | None = None) -> typing.Any:
    """A setting that says where things are or whether to reuse them, not what is computed."""
    return setting(default, help_text, check, affects_results=False)


@dataclasses.dataclass(frozen=True)
class Config:
    """The flags that every experiment shares."""

    seeds: int = setting(5, "students per row, each of its own seed", at_least(1))
    base_seed: int = setting(
        0, "what every random choice follows from; another gives another run", within(0, 2**32 - 1)
    )
    preset: str = setting("default", "named group of settings; explicit flags win over it")
    workdir: str = place("runs", "folder of run records and teacher checkpoints")
    data_dir: str = place("", "folder of prepared data sets (default: the user's TFDS folder)")
    manual_dir: str = place("", "folder of original data files, for machines without network")
    tensorboard: bool = place(False, "write TensorBoard event files into the run's folder")
    saved_seeds: int = place(1, "seeds of each row whose networks are saved", at_least(0))
    retrain: bool = place(False, "train the teacher again even if its checkpoint exists")
    members_per_chunk: int = place(
        0, "networks trained at once (default: what the memory holds)", at_least(0)
    )
    fast_compile: bool = place(False, "leave out XLA's optimizations: compiles sooner, runs slower")
    mesh: str = place("", "members:M,data:D, what devices are for (default: members over all)")
    coordinator_address: str = place("", "address:port of process 0 of several, or auto (clusters)")
    num_processes: int = place(1, "processes that run this command together", at_least(1))
    process_id: int = place(0, "which of them this one is: 0, 1, …; process 0 writes and prints")

    PRESETS: typing.ClassVar[dict[str, dict]] = {"default": {}}

    def __post_init__(self):
        for field in dataclasses.fields(self):
            check: Check | None = field.metadata["check"]
            if check:
                check(field.name, getattr(self, field.name))
        require(
            self.num_processes == 1 or self.coordinator_address,
            f"--num_processes={self.num_processes} without --coordinator_address: give "
            "address:port of the first process",
        )
        require(
            0 <= self.process_id < self.num_processes,
            f"--process_id={self.process_id}: expected below {self.num_processes}",
        )
        self.validate()

    def validate(self) -> None:
        """Raise InputError when the settings do not fit together; experiments extend it."""

    def results_key(self) -> dict:
        """The settings that decide the results, as plain JSON values."""
        kept = [f.name for f in dataclasses.fields(self) if f.metadata["affects_results"]]
        return json.loads(json.dumps({name: getattr(self, name) for name in kept}))


def parse(config_class: type[Config], argv: list[str]) -> Config:
    """The Config that a command line asks for: defaults, then the preset, then explicit flags.

    Raises:
        InputError: an unknown flag (with the nearest known one), a value of the wrong type, an
            unknown preset or settings that the Config refuses.
    """
    from absl import flags  # here, as --help needs no package

    values = flags.FlagValues()
    types = typing.get_type_hints(config_class)
    define: dict[type, Callable] = {
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        bool: flags.DEFINE_boolean,
        str: flags.DEFINE_string,
    }
    for field in dataclasses.fields(config_class):
        help_text, default = field.metadata["help"], getattr(config_class, field.name)
        if types[field.name] in define:
            define[types[field.name]](field.name, default, help_text, flag_values=values)
        else:
            flags.DEFINE_list(field.name, listed(default), help_text, flag_values=values)
    try:
        hidden = [x for x in argv[1:] if x.lstrip("-").startswith(("flagfile", "undefok"))]
        require(not hidden, f"{hidden[:1]}: settings are given one by one, as --name=value")
        rest = values(argv)[1:]
    except flags.UnrecognizedFlagError as error:
        near = difflib.get_close_matches(error.flagname, list(values), 1)
        guess = f"; did you mean --{near[0]}?" if near else ""
        raise InputError(f"--{error.flagname} is no flag{guess} (--help lists them)") from None
    except (flags.Error, ValueError, RecursionError) as error:
        given = re.sub(r"^flag (\S+): .*", r"\1 is of another type", brief(error))
        raise InputError(f"{given} (--help shows the values)") from None
    require(not rest, f"unexpected argument {rest[:1]}: settings are given as --name=value")
    chosen = {
        field.name: _converted(field.name, values[field.name].value, types[field.name])
        for field in dataclasses.fields(config_class)
    }
    one_of(*config_class.PRESETS)("preset", chosen["preset"])
    preset = config_class.PRESETS[chosen["preset"]]
    chosen |= {name: value for name, value in preset.items() if not values[name].present}
    return config_class(**chosen)


def listed(value: typing.Any) -> str:
    """A setting's value as a flag has it."""
    if isinstance(value, tuple):
        return ",".join(map(listed, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def usage(config_class: type[Config], about: str) -> str:
    """What --help prints: what the experiment is, its own flags, the shared ones, its presets."""
    shared = {field.name for field in dataclasses.fields(Config)}
    own = [f for f in dataclasses.fields(config_class) if f.name not in shared]
    lines = [about.strip(), "", "Settings:", *map(_flag, own), "", "Settings of every experiment:"]
    lines += [_flag(f) for f in dataclasses.fields(config_class) if f.name in shared]
    for name, values in config_class.PRESETS.items():
        flags = " ".join(f"--{key}={listed(value)}" for key, value in values.items())
        lines.append(textwrap.fill(
            f"--preset={name}  {flags or 'the values above'}", 80, initial_indent="\n",
            subsequent_indent="    ",
        ))  # fmt: skip
    more = "--version  commit, versions of the packages, devices", "--help     this text"
    return "\n".join([*lines, "", *more])


def _flag(field):
    given = f"  --{field.name}={listed(field.default)}"
    return textwrap.fill(f"{given:<30} {field.metadata['help']}", 100, subsequent_indent=" " * 31)


def _converted(name, value, annotation):
    if typing.get_origin(annotation) is not tuple:
        return value
    element = typing.get_args(annotation)[0]
    try:
        return tuple(element(item) for item in value)
    except ValueError:
        given = ",".join(value)
        raise InputError(
            f"--{name}={given}: expected {element.__name__} values separated by commas"
        ) from None


def perform(
    name: str, config: Config, program: Callable, flags: typing.Sequence[str] = ()
) -> typing.Any:
    """Run an experiment from Python: its Run, concluded if it was opened.

    Args:
        name: what its runs are filed under.
        config: its settings.
        program: () -> (run, table, draw), see `launch`.
        flags: that the settings came from, for the command that resumes it.
    """
    from kd_jax.storage import run_folder

    run, table, draw = program()
    here = run_folder.Run(
        config.workdir, name, config.results_key(), program=run,
        retrain=config.retrain, saved_seeds=config.saved_seeds, flags=flags,
    )  # fmt: skip
    run(config, here)
    if here.is_open:
        here.conclude(table, draw)
    return here


def launch(
    name: str, config_class: type[Config], program: Callable, argv: list[str] | None = None
) -> None:
    """Run an experiment from the command line; bad input ends it with one line and exit code 2.

    Args:
        name: of the experiment, which its runs are filed under.
        config_class: its settings.
        program: () -> (run, table, draw), called when the command line is known to be right, so
            that imports can wait: run(config, run) trains and records, table(folder) gives the
            Markdown of a run folder and draw(folder) its figures. A run that opened no folder
            is not concluded.
        argv: the command line, its first word left out of account.
    """
    argv = sys.argv if argv is None else argv
    try:
        config = parse(config_class, argv)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    from kd_jax.runtime import ending, hosts, signals
    from kd_jax.storage import run_folder

    signals.handle()
    try:
        prepare(config)
        with contextlib.redirect_stdout(sys.stdout if hosts.first_host() else None):
            perform(name, config, program, argv[1:])
    except (Exception, signals.Interrupted) as error:
        line, code = ending.of(error)
        if not isinstance(error, signals.Interrupted):
            run_folder.failed(line or f"{type(error).__name__}: {error}")
        if line is None:
            hosts.leave(error)
            raise
        print(line, file=sys.stderr)
        hosts.stop(code)


def prepare(config: Config) -> None:
    """Set this process up as its settings say: devices, hosts, memory, compilation, event files."""
    from kd_jax.runtime import compilation, devices, hosts, memory, tensorboard

    compilation.cache_programs()
    if not (config.mesh or config.coordinator_address):
        devices.spread_over_cores()
    hosts.join(config.coordinator_address, config.num_processes, config.process_id)
    devices.use(config.mesh)
    compilation.use(not config.fast_compile)
    memory.use(config.members_per_chunk)
    tensorboard.use(config.tensorboard)
