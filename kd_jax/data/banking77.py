"""BANKING77: 13,083 questions of a bank's customers in 77 intents, as published (two CSV files).

Source: Casanueva et al. 2020, arXiv 2003.04807; CC BY 4.0.
"""

import csv
import hashlib
from typing import NamedTuple

import numpy as np

from kd_jax.data import download

URL = "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/{}"
FILES = {
    "train.csv": "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
    "test.csv": "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
}
CLASSES = 77
DIGEST = hashlib.sha256("".join(FILES.values()).encode()).hexdigest()


class Questions(NamedTuple):
    """texts: N strings; labels [N] int32, the intents numbered in alphabetical order."""

    texts: list
    labels: np.ndarray


def load(data_dir="", manual_dir=""):
    """(training Questions, test Questions, names of the intents).

    Args: manual_dir: folder with train.csv and test.csv, or with a folder "banking77" of these;
      "" downloads them once to data_dir/banking77.
    Raises: InputError, one line, when a file is missing, changed or cannot be downloaded.
    """
    folder = download.folder("banking77", URL, FILES, data_dir, manual_dir)
    train, test = (_read(folder / name, digest) for name, digest in FILES.items())
    names = sorted({name for _, name in train})
    number = {name: n for n, name in enumerate(names)}
    splits = (
        Questions([text for text, _ in rows], np.array([number[n] for _, n in rows], np.int32))
        for rows in (train, test)
    )
    return *splits, names


def _read(path, digest):
    """[(text, intent)] of one file. The digest is checked first, so what is parsed is known."""
    content = download.read(path, URL, digest)
    header, *rows = csv.reader(content.splitlines(keepends=True))
    return [tuple(row) for row in rows]
