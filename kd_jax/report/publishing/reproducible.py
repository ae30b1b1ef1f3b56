"""What `reproduce` reads of a committed record, checked before hours of work: command and table.

Records lie in a clone, so that git has what a damaged file was.
"""

import pathlib
import shlex
from collections.abc import Sequence

from kd_jax.errors import require
from kd_jax.report import commands
from kd_jax.report.publishing import publish, reproduced, whole


def record_of(root: pathlib.Path, experiment: str, flags: Sequence[str]) -> pathlib.Path:
    """The folder of the record of an experiment, or of the preset that flags name.

    Args:
        root: The folder of the repository.
        experiment: Its name.
        flags: Of a command line, the last --preset of which counts.

    Raises:
        InputError: There is no such record.
    """
    given = commands.settings_of(shlex.join(["./run.sh", experiment, *flags]), {"preset": ""})
    preset = given[-1][1].partition("=")[2] if given else "default"
    folder = publish.records_folder(root, experiment, preset)
    require(folder.is_dir(), f"{folder} holds no record: expected that of a preset")
    return folder


def flags(record: pathlib.Path) -> list[str]:
    """The flags of the command of a record; [] of an older one, which is of its preset alone.

    Args:
        record: Its folder.

    Raises:
        InputError: The command, or the table that a run is held against, is not as published.
    """
    with whole.committed(record):
        whole.check(record)
        table = commands.text(record / whole.TABLE)
        words = shlex.split(commands.read(record))
    require(
        reproduced.rows(table, table),
        f"{record / whole.TABLE} has no interval: expected some that a run can be held against",
    )
    return words[2:]
