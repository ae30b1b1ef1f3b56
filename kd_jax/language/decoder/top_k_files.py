"""A teacher's most probable tokens in a file that any program can write: parquet, array_record.

The latter is in top_k_records. Of the former one row for each text, of T tokens:

    ids     list<int32>           [T]     the text's tokens, as the student is to read them
    tokens  list<list<int32>>     [T, k]  at each of them the likeliest next tokens
    log_p   list<list<float>>     [T, k]  and their log-probabilities, of the whole vocabulary

Position n tells of the token after ids[n]; the last position may be missing. The order of rows, and
of the k tokens, is of no matter.
"""

import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kd_jax.errors import DAMAGED, extra, require, unreadable
from kd_jax.language.decoder import top_k_records
from kd_jax.language.tokens import Packed
from kd_jax.pretrained.chat import Encoded

COLUMNS = "ids", "tokens", "log_p"
ABOVE_1 = 1e-2  # a sum of probabilities that rounding may have raised


class Top(NamedTuple):
    """The likeliest tokens after each token of a text.

    Attributes:
        ids: The text.
        tokens: Next tokens.
        log_p: Their log-probabilities.
    """

    ids: Int[np.ndarray, " T"]
    tokens: Int[np.ndarray, "T k"]
    log_p: Float[np.ndarray, "T k"]


def save(path: str | os.PathLike, tops: Sequence[Top]) -> None:
    """Write a file.

    Args:
        path: Of it.
        tops: Of all texts.
    """
    with extra("data"):
        import pyarrow as pa
        from pyarrow import parquet

    columns = {
        "ids": pa.array([each.ids.tolist() for each in tops], pa.list_(pa.int32())),
        "tokens": pa.array([each.tokens.tolist() for each in tops], pa.list_(pa.list_(pa.int32()))),
        "log_p": pa.array([each.log_p.tolist() for each in tops], pa.list_(pa.list_(pa.float32()))),
    }
    parquet.write_table(pa.table(columns), path)


def read(path: str | os.PathLike, vocabulary: int) -> list[Top]:
    """The rows of a file, checked.

    Args:
        path: Of it; or a folder of array_record files.
        vocabulary: Number of tokens.

    Raises:
        InputError: It is none, or a row is not what is expected.
    """
    path = pathlib.Path(path).expanduser()
    reader = top_k_records.rows if path.is_dir() else READERS.get(path.suffix, parquet_rows)
    require(
        path.exists(), f"{path} is no file: expected a .parquet file of a teacher's tokens, or "
        f"{top_k_records.ENDING}, or a folder of these",
    )  # fmt: skip
    found = [_top(row, vocabulary, where) for where, row in reader(path)]
    widths = {each.tokens.shape[1] for each in found}
    require(found, f"{path} has no rows: expected one for each text")
    require(
        len(widths) == 1, f"{path} has rows with {min(widths)} and {max(widths)} tokens at a "
        "position: expected as many in all",
    )  # fmt: skip
    return found


def parquet_rows(path: pathlib.Path) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """(where, (ids, tokens, log_p)) of every row of a parquet file, not checked further.

    Args:
        path: Of it.

    Raises:
        InputError: It is none, or lacks a column.
    """
    with extra("data"):
        import pyarrow as pa
        from pyarrow import parquet
    try:
        table = parquet.read_table(path)
    except (*DAMAGED, pa.ArrowException) as error:
        raise unreadable(str(path), error, "write it again") from None
    missing = [name for name in COLUMNS if name not in table.column_names]
    require(
        not missing, f"{path} has no column {', '.join(missing)}: expected {', '.join(COLUMNS)}"
    )
    columns = (table.column(name).to_pylist() for name in COLUMNS)
    for number, row in enumerate(zip(*columns), 1):
        yield f"{path} row {number}", row


READERS: dict[str, Callable] = {
    ".parquet": parquet_rows,
    top_k_records.ENDING: top_k_records.rows,
}


def _top(row: Any, vocabulary: int, where: str) -> Top:
    try:
        ids, tokens, log_p = (np.array(x) for x in row)
        right = ids.ndim == 1 and tokens.ndim == 2 and tokens.shape == log_p.shape
    except DAMAGED:
        right = False
    require(
        right and tokens.shape[1] and len(ids) - 1 <= len(tokens) <= len(ids),
        f"{where}: expected ids [T], tokens and log_p [T, k]",
    )
    whole = {ids.dtype.kind, tokens.dtype.kind} <= set("iu") and log_p.dtype.kind == "f"
    require(whole, f"{where}: expected whole numbers in ids and tokens, floats in log_p")
    within = all(x.size == 0 or (x.min() >= 0 and x.max() < vocabulary) for x in (ids, tokens))
    require(within, f"{where}: expected tokens below {vocabulary:,}, the teacher's")
    mass = np.exp(log_p).sum(-1)
    require(
        np.isfinite(mass).all() and (mass <= 1 + ABOVE_1).all(),
        f"{where}: probabilities sum to {mass.max():.3g}: expected log-probabilities, natural "
        "ones, of the whole vocabulary",
    )
    return Top(ids.astype(np.int32), tokens.astype(np.int32), log_p.astype(np.float32))


def rows(
    packed: Packed, texts: Sequence[Encoded], tops: Sequence[Top], source: str | os.PathLike
) -> dict[str, np.ndarray]:
    """What students learn from in place of the teacher's own outputs.

    Args:
        packed: Of the texts.
        texts: As tokens; each begins as one of the file, which is as long or longer.
        tops: Of `read`.
        source: The file, for error messages.

    Returns:
        {"log_p", "tokens"} [N, A, k].

    Raises:
        InputError: A text is not in the file.
    """
    length = max(len(each.ids) for each in texts)
    known = {tuple(top.ids[:length].tolist()): top for top in tops}
    found = []
    for number, each in enumerate(texts, 1):
        top = known.get(tuple(each.ids))
        require(
            top is not None, f"{source} has no row for text {number} of {len(texts):,}, of "
            f"{len(each.ids)} tokens that begin with {each.ids[:8]}: expected the same tokens, by "
            "the same tokenizer and chat template",
        )  # fmt: skip
        found.append(top)
    return {
        name: _at_answers(packed, [getattr(top, name) for top in found])
        for name in ("log_p", "tokens")
    }


def _at_answers(packed, of_texts):
    """Values [T, k] of every text in the places [N, A] off which its answers are read."""
    within = packed.tokens.mask
    steps = np.arange(within.shape[1])
    begins = np.diff(within, axis=1, prepend=-1) != 0
    first = np.maximum.accumulate(np.where(begins, steps, 0), axis=1)
    at = packed.places - np.take_along_axis(first, packed.places, 1)
    offsets = np.cumsum([0, *(len(x) for x in of_texts)])[:-1]
    mask, every = packed.answers.mask, np.concatenate(of_texts)
    found = np.zeros((*mask.shape, every.shape[1]), every.dtype)
    found[mask] = every[(offsets[packed.numbers] + at)[mask]]
    return found
