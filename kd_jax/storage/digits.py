"""The digits of numbers in records: as many as each needs."""

from typing import Any

import numpy as np


def single_precision(value: Any) -> Any:
    """A value of a record whose numbers of float32 have as many digits as they need, not 17.

    0.9506000280380249, which is 0.9506 in float32, is written so; a number that is none of
    float32 stays as it is.

    Args:
        value: A number, a text, or lists and dicts of these.
    """
    if isinstance(value, dict):
        return {name: single_precision(x) for name, x in value.items()}
    if isinstance(value, list | tuple):
        return [single_precision(x) for x in value]
    if not isinstance(value, float):
        return value
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return float(str(single)) if float(single) == value else value
