"""Settings: the fields of a frozen dataclass, checked, those that decide results told apart."""

import dataclasses
import json
import typing

from kd_jax import arguments
from kd_jax.errors import Check, address, at_least, one_of, require, within


def loggers(name: str, value: tuple[str, ...]) -> None:
    """The check that curves go where they can."""
    if value:
        one_of("tensorboard", "wandb")(name, value)


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
        0, "what every random choice follows from; another gives another run", within(0, 2**32)
    )
    preset: str = setting("default", "named group of settings; explicit flags win over it")
    workdir: str = place("runs", "folder of run records and teacher checkpoints")
    data_dir: str = place("", "folder of prepared data sets (default: the user's TFDS folder)")
    manual_dir: str = place("", "folder of original data files, for machines without network")
    log: tuple[str, ...] = place(
        (), "where curves go besides: tensorboard (event files in the run's folder), wandb", loggers
    )
    saved_seeds: int = place(1, "seeds of each row whose networks are saved", at_least(0))
    retrain: bool = place(False, "train the teacher again even if its checkpoint exists")
    members_per_chunk: int = place(
        0, "networks trained at once (default: what the memory holds)", at_least(0)
    )
    fast_compile: bool = place(False, "leave out XLA's optimizations: compiles sooner, runs slower")
    mesh: str = place("", "members:M,data:D, what devices are for (default: members over all)")
    coordinator_address: str = place(
        "", "address:port of process 0 of several, or auto (clusters)", address
    )
    num_processes: int = place(1, "processes that run this command together", at_least(1))
    process_id: int = place(0, "which of them this one is: 0, 1, …; process 0 writes and prints")
    coordinator_seconds: float = place(
        20, "seconds that these processes wait for each other to begin", within(1, 86_401)
    )

    PRESETS: typing.ClassVar[dict[str, dict]] = {"default": {}}

    def __post_init__(self):
        kinds = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            check: Check | None = field.metadata["check"]
            given = _typed(field.name, getattr(self, field.name), kinds[field.name])
            object.__setattr__(self, field.name, given)
            value = getattr(self, field.name)
            if check:
                check(field.name, value)
            if isinstance(value, tuple):
                _check_named_once(field.name, value)
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

    def check_files(self) -> None:
        """Raise InputError when a file that is named is not right, before anything is loaded."""

    def results_key(self) -> dict:
        """The settings that decide the results, as plain JSON values."""
        kept = [f.name for f in dataclasses.fields(self) if f.metadata["affects_results"]]
        return json.loads(json.dumps({name: getattr(self, name) for name in kept}))


def _typed(name, value, kind):
    """A value of a field's type; of one that has several, one alone is one of them."""
    if typing.get_origin(kind) is not tuple:
        return arguments.typed(f"--{name}", value, kind)
    each = typing.get_args(kind)[0]
    return tuple(arguments.typed(f"--{name}", x, each) for x in arguments.several(value))


def listed(value: typing.Any) -> str:
    """A setting's value as a flag has it, to the last digit."""
    if isinstance(value, tuple):
        return ",".join(_quoted(listed(each)) for each in value)
    short = isinstance(value, float) and float(f"{value:g}") == value
    return f"{value:g}" if short else str(value)


def _quoted(text):
    """An entry of a list, in quotes as in a csv file where it holds a comma or quotes itself."""
    return '"' + text.replace('"', '""') + '"' if {",", '"'} & {*text} else text


def _check_named_once(name, values):
    twice = {x for x in values if isinstance(x, str) and values.count(x) > 1}
    require(not twice, f"--{name} names {', '.join(sorted(twice))} twice: name each once")


@dataclasses.dataclass(frozen=True)
class TaughtConfig(Config):
    """The flags that every experiment shares which trains its teachers."""

    teachers: int = setting(
        1, "teachers, each of its own seed and with students of its own", at_least(1)
    )
