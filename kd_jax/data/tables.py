"""Tables of one's own: csv, tsv, parquet and jsonl files, and which of their columns is the label.

    table = tables.read("people.csv")
    inputs, labels, names = tables.labelled(table, "income", ignore=["id"])
    settings = preprocessing.fit(inputs.to_pydict())

Values are those of the file: csv fields are texts, and no text becomes a date or a number here.
"""

import contextlib
import itertools
import json
import os
from collections.abc import Sequence

from kd_jax import paths
from kd_jax.data import preprocessing
from kd_jax.data.preprocessing import near, shown
from kd_jax.errors import DAMAGED, InputError, brief, extra, once, require, unreadable

with extra("data"):
    import pyarrow as pa
    import pyarrow.parquet as pq

MOST_CLASSES = 1000
MOST_LEVELS = 20  # different numbers with fractions that may still be classes, such as ratings


def read(
    path: str | os.PathLike, *, skip_nested: bool = False, needed: Sequence[str] = ()
) -> pa.Table:
    """The table of a file.

    Args:
        path: of a file .csv, .tsv, .parquet or .jsonl (an object in every line).
        skip_nested: leave out columns with nested values.
        needed: columns that are not left out.

    Returns:
        Its columns, null where a value is missing: where the file has none, or NaN, or a text of
        preprocessing.MISSING. A column of texts and others is one of texts.

    Raises:
        InputError: the file is absent, of another kind, damaged or has no rows; a column has no
            name, that of another, or nested values.
    """
    path = paths.given(path)
    csv = preprocessing.read_csv
    readers = {".csv": csv, ".tsv": csv, ".parquet": _parquet, ".jsonl": _jsonl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        kinds = ", ".join(readers)
        raise InputError(f"{path} ends in '{path.suffix}': expected a table, one of {kinds}")
    require(path.exists(), f"there is no file {path}: check the path")
    require(path.is_file(), f"{path} is no file: expected a table, one of {', '.join(readers)}")
    require(path.stat().st_size, f"{path} is empty: expected columns with names, and rows")
    try:
        columns = reader(path)
        if skip_nested:
            columns = {n: x for n, x in columns.items() if n in needed or not _others(x)}
        table = pa.table({name: _array(path, name, values) for name, values in columns.items()})
    except InputError:
        raise
    except UnicodeEncodeError as error:
        raise InputError(f"{path} holds a text that is no Unicode ({brief(error)})") from None
    except ValueError as error:  # of preprocessing, which knows no InputError
        raise InputError(str(error)) from None
    require(table.num_rows, f"{path} has no rows: expected some, with columns that have names")
    return table


def labelled(
    table: pa.Table, label: str, columns: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[pa.Table, list[str], list[str]]:
    """A table as inputs and labels.

    Args:
        table: of `read`.
        label: the column to predict.
        columns: the columns of the inputs; () takes all but the label.
        ignore: columns that the inputs leave out.

    Returns:
        The columns of the inputs in the table's order; the label of every row, as text; the names
        of the classes, sorted as texts.

    Raises:
        InputError: a column does not exist or is chosen twice over, no input is left, the label is
            missing in some rows, or it does not look like a few classes.
    """
    kept = inputs_of(table, label, columns, ignore)
    labels = labels_of(table, label)
    check_classes(label, labels)
    return table.select(kept), labels, sorted(set(labels))


def inputs_of(
    table: pa.Table, label: str = "", columns: Sequence[str] = (), ignore: Sequence[str] = ()
) -> list[str]:
    """The names of the columns that are inputs, in the table's order.

    Args:
        table: of `read`.
        label: the column to predict; "" for none.
        columns: as for `labelled`.
        ignore: as for `labelled`.

    Raises:
        InputError: a column does not exist or is chosen twice over, or no input is left.
    """
    known = table.column_names
    require(not (columns and ignore), "--columns and --ignore are both given: expected one of them")
    asked = [label] if label else []
    for flag, names in (("label", asked), ("columns", columns), ("ignore", ignore)):
        for name in names:
            require(name in known, f"--{flag}={name}: no such column; {near(name, known)}")
            which = f"--{flag} names {shown(name)}, which is --label: leave it out there"
            require(flag == "label" or name != label, which)
    kept = [x for x in known if x != label and (x in columns if columns else x not in ignore)]
    beside = f" beside {label}" if label else ""
    require(kept, f"no column is left as input{beside}: expected at least one")
    return kept


def labels_of(table: pa.Table, label: str, flag: str = "--label") -> list[str]:
    """The label of every row, as text.

    Args:
        table: of `read`.
        label: the name of a column.
        flag: that names it.

    Raises:
        InputError: it is missing in some rows.
    """
    values = table[label].to_pylist()
    missing = [row for row, value in enumerate(values, 1) if value is None]
    if missing:
        raise InputError(
            f"{flag}={label} is missing in {len(missing)} of {len(values)} rows, the first is row "
            f"{missing[0]}: write a label there, or take these rows out of the file"
        )
    return list(map(str, values))


def check_classes(name: str, labels: Sequence[str], flag: str = "--label") -> None:
    """InputError unless the labels look like classes.

    Args:
        name: of their column.
        labels: of every row.
        flag: that names the column.
    """
    require(len(labels) > 1, "the table has one row: expected several of every class")
    classes = sorted(set(labels))
    require(len(classes) > 1, f"{flag}={name} is {classes[0]!r} in every row: expected 2 or more")
    require(
        not _is_measured(classes, len(labels)),
        f"{flag}={name} has {len(classes)} different numbers such as {classes[0]} and "
        f"{classes[1]}, which looks like a measurement: expected classes; name another column",
    )
    require(
        len(classes) <= MOST_CLASSES,
        f"{flag}={name} has {len(classes)} different values such as {shown(classes[0])}: expected "
        f"at most {MOST_CLASSES:,} classes; name another column",
    )


def _is_measured(classes, rows):
    """Whether these are numbers, some with fractions, and more than a few classes would be."""
    try:
        whole = all(float(x).is_integer() for x in classes)
    except ValueError:
        return False
    return not whole and len(classes) > min(MOST_LEVELS, rows / 2)


def _jsonl(path):
    rows = []
    for number, line in enumerate(preprocessing.read_text(path).split("\n"), 1):
        if line.strip():
            rows.append(_row(line, f"{path} line {number}"))
    names = list(dict.fromkeys(itertools.chain.from_iterable(rows)))
    preprocessing.check_names(path, names)
    return {name: [row.get(name) for row in rows] for name in names}


def _row(line, where):
    """The object in a line of a jsonl file."""
    expected = 'expected an object such as {"age": 39, "income": "high"}'
    try:
        row = json.loads(line, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is no JSON ({brief(error)}): {expected}") from None
    require(isinstance(row, dict), f"{where} is {shown(row)}: {expected}")
    return row


def _parquet(path):
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            columns = [_plain(column).to_pylist() for column in file.read().columns]
    except (*DAMAGED, pa.ArrowException) as error:
        raise unreadable(str(path), error, "write it again") from None
    preprocessing.check_names(path, names)
    return dict(zip(names, columns))


def _plain(column):
    """Categories as their values; dates, times and decimals as texts."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    as_text = pa.types.is_temporal(kind) or pa.types.is_decimal(kind)
    return column.cast(pa.string()) if as_text else column


def _array(path, name, values):
    """Python values as Arrow's: all booleans, all numbers or all texts, null where missing."""
    values = [None if _is_missing(value) else value for value in values]
    kinds, other = {type(value) for value in values} - {type(None)}, _others(values)
    require(
        not other,
        f"{path}: column {shown(name)} holds values of type {', '.join(other)}: expected numbers, "
        "booleans or texts; write each part to a column of its own, or leave it out of the file",
    )
    if kinds <= {bool} or kinds <= {int, float} or kinds <= {str}:
        with contextlib.suppress(OverflowError, pa.ArrowInvalid):  # integers of more than 64 bits
            return pa.array(values)
    texts = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
    return pa.array(texts, pa.string())


def _others(values):
    """The names of the types that neither numbers, booleans nor texts are of."""
    kinds = {type(value) for value in values} - {type(None), bool, int, float, str}
    return sorted(kind.__name__ for kind in kinds)


def _is_missing(value):
    return value != value or (isinstance(value, str) and value in preprocessing.MISSING)
