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

EXPECTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
SEVERAL = {int: "whole numbers", float: "numbers", str: "texts"}
QUOTED = ', in quotes where one holds a comma or a quote: "a, b",c'  # texts in a list


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
        raise InputError(_other_type(error, types)) from None
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


def _other_type(error, types):
    """What absl says of a flag's value, as a line that names the value and what was expected."""
    why = error.__context__  # what could not turn the value's text into its type
    given = brief(ValueError(str(error).removesuffix(f": {why}")))
    value = re.match(r"flag --(\w+)=", given)
    lacking = re.match(r"Missing value for flag -{0,2}(\w+)", given)
    if value and value[1] in types:
        return f"{given.removeprefix('flag ')}: expected {_expected(types[value[1]])}"
    if lacking and lacking[1] in types:
        return f"--{lacking[1]} has no value: expected {_expected(types[lacking[1]])}"
    return f"{brief(error)} (--help shows the values)"


def _expected(annotation):
    """What the value of a flag is, in words."""
    if annotation in EXPECTED:
        return EXPECTED[annotation]
    element = typing.get_args(annotation)[0]
    return f"{SEVERAL[element]} separated by commas{QUOTED if element is str else ''}"


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
        raise InputError(f"--{name}={given}: expected {_expected(annotation)}") from None
