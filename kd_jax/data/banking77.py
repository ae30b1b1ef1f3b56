"""BANKING77: intent classification of 13,083 questions of bank customers in 77 intents.

Source: Casanueva et al. 2020, arXiv 2003.04807; CC BY 4.0.
"""

import csv
import hashlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from kd_jax.data import download

URL = "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/{}"
FILES = {
    "train.csv": "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
    "test.csv": "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
}
CLASSES = 77
DIGEST = hashlib.sha256("".join(FILES.values()).encode()).hexdigest()


class Questions(NamedTuple):
    """Texts and their labels: int32, the intents numbered in alphabetical order."""

    texts: list[str]
    labels: Int[np.ndarray, " N"]


def load(data_dir: str = "", manual_dir: str = "") -> tuple[Questions, Questions, list[str]]:
    """Read the two published CSV files.

    Args:
        data_dir: a download is kept in its folder "banking77"; "" is the user's folder of
            tensorflow-datasets.
        manual_dir: folder with train.csv and test.csv, or with a folder "banking77" of these; ""
            downloads them once to data_dir/banking77.

    Returns:
        The 10,003 questions for training, the 3,080 for the test, and the names of the intents.

    Raises:
        InputError: a file is missing, changed or cannot be downloaded.
    """
    folder = download.folder("banking77", URL, FILES, data_dir, manual_dir)
    train, test = (_read(folder / name, digest) for name, digest in FILES.items())
    names = sorted({name for _, name in train})
    number = {name: n for n, name in enumerate(names)}

    def questions(rows):
        labels = np.array([number[name] for _, name in rows], np.int32)
        return Questions([text for text, _ in rows], labels)

    return questions(train), questions(test), names


def _read(path, digest):
    """[(text, intent)] of one file. The digest is checked first, so what is parsed is known."""
    content = download.read(path, URL, digest)
    header, *rows = csv.reader(content.splitlines(keepends=True))
    return [tuple(row) for row in rows]
