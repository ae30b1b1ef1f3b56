"""Texts of one's own: lines of a .txt file, or a column of a table, perhaps with labels beside it.

    parts = kd.read_texts("questions.csv", text="question", label="intent")
    parts.train.texts, parts.train.labels, parts.classes

Parts that no file holds are drawn from the first, of each class alike, equal texts into one part.
"""

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from kd_jax import paths
from kd_jax.arguments import number, several, typed
from kd_jax.data import equal_texts, subsets, text_files
from kd_jax.data.preprocessing import near, shown
from kd_jax.errors import counted, require

PARTS = "train", "dev", "test"
SPLIT = 0.8, 0.1, 0.1  # of one file


class Texts(NamedTuple):
    """Texts, and perhaps their labels.

    Attributes:
        texts: N texts.
        labels: Positions in the names of the classes, or None where nobody knows.
    """

    texts: list[str]
    labels: Int[np.ndarray, " N"] | None = None

    def take(self, rows: Any) -> "Texts":
        """The Texts of some rows.

        Args:
            rows: Their numbers.
        """
        labels = None if self.labels is None else self.labels[rows]
        return Texts([self.texts[row] for row in rows], labels)


class Parts(NamedTuple):
    """Texts in three parts.

    Attributes:
        train: That are learned from.
        dev: That a choice is made on.
        test: That are read once.
        classes: The names of the classes, sorted; [] without labels.
        notes: What a person would want to know, a line each.
    """

    train: Texts
    dev: Texts
    test: Texts
    classes: list[str]
    notes: list[str]

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{name} {len(getattr(self, name).texts):,}" for name in self._fields[:3]
        )
        return "\n".join([f"texts: {counts}; {len(self.classes)} classes", *self.notes])


def read_texts(
    path: str | os.PathLike,
    *,
    text: str = "",
    label: str = "",
    dev: str | os.PathLike = "",
    test: str | os.PathLike = "",
    split: Sequence[float] = SPLIT,
    seed: int = 0,
) -> Parts:
    """Read one's own texts.

    Args:
        path: Of a file .txt with a text on each line, or of a table .csv, .tsv, .parquet or .jsonl.
            Blank lines and empty texts are left out, and counted in the notes.
        text: The column of the texts; "" where a table has one column beside the label.
        label: The column of the labels; "" where nobody knows them.
        dev: A file of the same kind; by default a part of the first.
        test: Likewise.
        split: The parts of the first file; training has that of a part with its own file too.
        seed: Of the draw of the parts.

    Raises:
        InputError: A file is missing, damaged or of another kind, a column is not there, or a part
            would be without texts.
    """
    given = {"texts": paths.text(path), "dev": paths.text(dev), "test": paths.text(test)}
    text, label = (
        typed(f"{what}_column", x, str) for what, x in (("text", text), ("label", label))
    )
    split = [number("split", share) for share in several(split)]
    files = {flag: text_files.read(flag, name, text, label) for flag, name in given.items() if name}
    first, notes = files.pop("texts"), []
    for flag, file in {"texts": first, **files}.items():
        if file.empty:
            what = "line" if given[flag].lower().endswith((".txt", ".jsonl")) else "row"
            rows = counted(file.empty, what) + (" has" if file.empty == 1 else " have")
            notes.append(f"{rows} no text in {given[flag]}: left out")
    classes = sorted(set(first.labels or []))
    found = {flag: _numbered(file, classes, given[flag]) for flag, file in files.items()}
    names = {flag: f"--{flag}={given[flag]}" for flag in files}
    whole = _numbered(first, classes, given["texts"])
    parts = parted(whole, **found, split=split, seed=seed, names=names)
    return parts._replace(classes=classes, notes=[*parts.notes, *notes])


def parted(
    train: Texts,
    dev: Texts | None = None,
    test: Texts | None = None,
    *,
    split: Sequence[float] = SPLIT,
    seed: int = 0,
    names: Mapping[str, str] = MappingProxyType({}),
) -> Parts:
    """Texts in three parts; those that are not given are drawn from the first.

    Args:
        train: With labels 0, 1, … or without, as the others have.
        dev: Texts that a choice is made on, or None.
        test: Texts that are read once, or None.
        split: As for `read_texts`.
        seed: As for `read_texts`.
        names: What "dev" and "test" are called in messages.

    Raises:
        InputError: A part would be without texts, some have labels and others none, a label is
            none of the first, or all texts of dev or of test are learned from.
    """
    given = {name: x for name, x in (("dev", dev), ("test", test)) if x is not None}
    own = [name for name in PARTS if name not in given]
    first = equal_texts.first_equal(train.texts)
    found = given | _drawn(train, own, split, seed, first)
    count = 0 if train.labels is None else int(train.labels.max()) + 1
    for name, part in found.items():
        labels, known = part.labels, train.labels
        both = (labels is None) == (known is None)
        require(both, f"{name} has labels or the first texts, not both: expected both or neither")
        require(part.texts, f"{name} holds no text: expected some")
        right = labels is None or known is None or np.isin(labels, known).all()
        require(right, f"{name} has a label that none of the first texts has")
    sizes = ", ".join(f"{name} {len(found[name].texts):,}" for name in PARTS)
    note = f"texts: {sizes}" + f"; {count} classes" * (count > 0)
    classes = list(map(str, range(count)))
    notes = [note, *equal_texts.drawn_together(first, own[1:])]
    learned = set(found["train"].texts)
    for name, part in given.items():
        called = names.get(name, name)
        notes += equal_texts.learned_too(called, part.texts, learned)
        notes += equal_texts.repeated(called, part.texts)
    return Parts(found["train"], found["dev"], found["test"], classes, notes)


def _numbered(file, classes, name):
    """The Texts of a file, with labels as positions in the classes."""
    if file.labels is None:
        return Texts(file.texts)
    places = {label: place for place, label in enumerate(classes)}
    for row, label in enumerate(file.labels, 1):
        require(
            label in places,
            f"{name}: the label {shown(label)} of text {row} is no class of --texts; "
            f"{near(label, classes, 'classes')}",
        )
    return Texts(file.texts, np.array([places[label] for label in file.labels], np.int32))


def _drawn(whole, names, split, seed, first):
    """{part: its Texts} of those parts that no other file holds; first: see `first_equal`."""
    labels = np.zeros(len(whole.texts), np.int32) if whole.labels is None else whole.labels
    subsets.stratified(labels[:1], split)  # checks all three before any is left out
    shares = {name: share for name, share in zip(PARTS, split)}
    shares["train"] += sum(shares[name] for name in PARTS if name not in names)
    shared = [shares[x] if x in names else 0.0 for x in PARTS]
    rows = dict(zip(PARTS, subsets.stratified(labels, shared, seed, np.unique(first))))
    rows["train"] = np.flatnonzero(np.isin(first, rows["train"]))  # with their equals
    found = {name: whole.take(rows[name]) for name in names}
    classes = len(set(labels.tolist()))
    said, more = equal_texts.different(first), "give more"
    if classes > 1:
        said, more = f"{said} of {classes:,} classes", "parts are of each class; give more of each"
    for name, part in found.items():
        require(
            part.texts,
            f"of {said} none is left for {name}: {more}, another --split"
            + (f" or --{name}=FILE" if name != "train" else ""),
        )
    return found
