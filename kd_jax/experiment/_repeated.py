"""The settings of an earlier run as flags: --from=runs/NAME/ID/config.json."""

import json
import re
from collections.abc import Collection

from kd_jax import paths
from kd_jax.errors import InputError, brief, once, require
from kd_jax.experiment._settings import listed

HELP = "--from=FILE    what the config.json of an earlier run decided; flags win"
LONGEST = 1 << 20  # bytes of a config.json, which has a few hundred


def expanded(names: Collection[str], argv: list[str]) -> list[str]:
    """A command line with the settings of a run in the place of --from=FILE, before other flags.

    Args:
        names: of the settings that there are.
        argv: the command line; FILE is a config.json or the run folder that holds it.

    Raises:
        InputError: --from is given twice, without a file or beside --preset; the file cannot be
            read or holds other settings.
    """
    found = _places(argv)
    if not found:
        return argv
    require(len(found) == 1, "--from is given twice: expected one earlier run")
    other = [word for word in argv[1:] if re.match(r"--?preset(=|$)", word)]
    require(not other, f"{other[:1]} beside --from: both name all settings, give one of them")
    place = found[0]
    words = argv[place : place + 1] if "=" in argv[place] else argv[place : place + 2]
    file = words[-1].partition("=")[2] if len(words) == 1 else words[1]
    require(file, "--from: expected the config.json of an earlier run, as --from=FILE")
    flags = [f"--{name}={_text(name, x)}" for name, x in _settings(file, names).items()]
    return [argv[0], *flags, *argv[1:place], *argv[place + len(words) :]]


def written(argv: list[str]) -> list[str] | None:
    """The flags that a run keeps as its command; None with --from, whose file may not stay."""
    return None if _places(argv) else argv[1:]


def _places(argv):
    """Where --from stands in a command line."""
    return [n for n, word in enumerate(argv) if n and re.fullmatch(r"--?from(=.*)?", word, re.S)]


def _settings(file, names):
    """The settings of a config.json."""
    path = paths.given(file)
    path = path / "config.json" if path.is_dir() else path
    require(path.is_file(), f"--from={file}: expected the config.json of an earlier run")
    require(path.stat().st_size <= LONGEST, f"--from={file}: too large for a config.json")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"--from={file}: no JSON of settings ({brief(error)})") from None
    require(isinstance(settings, dict), f"--from={file}: expected settings by name")
    strange = [str(name)[:40] for name in settings if name not in names]
    require(
        not strange,
        f"--from={file} has no settings of this command ({', '.join(strange[:3])}): "
        "expected the config.json of one of its own runs, of this version",
    )
    return settings


def _text(name, value):
    """A value of JSON as a flag has it."""
    plain = all(isinstance(x, (str, int, float)) for x in _entries(value))
    require(
        plain, f"--from: {name} is {str(value)[:80]!r}, expected a text, a number or a list of them"
    )
    return listed(tuple(value) if isinstance(value, list) else value)


def _entries(value):
    return value if isinstance(value, list) else [value]
