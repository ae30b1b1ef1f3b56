"""The 240 people of McCaffrey's teacher-student demo; their rows ship with the package.

A row is sex (−1 or 1), age / 100, three columns of which one is 1 (Michigan, Nebraska, Oklahoma),
income / $100,000, and the politics to predict (0 conservative, 1 moderate, 2 liberal).
"""

import hashlib
import math
import os
import pathlib

import numpy as np
from jaxtyping import Float

from kd_jax.data.dataset import Split, check_digest
from kd_jax.errors import InputError, require, unreadable

ROWS = pathlib.Path(__file__).parent / "rows"
FILES = {
    "people_train.csv": "8e3095ff7a8250b0aeb28c7b9bc76b8123cad3e09dc417f2da1677e4fb9959cc",
    "people_test.csv": "75bb6ceca5877e746bc97d6cb714976c0946473d5630c35258bd1bf37d0ffaff",
}
CLASSES = 3
INPUTS = "sex (-1 or 1), age/100, three state columns with one 1, income/$100,000"


def load(folder: str | os.PathLike = "") -> tuple[Split, Split]:
    """The training and the test rows, inputs [200, 6] and [40, 6].

    Args:
        folder: with the two files; "" reads those of the package.

    Raises:
        InputError: a row is malformed (it names file and line), a file is missing or is not the
            published one.
    """
    place = pathlib.Path(folder or ROWS)
    train, test = (_read(place / name, digest) for name, digest in FILES.items())
    return train, test


def digest() -> str:
    """The digest of both files together."""
    return hashlib.sha256("".join(FILES.values()).encode()).hexdigest()


def parse_person(text: str, where: str) -> Float[np.ndarray, " 6"]:
    """The inputs of one person.

    Args:
        text: six numbers separated by commas.
        where: the text stands, with which messages begin.

    Raises:
        InputError: they are not six numbers, or not of a person.
    """
    fields = [field.strip() for field in text.split(",")]
    require(
        len(fields) == 6,
        f"{where}: {len(fields)} values in '{text.strip()}', expected 6: {INPUTS}",
    )
    try:
        values = [float(field) for field in fields]
    except ValueError as error:
        raise InputError(f"{where}: {error}; expected 6 numbers: {INPUTS}") from None
    sex, age, *state, income = values
    require(all(map(math.isfinite, values)), f"{where}: '{text.strip()}' is not finite")
    require(sex in (-1, 1), f"{where}: sex is {sex:g}, expected -1 or 1")
    require(0 <= age <= 1.5, f"{where}: age is {age:g}, expected years / 100, 0 to 1.5")
    require(sorted(state) == [0, 0, 1], f"{where}: state is {state}, expected one 1 and two 0")
    require(income >= 0, f"{where}: income is {income:g}, expected dollars / 100,000, 0 or more")
    return np.array(values, np.float32)


def _read(path, digest):
    try:
        text = path.read_bytes().decode("ascii")
    except FileNotFoundError:
        raise InputError(f"{path} is missing: it is part of the package, restore it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(str(path), error, "restore the published file") from None
    inputs, labels = [], []
    for number, line in enumerate(text.splitlines(), 1):
        person, comma, label = line.rpartition(",")
        where = f"{path} line {number}"
        inputs.append(parse_person(person, where))
        require(
            comma and label.strip() in ("0", "1", "2"),
            f"{where}: class is '{label.strip()}', expected 0, 1 or 2",
        )
        labels.append(int(label))
    check_digest(str(path), hashlib.sha256(text.encode()).hexdigest(), digest)
    return Split(np.stack(inputs), np.array(labels, np.int32))
