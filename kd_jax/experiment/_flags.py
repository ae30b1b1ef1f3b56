"""Settings as flags: the command line that gives them."""

import dataclasses
import difflib
import os
import re
import typing
from collections.abc import Callable

from kd_jax import paths
from kd_jax.errors import InputError, brief, one_of, require
from kd_jax.experiment import _repeated
from kd_jax.experiment._settings import Config, listed


def parse(config_class: type[Config], argv: list[str]) -> Config:
    """The Config that a command line asks for: defaults, then the preset, then explicit flags.

    --from=FILE of an earlier run stands for the flags of its settings.

    Raises:
        InputError: an unknown flag (with the nearest known one), a value of the wrong type or
            not in UTF-8, an unknown preset or settings that the Config refuses.
    """
    from absl import flags  # here, as --help needs no package

    for given in argv[1:]:
        require("\0" not in given, f"{given}: expected a text without \\0")
        name, equal, value = given.rpartition("=")
        paths.check_utf8("the flag", name + equal + os.path.expanduser(value))
        if value.startswith("~"):
            paths.given(value)
    argv = _repeated.expanded([x.name for x in dataclasses.fields(config_class)], argv)
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


def flags_of(config: Config) -> list[str]:
    """The flags that give a Config: what differs from its preset."""
    usual = {field.name: field.default for field in dataclasses.fields(config)}
    usual |= config.PRESETS.get(config.preset, {})
    given = {name: getattr(config, name) for name in usual}
    return [f"--{name}={listed(x)}" for name, x in given.items() if x != usual[name]]


def _converted(name, value, annotation):
    if typing.get_origin(annotation) is not tuple:
        return value + 0.0 if annotation is float else value  # there is one 0 only
    element = typing.get_args(annotation)[0]
    try:
        given = [] if value == [""] else value
        found = tuple(element(item) for item in given)
        return tuple(item + 0.0 for item in found) if element is float else found
    except ValueError:
        given = ",".join(value)
        raise InputError(
            f"--{name}={given}: expected {element.__name__} values separated by commas"
        ) from None
