"""An experiment's settings: a frozen dataclass whose fields are the command's flags.

@dataclasses.dataclass(frozen=True)
class Config(config.Common):
    temperatures: tuple[float, ...] = setting((1.0, 3.0), "temperatures of the students")

if __name__ == "__main__":
    config.launch(Config, run)
"""

import contextlib
import dataclasses
import errno
import json
import sys
import typing
from collections.abc import Callable

from absl import flags

from kd_jax.errors import InputError, require
from kd_jax.export import saved_models
from kd_jax.runtime import compilation, devices, hosts, memory, signals
from kd_jax.runtime import tensorboard as events
from kd_jax.storage import run_folder

# a full disk, a quota, a limit of file sizes, a folder that is read-only or somebody else's
NO_ROOM = errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM


def setting(default, help_text, *, affects_results=True):
    """A dataclass field that becomes a flag; places on disk do not affect results."""
    metadata = {"help": help_text, "affects_results": affects_results}
    return dataclasses.field(default=default, metadata=metadata)


def place(default, help_text):
    """A setting that says where things are or whether to reuse them, not what is computed."""
    return setting(default, help_text, affects_results=False)


@dataclasses.dataclass(frozen=True)
class Common:
    """The flags that every experiment shares."""

    seeds: int = setting(5, "how many seeds each row is averaged over")
    preset: str = setting("default", "named group of settings; explicit flags win over it")
    workdir: str = place("runs", "folder for run records and teacher checkpoints")
    data_dir: str = place("", "folder of prepared data sets (default: the user's TFDS folder)")
    manual_dir: str = place("", "folder with original data files, for machines without network")
    tensorboard: bool = place(False, "write TensorBoard event files into the run's folder")
    kept_seeds: int = place(1, "of each row, keep the networks of so many seeds for export")
    retrain: bool = place(False, "train the teacher again even if its checkpoint exists")
    members_per_chunk: int = place(0, "networks trained at once (default: what the memory holds)")
    optimize: bool = place(True, "XLA's optimisations; without them all compiles sooner")
    mesh: str = place("", "members:M,data:D, what devices are for (default: members over all)")
    coordinator: str = place("", "address:port of the first host of several, or auto (clusters)")
    hosts: int = place(1, "how many hosts run this command, where --coordinator is an address")
    host: int = place(0, "which of them this one is: 0, 1, …; the first writes and prints")

    PRESETS: typing.ClassVar[dict[str, dict]] = {"default": {}}

    def __post_init__(self):
        check_counts(self, "seeds", "hosts")
        require(
            self.members_per_chunk >= 0,
            f"--members_per_chunk={self.members_per_chunk}: expected 1 or more, or 0 for all",
        )
        require(
            self.hosts == 1 or self.coordinator,
            f"--hosts={self.hosts} without --coordinator: give address:port of the first host",
        )
        require(self.kept_seeds >= 0, f"--kept_seeds={self.kept_seeds}: expected 0 or more")
        require(0 <= self.host < self.hosts, f"--host={self.host}: expected below {self.hosts}")
        self.validate()

    def validate(self):
        """Raise InputError when the settings do not fit together; experiments extend it."""

    def results_key(self):
        """The settings that decide the results, as plain JSON values."""
        kept = [f.name for f in dataclasses.fields(self) if f.metadata["affects_results"]]
        return json.loads(json.dumps({name: getattr(self, name) for name in kept}))


def check_temperatures(temperatures):
    """InputError unless there is at least one temperature and all are finite, distinct, above 0."""
    given = ",".join(f"{t:g}" for t in temperatures)
    require(temperatures, "--temperatures is empty: expected numbers above 0, like 1,2,3")
    require(
        all(0 < t < float("inf") for t in temperatures),
        f"--temperatures={given}: every temperature must be a finite number above 0",
    )
    require(
        len(set(temperatures)) == len(temperatures),
        f"--temperatures={given}: the same temperature stands there twice",
    )


