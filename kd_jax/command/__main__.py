"""`kd-jax NAME --flag=value`, what works outside of a clone: see `commands`."""

import sys
from collections.abc import Callable
from typing import NamedTuple

from kd_jax import experiment
from kd_jax.command import config
from kd_jax.command.decoder import config as decoder_config
from kd_jax.command.encoder import config as encoder_config
from kd_jax.streams import one_line, open_streams


def program() -> tuple:
    """(run, table, draw), as experiment.launch takes them."""
    from kd_jax.command import folder
    from kd_jax.command.run import run  # here, as flags are read before jax is imported

    return run, folder.table, folder.draw


def encoder_program() -> tuple:
    """(run, table, draw), as experiment.launch takes them."""
    from kd_jax.command.encoder.run import run  # here, as above
    from kd_jax.report import encoder_run

    return run, encoder_run.table, encoder_run.draw


def decoder_program() -> tuple:
    """(run, table, draw), as experiment.launch takes them."""
    from kd_jax.command.decoder.run import run  # here, as above
    from kd_jax.report import decoder_table

    return run, decoder_table.table, None


class Command(NamedTuple):
    """One of the commands.

    Attributes:
        config: Its settings.
        about: What --help says first.
        program: () -> (run, table, draw).
    """

    config: type[experiment.Config]
    about: str
    program: Callable[[], tuple]


def commands() -> dict[str, Command]:
    """{name: Command}."""
    return {
        "distill": Command(config.Config, config.ABOUT, program),
        "distill_encoder": Command(encoder_config.Config, encoder_config.ABOUT, encoder_program),
        "distill_lm": Command(decoder_config.Config, decoder_config.ABOUT, decoder_program),
    }


USAGE = "kd-jax NAME --flag=value …   (kd-jax NAME --help shows the flags), NAME one of {}"


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
        return _printed(USAGE.format(", ".join(commands())))
    name, *flags = arguments
    if name not in commands():
        known = ", ".join(commands())
        print(f"error: there is no command {name[:60]!r}; there are: {known}", file=sys.stderr)
        return 2
    command = commands()[name]
    if {"-h", "--help"} & set(flags):
        return _printed(experiment.usage(command.config, command.about))
    flags = joined(flags) if name == "distill" else flags
    experiment.launch(name, command.config, command.program, [name, *flags], _shown)
    return 0


def _shown(markdown):
    """A table as the terminal has it."""
    from kd_jax.report import terminal_page  # here, as above

    return terminal_page.shown(markdown)


def _printed(text):
    with one_line():
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
