"""Records of a run, for one's own analysis: a list of dictionaries that pandas takes."""

import importlib
import os
import pathlib
from typing import Any

from kd_jax.errors import InputError, require
from kd_jax.storage import jsonl


class Records(list[dict]):
    """A dictionary for each trained network: its row, seeds and measures."""

    def to_pandas(self) -> Any:
        """A pandas DataFrame, a line for each network.

        Raises:
            InputError: pandas is not installed, which nothing else here needs.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise InputError("to_pandas() needs pandas: pip install pandas") from None
        return pandas.DataFrame(self)


def read_records(folder: str | os.PathLike) -> Records:
    """The Records of a run, or of a committed record, also of networks that diverged.

    Args:
        folder: As `runs/quickstart/<id>` or `experiments/quickstart/records`.

    Raises:
        InputError: it has no records.jsonl, or one that is damaged.
    """
    path = pathlib.Path(folder) / "records.jsonl"
    require(path.is_file(), f"{folder} has no records.jsonl: expected the folder of a run")
    return Records(jsonl.every_record(folder))
