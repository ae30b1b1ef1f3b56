"""The command line of `./run.sh publish`: what it asks for; flags that do not fit are named."""

import difflib
import os
from collections.abc import Sequence
from typing import NamedTuple

from kd_jax.errors import InputError, require

FLAGS = "--why", "--repeats", "--readmes", "--figures"
RENEWING = "--readmes", "--figures"
EXPECTED = "expected the folder of a finished run, or --readmes or --figures to renew these"


class Asked(NamedTuple):
    """What a command line asks for.

    Attributes:
        run: The folder of the run, "" without one.
        why: The reason, "" if none is given.
        flags: The others.
    """

    run: str
    why: str
    flags: frozenset[str]


def parse(words: Sequence[str]) -> Asked:
    """What a command line asks for.

    Args:
        words: Behind `publish`.

    Raises:
        InputError: A flag is unknown, or does not fit to the others; there are two folders or none.
    """
    runs = [word for word in words if not word.startswith("-")]
    whys = [word.partition("=") for word in words if word.partition("=")[0] == "--why"]
    flags = [word for word in words if word.startswith("-") and word.partition("=")[0] != "--why"]
    for flag in flags:
        if flag not in FLAGS:
            near = difflib.get_close_matches(flag.partition("=")[0], FLAGS, 1)
            guess = f"did you mean {near[0]}?" if near else f"there are {', '.join(FLAGS)}"
            raise InputError(f"publish: {flag} is none of its flags; {guess}")
    require(len(whys) < 2, "--why is given twice: expected one reason")
    for _, _, reason in whys:
        require(reason.strip(), '--why has no reason: expected --why="…"')
        check_reason(reason)
    _check_together(runs, [*flags, *["--why"] * len(whys)])
    return Asked(next(iter(runs), ""), _decoded(whys[0][2]) if whys else "", frozenset(flags))


def check_reason(why: str) -> None:
    """InputError if a reason has several lines.

    Args:
        why: It, which is not empty.
    """
    lines = len(why.strip().splitlines())
    require(lines == 1, f"--why has {lines} lines: expected the reason in one")


def _check_together(runs, flags):
    renewing = [flag for flag in dict.fromkeys(flags) if flag in RENEWING]
    if renewing:
        others = [*runs, *(flag for flag in dict.fromkeys(flags) if flag != renewing[0])]
        beside = f"publish: {renewing[0]} is given alone, and here with {' '.join(others)}"
        require(not others, f"{beside}: expected one of them")
        return
    both = "--why" in flags and "--repeats" in flags
    require(not both, "publish: --repeats leaves the record as it is: expected no --why with it")
    shown = f"{len(runs)} run folders ({', '.join(runs)})" if runs else "no run folder"
    behind = f" behind {' '.join(dict.fromkeys(flags))}" if flags else ""
    require(len(runs) == 1, f"publish has {shown}{behind}: {EXPECTED}")


def _decoded(reason):
    """A reason that the locale could not read, in UTF-8."""
    try:
        reason.encode()
        return reason
    except UnicodeEncodeError:
        pass
    try:
        return os.fsencode(reason).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"--why={reason}: expected a text in UTF-8") from None
