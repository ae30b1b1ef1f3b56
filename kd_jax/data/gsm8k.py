"""GSM8K: 8,792 word problems of grade-school arithmetic with solutions, as published (two files).

Source: Cobbe et al. 2021, arXiv 2110.14168; MIT.
"""

import hashlib
import json
import pathlib
from typing import NamedTuple

from kd_jax.data import download

URL = "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/{}"
FILES = {
    "train.jsonl": "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
    "test.jsonl": "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
}
DIGEST = hashlib.sha256("".join(FILES.values()).encode()).hexdigest()


class QuestionAndSolution(NamedTuple):
    """A question, and its solution as published: lines, calculations in <<…>>, "#### " answer."""

    question: str
    solution: str


def load(
    data_dir: str = "", manual_dir: str = ""
) -> tuple[list[QuestionAndSolution], list[QuestionAndSolution]]:
    """The 7,473 training and the 1,319 test problems.

    Args:
        data_dir: folder of prepared data sets; the files are downloaded once to its folder gsm8k.
        manual_dir: folder with train.jsonl and test.jsonl, or with a folder "gsm8k" of these; ""
            downloads them.

    Returns:
        (training problems, test problems).

    Raises:
        InputError: a file is missing, changed or cannot be downloaded.
    """
    folder = download.folder("gsm8k", URL, FILES, data_dir, manual_dir)
    train, test = (_read(folder / name, digest) for name, digest in FILES.items())
    return train, test


def training_file(data_dir: str = "", manual_dir: str = "") -> pathlib.Path:
    """The file of the training problems, of "question" and "answer" a line, checked.

    Args:
        data_dir: As for `load`.
        manual_dir: Likewise.

    Raises:
        InputError: As of `load`.
    """
    name, digest = next(iter(FILES.items()))
    path = download.folder("gsm8k", URL, FILES, data_dir, manual_dir) / name
    download.read(path, URL, digest)
    return path


def _read(path: pathlib.Path, digest: str) -> list[QuestionAndSolution]:
    """The problems of one file. The digest is checked first, so what is parsed is known."""
    rows = map(json.loads, download.read(path, URL, digest).splitlines())
    return [QuestionAndSolution(row["question"], row["answer"]) for row in rows]
