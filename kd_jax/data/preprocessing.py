"""Columns of a table as inputs of a network: numbers standardized, texts one-hot; and csv files.

A copy of this file goes with an exported student, where only NumPy is installed: it imports
nothing else, and every fault is a ValueError of one line. Rows are counted from 1.
"""

import codecs
import csv
import datetime
import difflib
import io
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MISSING = frozenset(["", "?", "NA", "N/A", "NaN", "null", "None"])  # texts that say: no value
MOST_TEXTS = 64  # different ones in a column; each takes a place among the inputs
TRUTH = {"true": 1.0, "false": 0.0}  # booleans are the same from every kind of file
UTC = datetime.timezone.utc  # noqa: UP017  (an older Python may run the copy)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
DAY = datetime.timedelta(days=1)


def fit(columns: Mapping[str, Sequence]) -> dict[str, Any]:
    """What `apply` needs to know of the training rows.

    A column whose values are all numbers or booleans is standardized by its mean and standard
    deviation; what is missing there becomes the mean, and if a training row misses it, one more
    input says so. Dates and times as ISO 8601 writes them are such numbers, of days. Any other
    column is one-hot, with a last place for missing and unseen texts.

    Args:
        columns: {name: values}, each a str, int, float, bool, or None where it is missing.

    Returns:
        Settings of every column, in the order of `columns`; json can write and read them.

    Raises:
        ValueError: there is no row or no column, or a column cannot become inputs: it has no
            value, an infinite one, or too many different texts.
    """
    _check_rows(columns)
    return {"columns": [_fit_column(name, list(values)) for name, values in columns.items()]}


def apply(settings: Mapping[str, Any], columns: Mapping[str, Sequence]) -> np.ndarray:
    """The inputs of a network.

    Args:
        settings: of `fit`.
        columns: {name: values} as for `fit`, in any order; others are ignored.

    Returns:
        Inputs [N, D], float32.

    Raises:
        ValueError: a column is absent, or a value of a column of numbers is none.
    """
    names = [column["name"] for column in settings["columns"]]
    for name in names:
        _require(name in columns, f"there is no column {shown(name)}: {near(name, list(columns))}")
    _check_rows({name: columns[name] for name in names})
    parts = []
    for column in settings["columns"]:
        encode = _standardized if "mean" in column else _one_hot
        parts.append(encode(column, list(columns[column["name"]])))
    return np.concatenate(parts, axis=1)


def read_csv(path: str | os.PathLike, *, skip_nameless: bool = False) -> dict[str, list]:
    """The columns of a csv file; of a tsv file, if the name ends so.

    Args:
        path: of a file in UTF-8 whose first line names the columns.
        skip_nameless: leave out columns without a name, as the numbers of rows that pandas writes.

    Returns:
        {name: values}: texts without the whitespace around them, None for those of MISSING.

    Raises:
        ValueError: the file cannot be read, is no UTF-8, is separated by another character, has
            no rows, or a row has more or fewer fields than the header.
    """
    path = pathlib.Path(path)
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    content = read_text(path)
    text = io.StringIO(content, newline="")  # "": line ends within quotes are kept
    csv.field_size_limit(max(csv.field_size_limit(), len(content)))  # a long text is no fault
    reader = csv.reader(text, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        header, *rows = [row for row in reader if row]  # a blank line has no fields
    except csv.Error as error:
        where = f"{path} line {reader.line_num}: {error}"
        raise ValueError(f"{where}; is a quote not closed, or text behind one?") from None
    header = [name.strip() for name in header]
    _check_separator(path, header, separator)
    kept = [number for number, name in enumerate(header) if name or not skip_nameless]
    check_names(path, [header[number] for number in kept])
    _require(rows, f"{path} has a header alone: expected rows below it")
    for number, row in enumerate(rows, 1):
        where = f"{path} row {number} below the header has {len(row)} fields"
        _require(len(row) == len(header), f"{where}, expected {len(header)} as in the header")
    fields = list(zip(*rows))
    return {header[number]: _values(fields[number]) for number in kept}


def read_text(path: pathlib.Path) -> str:
    """The text of a file in UTF-8; ValueError if it is empty, encoded otherwise or unreadable."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): check the path") from None
    advice = "expected UTF-8; save it as UTF-8"
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    _require(not marked, f"{path} is encoded in UTF-16: {advice}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{error.object[error.start]:02x} in line {line}"
        raise ValueError(f"{path} is encoded in Latin-1 or such ({byte}): {advice}") from None
    _require("\0" not in text, f"{path} holds bytes of 0, as UTF-16 or no text does: {advice}")
    _require(text.strip(), f"{path} is empty: expected columns with names, and rows")
    return text


def check_names(path: str | os.PathLike, names: Sequence[str]) -> None:
    """ValueError if a column of a file has no name, or two have the same."""
    csv_file = pathlib.Path(path).suffix.lower() in (".csv", ".tsv")
    index = " (pandas: to_csv(…, index=False))" if csv_file else ""
    for number, name in enumerate(names, 1):
        _require(name, f"{path}: column {number} has no name; name it or leave it out{index}")
        first = names.index(name) == number - 1
        _require(first, f"{path}: two columns are named {shown(name)}; rename one")


def shown(value: Any, most: int = 60) -> str:
    """A value as a message quotes it: in one line, and not all of a long one."""
    text = repr(value)
    return text if len(text) <= most else text[:most] + "…"


def near(name: str, known: Sequence[str], what: str = "columns") -> str:
    """The end of a message about a column that does not exist: which one may be meant."""
    found = difflib.get_close_matches(name, known, 1)
    return f"did you mean {shown(found[0])}?" if found else f"the {what} are {shown(known, 200)}"


def _require(condition, message):
    if not condition:
        raise ValueError(message)


def _check_separator(path, header, separator):
    found = [x for x in ",;\t|" if x != separator and x in header[0] and len(header) == 1]
    where = f"{path}: the header {shown(header[0])} seems to be separated by {found}"
    advice = "save it as .csv with commas or as .tsv with tabs"
    _require(not found, f"{where}, expected {separator!r}; {advice}")


def _values(fields):
    return [None if text in MISSING else text for text in map(str.strip, fields)]


def _check_rows(columns):
    _require(columns, "there are no columns: expected at least one")
    first, count = next((name, len(values)) for name, values in columns.items())
    _require(count, "the columns have no rows: expected at least one")
    for name, values in columns.items():
        where = f"column {shown(name)} has {len(values)} rows"
        _require(len(values) == count, f"{where}, expected {count} as {shown(first)} has")


def _number(value):
    """A value as a float, which may be infinite or NaN; None if it is missing or no number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return TRUTH.get(str(value).lower())
    except OverflowError:  # an integer of hundreds of digits
        return math.inf
    return None if isinstance(value, str) and "_" in value else number  # 1_000 is Python's alone


def _days(value):
    """Days from 1970 to a date or time, in UTC unless it names a zone; None if it is neither."""
    try:
        moment = datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) / DAY


