"""`kd-jax distill --flag=value`, what works outside of a clone."""

import sys

from kd_jax import experiment
from kd_jax.command.config import ABOUT, Config
from kd_jax.errors import one_line, open_streams

USAGE = "kd-jax distill --flag=value …   (kd-jax distill --help shows the flags)"


def program() -> tuple:
    """(run, table, draw), as experiment.launch takes them."""
    from kd_jax.command import folder
    from kd_jax.command.run import run  # here, as flags are read before jax is imported

    return run, folder.table, folder.draw


def joined(flags: list[str]) -> list[str]:
    """The flags with all values of --teacher in one: absl keeps the last alone.

    Args:
        flags: Of a command line.
    """
    flags = _with_values(flags)
    given = [flag.split("=", 1)[1] for flag in flags if _is_teacher(flag)]
    others = [flag for flag in flags if not _is_teacher(flag)]
    return [*others, *([f"--teacher={','.join(given)}"] if given else [])]


def _with_values(flags):
    """Flags with `--teacher NAME` as `--teacher=NAME`."""
    found: list[str] = []
    for flag in flags:
        if found and found[-1] in ("--teacher", "-teacher"):
            found[-1] = f"--teacher={flag}"
        else:
            found.append(flag)
    return found


def _is_teacher(flag):
    return flag.startswith(("--teacher=", "-teacher="))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code.

    Args:
        arguments: The command line (default: this process's).
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    open_streams()
    if not arguments or arguments[0] in ("-h", "--help"):
        return _printed(USAGE)
    name, *flags = arguments
    if name != "distill":
        print(f"error: there is no command {name[:60]!r}; there is: distill", file=sys.stderr)
        return 2
    if {"-h", "--help"} & set(flags):
        return _printed(experiment.usage(Config, ABOUT))
    experiment.launch("distill", Config, program, ["distill", *joined(flags)])
    return 0


def _printed(text):
    with one_line():
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
