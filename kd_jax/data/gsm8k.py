"""GSM8K: 8,792 word problems of grade-school arithmetic with solutions, as published (two files).

Source: Cobbe et al. 2021, arXiv 2110.14168; MIT.
"""

import hashlib
import json
from typing import NamedTuple

from kd_jax.data import download

URL = "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/{}"
FILES = {
    "train.jsonl": "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
    "test.jsonl": "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
}
DIGEST = hashlib.sha256("".join(FILES.values()).encode()).hexdigest()


class Problem(NamedTuple):
    """A question, and its solution as published: lines, calculations in <<…>>, "#### " answer."""

    question: str
    solution: str


def load(data_dir="", manual_dir=""):
    """(training Problems, test Problems): 7,473 and 1,319.

    Args: manual_dir: folder with train.jsonl and test.jsonl, or with a folder "gsm8k" of these; ""
      downloads them once to data_dir/gsm8k.
    Raises: InputError, one line, when a file is missing, changed or cannot be downloaded.
    """
    folder = download.folder("gsm8k", URL, FILES, data_dir, manual_dir)
    return tuple(_read(folder / name, digest) for name, digest in FILES.items())


def _read(path, digest):
    """The Problems of one file. The digest is checked first, so what is parsed is known."""
    rows = map(json.loads, download.read(path, URL, digest).splitlines())
    return [Problem(row["question"], row["answer"]) for row in rows]
