"""What --help prints, as wide as the terminal. It needs no package."""

import dataclasses
import re
import shutil
import textwrap

from kd_jax.experiment import _repeated
from kd_jax.experiment._settings import Config, listed

NARROWEST, WIDEST = 50, 100  # columns
GIVEN = 31  # columns before what a flag means
HEADING = re.compile(r"[A-Z]\w+: +")


def usage(config_class: type[Config], about: str, width: int | None = None) -> str:
    """What --help prints: what the experiment is, its own flags, the shared ones, its presets.

    Args:
        config_class: Whose fields are the flags.
        about: The docstring of the experiment.
        width: Columns of the text; by default those of the terminal, 100 of a file.
    """
    columns = width or shutil.get_terminal_size((WIDEST, 24)).columns
    width = min(max(columns, NARROWEST), WIDEST)
    shared = {field.name for field in dataclasses.fields(Config)}
    fields = dataclasses.fields(config_class)
    own = [_flag(field, width) for field in fields if field.name not in shared]
    others = [_flag(field, width) for field in fields if field.name in shared]
    lines = [_wrapped(about.strip(), width), "", "Settings:", *own]
    lines += ["", "Settings of every experiment:", *others]
    for name, values in config_class.PRESETS.items():
        flags = " ".join(f"--{key}={listed(value)}" for key, value in values.items())
        lines.append(textwrap.fill(
            f"--preset={name}  {flags or 'the values above'}", min(width, 80),
            initial_indent="\n", subsequent_indent="    ", break_on_hyphens=False,
        ))  # fmt: skip
    more = (
        _repeated.HELP,
        "--version      commit, versions of the packages, devices",
        "--help         this text",
    )
    return "\n".join([*lines, "", *more])


def _wrapped(text, width):
    """A docstring: paragraphs, and lines below headings, whose texts stand indented."""
    parts = [_paragraph(part.splitlines(), width) for part in text.split("\n\n")]
    return "\n\n".join(parts)


def _paragraph(lines, width):
    """One that is wider is filled anew; commands keep their lines."""
    if max(map(len, lines)) <= width:
        return "\n".join(lines)
    texts = []
    for line in lines:
        own = HEADING.match(line) or (line[:1] == " " and texts[-1:] and "./run.sh" in texts[-1])
        if own or not texts:
            texts.append(line)
        else:
            texts[-1] += " " + line.strip()
    return "\n".join(_filled(text, width) for text in texts)


def _filled(text, width):
    """What follows the first line of a text stands below its words."""
    heading = HEADING.match(text)
    indent = len(heading[0] if heading else text) - len("" if heading else text.lstrip())
    return textwrap.fill(
        text, width, subsequent_indent=" " * indent, break_on_hyphens=False, break_long_words=False
    )  # fmt: skip


def _flag(field, width):
    given = f"  --{field.name}={listed(field.default)}"
    means = textwrap.wrap(field.metadata["help"], width - GIVEN, break_on_hyphens=False)
    first, *others = means or [""]
    lines = [f"{given:<{GIVEN}}{first}"]
    if len(given) >= GIVEN:
        lines = [*_broken(given, width), " " * GIVEN + first]
    return "\n".join([*lines, *(" " * GIVEN + line for line in others)])


def _broken(given, width):
    """The lines of a flag and its value; a long list goes on behind a comma."""
    lines = [""]
    for part in re.split(r"(?<=,)", given):
        if lines[-1].strip() and len(lines[-1] + part) > width:
            lines.append(" " * 6)
        lines[-1] += part
    return lines
