"""Files of texts: one on each line of a .txt, or in a column of a table, perhaps beside a label."""

from typing import NamedTuple

from kd_jax import paths
from kd_jax.data import preprocessing
from kd_jax.data.preprocessing import near, shown
from kd_jax.errors import InputError, require

KINDS = ".txt", ".csv", ".tsv", ".parquet", ".jsonl"


class File(NamedTuple):
    """The texts of a file, the label of each, and how many rows had none."""

    texts: list[str]
    labels: list[str] | None
    empty: int


def lines(flag: str, name: str) -> list[str]:
    """The lines of a text file without whitespace around them, blank ones left out.

    Args:
        flag: That names it.
        name: Its path.

    Raises:
        InputError: It is no file, or is not in UTF-8.
    """
    path = paths.given(name)
    require(path.is_file(), f"--{flag}={name} is no file: expected one text on a line")
    return _kept(name, _lines(path), None).texts


def read(flag: str, name: str, text: str, label: str) -> File:
    """The texts of a file of any kind.

    Args:
        flag: That names it.
        name: Its path.
        text: The column of the texts; "" where a table has one column beside the label.
        label: The column of the labels; "" without.

    Raises:
        InputError: It is missing, damaged or of another kind, or a column is not there.
    """
    path = paths.given(name)
    end = path.suffix.lower()
    kinds = f"expected a file that ends in {', '.join(KINDS)}"
    require(path.exists(), f"--{flag}={name} does not exist: check the path")
    require(end in KINDS, f"--{flag}={name} is of no known kind: {kinds}")
    require(path.is_file(), f"--{flag}={name} is no file: {kinds}")
    if end == ".txt":
        _check_no_columns(flag, name, text, label)
        return _kept(name, _lines(path), None)
    from kd_jax.data import tables  # here, as lines of text need no pyarrow

    table = tables.read(path, skip_nested=True, needed=[text, label])
    known = table.column_names
    for which, column in (("text", text), ("label", label)):
        absent = f"--{which}_column={column}: {name} has no such column"
        require(not column or column in known, f"{absent}; {near(column, known)}")
    require(not text or text != label, f"--text_column and --label_column are both {shown(text)}")
    text = text or _only(name, [x for x in known if x != label])
    labels, values = None, table[text].to_pylist()
    require(
        all(isinstance(x, str) for x in values if x is not None),
        f"--text_column={text} of {name} holds numbers: expected texts; name another column",
    )
    if label:
        labels = tables.labels_of(table, label, "--label_column")
        if flag == "texts":
            tables.check_classes(label, labels, "--label_column")
    return _kept(name, values, labels)


def _check_no_columns(flag, name, text, label):
    """InputError where a column of a file of lines is asked for; a part needs none of texts."""
    if flag == "texts":
        given = f"--text_column={text}" if text else f"--label_column={label}"
        require(not text and not label, f"{given} and {name}, which has no columns: leave it out")
    require(
        not label, f"--{flag}={name} has no labels: expected a table with the columns of --texts"
    )


def _only(name, columns):
    """The one column that texts may be in."""
    require(
        len(columns) == 1,
        f"--text_column is not given with {name}: expected the column of the texts, one of "
        f"{shown(columns, 200)}",
    )
    return columns[0]


def _lines(path):
    """The lines of a file; characters within a line that some take for its end do not end it."""
    try:
        return preprocessing.read_text(path).split("\n")
    except ValueError as error:
        raise InputError(str(error).replace("columns with names, and rows", "texts")) from None


def _kept(name, values, labels):
    """The File of what is no blank text."""
    texts = [(x or "").strip() for x in values]
    rows = [row for row, x in enumerate(texts) if x]
    require(rows, f"{name} holds no text: expected some")
    empty = len(texts) - len(rows)
    if labels is None and texts[-1] == "" and name.lower().endswith(".txt"):
        empty -= 1  # behind the end of the last line
    kept = None if labels is None else [labels[row] for row in rows]
    return File([texts[row] for row in rows], kept, empty)
