"""A teacher's most probable tokens in array_record files, as MaxText writes them.

A record is a batch, a pickled dictionary of NumPy arrays:

    tokens               [B, T]     what the teacher read
    top_k_logits         [B, T, k]  at each token the likeliest next ones' logits
    top_k_indices        [B, T, k]  and their ids
    inputs_segmentation  [B, T]     perhaps: which text of its row each token is of; 0: padding
    targets, targets_segmentation   perhaps [B, T]: the next tokens, where there are some

Of logits alone the mass of all other tokens is not known: the k are taken for all of it, as MaxText
does. A row without segmentation is one text.

Source: MaxText's save_top_k_teacher_logits.py, github.com/AI-Hypercomputer/maxtext.
"""

import io
import pathlib
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

from kd_jax.errors import DAMAGED, InputError, brief, extra, require, unreadable

ENDING = ".array_record"
NEEDED = "tokens", "top_k_logits", "top_k_indices"
SEGMENTS = "inputs_segmentation"
TARGETS = "targets", "targets_segmentation"
ARRAYS = {  # what pickled arrays are made of; anything else of a file is not called
    ("numpy", "ndarray"), ("numpy", "dtype"), ("ml_dtypes", "bfloat16"),
    *((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
}  # fmt: skip


def rows(path: pathlib.Path) -> Iterator[tuple[str, tuple[Any, Any, Any]]]:
    """(where, (ids [T], tokens [T, k], log_p [T, k])) of every text, not checked further.

    Args:
        path: A file, or a folder of some.

    Raises:
        InputError: One is damaged, or a record of it is no such dictionary.
    """
    files = sorted(path.glob(f"*{ENDING}")) if path.is_dir() else [path]
    require(files, f"{path} holds no {ENDING} file: expected those that MaxText writes")
    for file in files:
        for number, data in enumerate(_records(file), 1):
            where = f"{file} record {number}"
            batch = _batch(data, where)
            for row in range(len(batch["tokens"])):
                for text in _texts({name: x[row] for name, x in batch.items()}):
                    yield f"{where} row {row + 1}", text


def _records(path):
    with extra("data"):
        from array_record.python import array_record_module
    try:
        reader = array_record_module.ArrayRecordReader(str(path))
        found = reader.read_all() if reader.ok() else []
        reader.close()
    except (*DAMAGED, RuntimeError) as error:  # the library's own
        raise unreadable(str(path), error, "write it again") from None
    require(found, f"{path} holds no records: expected an {ENDING} file; write it again")
    return found


class _Arrays(pickle.Unpickler):
    """Reads arrays and nothing that could do anything."""

    def find_class(self, module, name):
        require((module, name) in ARRAYS, f"it holds {module}.{name}, expected arrays alone")
        return super().find_class(module, name)


def _batch(data, where):
    """{name: array} of a record."""
    try:
        found = _Arrays(io.BytesIO(data)).load()
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except Exception as error:  # what a pickle can be damaged by has no end
        raise InputError(f"{where} is no pickled dictionary ({brief(error)})") from None
    right = isinstance(found, dict) and all(name in found for name in NEEDED)
    require(right, f"{where}: expected a dictionary with {', '.join(NEEDED)}")
    names = [name for name in (*NEEDED, SEGMENTS, *TARGETS) if name in found]
    batch = {name: np.asarray(found[name]) for name in names}
    for name, array in batch.items():
        axes = 3 if name.startswith("top_k") else 2
        require(
            array.ndim == axes and array.shape[:2] == batch["tokens"].shape,
            f"{where}: {name} has shape {array.shape}, expected [B, T{', k' * (axes == 3)}] as "
            f"tokens of shape {batch['tokens'].shape}",
        )
        whole = "f" if name == "top_k_logits" else "iu"
        kind = "f" if array.dtype.name == "bfloat16" else array.dtype.kind
        require(kind in whole, f"{where}: {name} holds {array.dtype}")
    return batch


def _texts(row):
    """(ids, tokens, log_p) of each text of a row."""
    segments = row.get(SEGMENTS, np.ones(len(row["tokens"]), int))
    for number in np.unique(segments[segments > 0]):
        at = np.flatnonzero(segments == number)
        ids = row["tokens"][at]
        last = at[-1]
        if all(name in row for name in TARGETS) and row[TARGETS[1]][last] > 0:
            ids = np.append(ids, row[TARGETS[0]][last])  # which nothing has read
        log_p = special.log_softmax(np.float64(row["top_k_logits"][at]), -1)
        yield ids, row["top_k_indices"][at], log_p