def check_counts(settings, *names):
    """InputError unless each of the named settings is at least 1."""
    for name in names:
        value = getattr(settings, name)
        require(value >= 1, f"--{name}={value}: expected at least 1")


DEFINE: dict[type, Callable] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    bool: flags.DEFINE_boolean,
    str: flags.DEFINE_string,
}


def _define(config_class, values):
    types = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        help_text, default = field.metadata["help"], getattr(config_class, field.name)
        if types[field.name] in DEFINE:
            DEFINE[types[field.name]](field.name, default, help_text, flag_values=values)
        else:
            text = [f"{x:g}" if isinstance(x, float) else str(x) for x in default]
            flags.DEFINE_list(field.name, text, help_text, flag_values=values)
    flags.DEFINE_boolean("help", False, "show this text", flag_values=values, short_name="h")


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


def parse(config_class, argv):
    """The Config that a command line asks for: defaults, then the preset, then explicit flags.

    Raises: InputError on an unknown flag (with the nearest known one), a value of the wrong type,
      an unknown preset or settings that the Config refuses. `--help` prints and exits with 0.
    """
    values = flags.FlagValues()
    _define(config_class, values)
    try:
        rest = values(argv)[1:]
    except flags.Error as error:
        raise InputError(f"{' '.join(str(error).split())} (--help lists the flags)") from None
    if values.help:
        print(_docstring())
        print(values.get_help())
        sys.exit(0)
    require(not rest, f"unexpected argument {rest[:1]}: settings are given as --name=value")
    types = typing.get_type_hints(config_class)
    chosen = {
        field.name: _converted(field.name, values[field.name].value, types[field.name])
        for field in dataclasses.fields(config_class)
    }
    require(
        chosen["preset"] in config_class.PRESETS,
        f"--preset={chosen['preset']}: expected one of {', '.join(config_class.PRESETS)}",
    )
    preset = config_class.PRESETS[chosen["preset"]]
    chosen |= {name: value for name, value in preset.items() if not values[name].present}
    return config_class(**chosen)


def _docstring():
    """What the experiment's package says of itself, or the script that runs."""
    main = sys.modules["__main__"]
    package = sys.modules.get(main.__spec__.parent) if main.__spec__ else None
    return (package or main).__doc__ or ""


def launch(config_class, run, argv=None):
    """Run an experiment from the command line: parse, run, and turn bad input into exit code 2."""
    signals.heed()
    compilation.keep_programs()
    try:
        settings = parse(config_class, sys.argv if argv is None else argv)
        if not (settings.mesh or settings.coordinator):
            devices.spread_over_cores()
        hosts.join(settings.coordinator, settings.hosts, settings.host)
        devices.use(settings.mesh)
        compilation.use(settings.optimize)
        memory.use(settings.members_per_chunk)
        saved_models.use(settings.kept_seeds)
        events.use(settings.tensorboard)
        with contextlib.redirect_stdout(sys.stdout if hosts.first_host() else None):
            run(settings)
    except (Exception, signals.Interrupted) as error:
        line, code = _ending(error)
        if not isinstance(error, signals.Interrupted):
            run_folder.failed(line or f"{type(error).__name__}: {error}")
        if line is None:
            hosts.leave(error)
            raise
        print(line, file=sys.stderr)
        hosts.stop(code)


def _ending(error):
    """(the line that says why a command ends, its exit code), or (None, 1) for a fault of ours."""
    if isinstance(error, InputError):
        return f"error: {error}", 2
    if isinstance(error, signals.Interrupted):
        return "\ninterrupted: the same command goes on where it was", 128 + error.signum
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        where = f" to {error.filename}" if error.filename else ""
        return (
            f"error: cannot write{where} ({error.strerror}): make room or choose another folder "
            "with --workdir or --data_dir; what was written before is whole"
        ), 2
    if memory.exhausted(error):
        return f"error: {memory.ADVICE} ({str(error).splitlines()[0][:160]})", 2
    return None, 1