def _array(name, values, numbers, what="finite number"):
    """Numbers as float64, NaN where missing; ValueError if any is not finite."""
    array = np.array(numbers, np.float64)
    bad = ~np.isfinite(array) & [value is not None for value in values]
    row = int(np.argmax(bad))  # the first bad one, or 0
    where = f"column {shown(name)}, row {row + 1} is {shown(values[row])}"
    _require(not bad[row], f"{where}: expected a {what}, or nothing where it is missing")
    return array


def _fit_column(name, values):
    missing = values.count(None)
    where, advice = f"column {shown(name)} has", "leave it out with --ignore"
    _require(missing < len(values), f"{where} no value in any row: {advice}")
    numbers, dates = list(map(_number, values)), False
    if numbers.count(None) > missing:
        dates = all(value is None or _days(value) is not None for value in values)
        if not dates:
            return _fit_texts(name, values, numbers)
        numbers = list(map(_days, values))
    array = _array(name, values, numbers)
    known = array[~np.isnan(array)]
    mean, deviation = known[0], 1.0
    if known.min() < known.max():  # of equal values the rounded mean may be another
        with np.errstate(over="ignore", invalid="ignore"):
            mean, deviation = known.mean(), known.std()
    _require(
        math.isfinite(mean) and 0 < deviation < math.inf,
        f"{where} numbers from {known.min():g} to {known.max():g}, too far apart or too near for "
        f"their standard deviation in float64: scale them, or {advice}",
    )
    flags = {"flag": missing > 0} | ({"dates": True} if dates else {})
    return {"name": name, "mean": float(mean), "deviation": float(deviation), **flags}


def _fit_texts(name, values, numbers):
    """Settings of a column that is no column of numbers: some of its values are none, None here."""
    texts = sorted({str(value) for value in set(values) - {None}})
    if len(texts) <= MOST_TEXTS:
        return {"name": name, "texts": texts}
    row = next(n for n, value in enumerate(values) if value is not None and numbers[n] is None)
    finite = sum(number is not None and math.isfinite(number) for number in numbers)
    raise ValueError(
        f"column {shown(name)} has {len(texts)} different texts, expected at most {MOST_TEXTS}, "
        f"dates or numbers ({finite} of {len(values)} are; "
        f"{shown(values[row])} in row {row + 1} is none): leave it out with --ignore"
    )


def _standardized(column, values):
    """[N, 1], or [N, 2] with a flag of missing values."""
    read = (_days, "date such as 2020-12-31") if column.get("dates") else (_number,)
    array = _array(column["name"], values, list(map(read[0], values)), *read[1:])
    missing = np.isnan(array)
    array[missing] = column["mean"]
    with np.errstate(over="ignore"):
        inputs = ((array - column["mean"]) / column["deviation"]).astype(np.float32)
    row = int(np.argmax(~np.isfinite(inputs)))  # the first that is not, or 0
    where = f"column {shown(column['name'])}, row {row + 1} is {shown(values[row])}"
    _require(math.isfinite(inputs[row]), f"{where}: expected a number nearer to those of training")
    return np.stack([inputs, missing] if column["flag"] else [inputs], axis=1).astype(np.float32)


def _one_hot(column, values):
    """[N, texts + 1]: the last place is that of missing and unseen texts."""
    texts = column["texts"]
    places = {text: place for place, text in enumerate(texts)}
    known = {value: places.get(str(value), len(texts)) for value in set(values)}
    known[None] = len(texts)
    chosen = list(map(known.__getitem__, values))
    return np.eye(len(texts) + 1, dtype=np.float32)[chosen]
