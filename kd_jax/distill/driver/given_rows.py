"""The rows of one's own problem: checked, and parted where validation or test are not given."""

from typing import Any, NamedTuple

import numpy as np

from kd_jax.data import Split, subsets
from kd_jax.data.disk_rows import DiskRows
from kd_jax.errors import InputError, brief, require

HELD_OUT = {"validation": 0.1, "test": 0.2}  # of the training rows, where nothing else is given


class Part(NamedTuple):
    """Some of the rows that were given.

    split: inputs and labels, None where nobody knows them. given: as what they were given, "train",
    "validation" or "test"; rows: their numbers in it.
    """

    split: Split
    given: str
    rows: np.ndarray


class Rows(NamedTuple):
    """Training, validation and test of a problem.

    parts: {"train", "validation" and "test": Part}. sizes: {what was given: how many rows}.
    labeled: whether labels are known. classes: how many the labels speak of; 0 without labels.
    """

    parts: dict[str, Part]
    sizes: dict[str, int]
    labeled: bool
    classes: int

    def splits(self) -> dict[str, Split]:
        """{part: Split}."""
        return {name: part.split for name, part in self.parts.items()}


def parted(train: Split, validation: Split | None, test: Split | None, seed: int) -> Rows:
    """Rows whose validation and test, where they are not given, are taken from the training rows.

    Of every class a tenth is validation and a fifth test, drawn at random.

    Args:
        train: (inputs [N, …], labels [N]); labels may be None.
        validation: Likewise, or None.
        test: Likewise, or None.
        seed: Of the draw.

    Raises:
        InputError: Inputs or labels that do not fit each other, or are not finite; labels that
            training lacks; too few rows.
    """
    splits = {"train": checked("train", train)}
    given = {"validation": validation, "test": test}
    splits |= {name: checked(name, x) for name, x in given.items() if x is not None}
    labeled = splits["train"].labels is not None
    for name, split in splits.items():
        _check_alike(name, split, splits["train"])
    shares = {name: 0.0 if name in splits else share for name, share in HELD_OUT.items()}
    fractions = (1 - sum(shares.values()), *shares.values())
    first = splits["train"]
    count = len(first.inputs)
    strata = first.labels if labeled else np.zeros(count, np.int32)
    drawn = subsets.stratified(strata, fractions, seed)
    parts = {}
    for name, rows in zip(("train", "validation", "test"), drawn):
        if name == "train" or name not in splits:
            parts[name] = Part(_take(first, rows), "train", rows)
        else:
            parts[name] = Part(splits[name], name, np.arange(len(splits[name].inputs)))
        empty = f"{name} has no rows: {count} training rows are too few to take it from; give it"
        require(len(parts[name].rows), empty)
    sizes = {name: len(split.inputs) for name, split in splits.items()}
    return Rows(parts, sizes, labeled, int(first.labels.max()) + 1 if labeled else 0)


def _take(split, rows):
    on_disk = isinstance(split.inputs, DiskRows)
    inputs = split.inputs.take(rows) if on_disk else split.inputs[rows]
    return Split(inputs, None if split.labels is None else split.labels[rows])


def checked(name: str, split: Any) -> Split:
    """A Split of arrays; InputError unless they fit each other.

    Args:
        name: What it is, for messages.
        split: (inputs [N, …], labels [N] or None).
    """
    pair = isinstance(split, tuple) and len(split) == 2
    require(pair, f"{name} is {type(split).__name__}: expected kd.Split(inputs, labels)")
    inputs, labels = _array(name, "inputs", split[0]), split[1]
    require(
        inputs.dtype.kind in "fiub" and inputs.ndim > 1 and len(inputs),
        f"{name} has inputs {inputs.dtype} {list(inputs.shape)}: expected numbers [N, …], one row "
        "or more",
    )
    if inputs.dtype != np.uint8 and isinstance(inputs, np.ndarray):  # images stay small
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes inf, and is named
            inputs = inputs.astype(np.float32)
        wrong = np.flatnonzero(~np.isfinite(inputs.reshape(len(inputs), -1)).all(1))
        first = wrong[0] if len(wrong) else 0
        require(
            not len(wrong),
            f"{name} has inputs that are not finite in {len(wrong)} of {len(inputs)} "
            f"rows, the first is row {first}: expected numbers; fill or leave out such rows",
        )
    return Split(inputs, None if labels is None else _labels(name, labels, len(inputs)))


def _array(name, what, given):
    try:
        return given if isinstance(given, DiskRows) else np.asarray(given)
    except Exception as error:  # of rows of several lengths, or arrays of other frameworks
        message = f"{name} has {what} that are no array: {brief(error)}"
        raise InputError(message) from error


def _labels(name, labels, rows):
    labels = _array(name, "labels", labels)
    require(
        labels.shape == (rows,) and labels.dtype.kind in "iub",
        f"{name} has labels {labels.dtype} {list(labels.shape)} for {rows} inputs: expected whole "
        f"numbers [{rows}], the number of each row's class, as np.unique(labels, "
        "return_inverse=True)[1] makes of names",
    )
    require(labels.min() >= 0, f"{name} has the label {labels.min()}: expected 0, 1, 2, …")
    return labels.astype(np.int32)


def _check_alike(name, split, train):
    """InputError unless a split fits the training rows."""
    ours, theirs = split.inputs.shape[1:], train.inputs.shape[1:]
    require(ours == theirs, f"{name} has inputs {list(ours)}, train {list(theirs)}: expected alike")
    same = split.inputs.dtype == train.inputs.dtype
    require(
        same, f"{name} has {split.inputs.dtype} inputs, train {train.inputs.dtype}: make them alike"
    )
    both = (split.labels is None) == (train.labels is None)
    require(both, f"{name} and train: one has labels, the other has none; give both or neither")
    if train.labels is None:
        return
    new = np.setdiff1d(split.labels, train.labels)
    require(not len(new), f"{name} has labels that train lacks: {new[:5].tolist()}")
    several = len(np.unique(train.labels)) > 1
    require(several, f"train has one class, {train.labels[0]}: expected two or more")
