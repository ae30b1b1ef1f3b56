"""Tables as problems: csv, tsv, parquet and jsonl files with a column of labels, or without."""

import hashlib
import pathlib
from typing import Any

import numpy as np

from kd_jax.command.parts import Content, Part, Reader, whole
from kd_jax.data import preprocessing, tables
from kd_jax.data.class_folders import some
from kd_jax.data.preprocessing import near, shown
from kd_jax.errors import InputError, extra, require

with extra("data"):
    import pyarrow as pa


def read(settings: Any, path: str, first: bool, say: Any) -> Content:
    """The rows of a table; inputs are made of them by `encode`.

    Args:
        settings: With label, which is "none" where nobody knows labels, columns and ignore.
        path: Of the file.
        first: Whether it is --data, whose labels must look like classes.
        say: As in `Reader`.

    Raises:
        InputError: See tables.read and tables.labelled.
    """
    table, label = tables.read(path), settings.label
    known = table.column_names
    missing = f"--label is not given with {path}: expected the column that is to be predicted, or "
    require(label, f"{missing}--label=none if nobody knows; the columns are {shown(known, 200)}")
    label = "" if label == "none" and "none" not in known else label
    absent = f"--label={label}: {path} has no such column; {near(label, known)}"
    require(not label or label in known, absent)
    chosen: list[str] = []
    if first:
        if label:
            tables.labelled(table, label, settings.columns, settings.ignore)
        chosen = tables.inputs_of(table, label, settings.columns, settings.ignore)
    labels, classes = None, []
    if label:
        texts = tables.labels_of(table, label)
        classes = sorted(set(texts))
        places = {name: place for place, name in enumerate(classes)}
        labels = np.array([places[text] for text in texts], np.int32)
        table = table.drop_columns([label])
    return Content(path, {"train": whole(table, labels)}, classes, _digest(path), tuple(chosen))


def agree(data: Content, other: Content) -> Content:
    """The other table with the columns of --data, in its order.

    Args:
        data: Of --data.
        other: Of another file.

    Raises:
        InputError: It lacks one.
    """
    part, known = other.parts["train"], data.parts["train"].raw.column_names
    there = part.raw.column_names
    for name in known:
        lacks = f"{other.path} has no column {shown(name)}, which {data.path} has"
        require(name in there, f"{lacks}; {near(name, there)}")
    table = part.raw.select(known)
    return other._replace(parts={"train": part._replace(inputs=table, raw=table)})


def encode(
    content: Content, parts: dict[str, Part], rows: Any, say: Any
) -> tuple[dict[str, Part], dict]:
    """The parts with inputs as a network takes them, and the preprocessing that made them.

    Args:
        content: Of --data.
        parts: By name, "train" being all rows that others may be drawn from.
        rows: Those of them that the preprocessing is fitted on.
        say: As in `Reader`.

    Raises:
        InputError: A column cannot become inputs, or a value of another file is no number where
            those of the training rows are; rows are counted from 1.
    """
    chosen = list(content.columns)
    columns = {name: part.raw.select(chosen).to_pydict() for name, part in parts.items()}
    fitted = _fit(content.path, parts["train"].raw.select(chosen), columns["train"], rows)
    found = {}
    raw = _typed({name: part.raw for name, part in parts.items()})
    for name, part in parts.items():
        try:
            inputs = preprocessing.apply(fitted, columns[name])
        except ValueError as error:
            raise InputError(f"--{part.source}: {error}") from None
        found[name] = part._replace(inputs=inputs, raw=raw[name])
    _tell(say, content, parts["train"].raw, found["train"].inputs.shape[1])
    return found, {"kind": "table", **fitted}


def _fit(path, table, columns, rows):
    """preprocessing.fit of some rows; what is wrong is said with the numbers of the file's rows."""
    try:
        if len(rows) == len(table):
            return preprocessing.fit(columns)
        try:
            return preprocessing.fit(table.take(rows).to_pydict())
        except ValueError:
            preprocessing.fit(columns)
            raise
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def _typed(raw):
    """Tables in which columns of texts that are all numbers in every one of them are numbers."""
    for name in raw["train"].column_names:
        for kind in (pa.int64(), pa.float64()):
            try:
                cast = {part: _cast(table, name, kind) for part, table in raw.items()}
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                continue
            raw = cast
            break
    return raw


def _cast(table, name, kind):
    """A table with a column of texts as numbers; others stay."""
    column = table[name]
    if not pa.types.is_string(column.type):
        return table
    return table.set_column(table.column_names.index(name), name, column.cast(kind))


def _tell(say, content, table, width):
    chosen = content.columns
    say(f"{len(chosen)} columns become {width} inputs: {some(list(map(_quoted, chosen)))}")
    left = [name for name in table.column_names if name not in chosen]
    if left:
        names = some(list(map(_quoted, left)))
        say(f"columns that the teacher gets and the student does not: {names}")
    missing = {name: table[name].null_count for name in chosen if table[name].null_count}
    if missing:
        listed = some([f"{_quoted(name)} in {count:,} rows" for name, count in missing.items()])
        say(f"values are missing in {listed}: filled, and marked where training rows miss them")


def _quoted(name):
    """A column's name, in quotes where it would read as several."""
    return f'"{name}"' if "," in name else name


def _digest(path):
    return hashlib.sha256(pathlib.Path(path).expanduser().read_bytes()).hexdigest()


READER = Reader("table", ("label", "columns", "ignore"), read, agree, encode)
