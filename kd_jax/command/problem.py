"""What --data and its companions hold: training, validation and test rows of one problem."""

import os
import pathlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax import fingerprint
from kd_jax.command import array_files, image_sets, parts, table_files
from kd_jax.command.parts import NAMES, Content, Reader
from kd_jax.command.parts import Part as Part
from kd_jax.data import cifar100
from kd_jax.data.disk_rows import DiskRows
from kd_jax.data.preprocessing import shown
from kd_jax.errors import InputError, require
from kd_jax.export.network import Network
from kd_jax.models import Model

READERS = {  # by the end of a path
    ".npz": array_files.READER,
    **{end: table_files.READER for end in (".csv", ".tsv", ".parquet", ".jsonl")},
    ".zip": image_sets.READER,
}
OWN = {
    "label": "",
    "columns": (),
    "ignore": (),
    "image_size": 0,
    "skip_unreadable": False,
    "stream": False,
}


class Problem(NamedTuple):
    """One's own problem.

    Attributes:
        name: Of the file or folder, without its ending.
        kind: "table", "images" or "arrays".
        classes: Their names sorted as text, in the order of a teacher's columns; labels 0 … C − 1
            of arrays keep the order of the numbers. [] without labels.
        train: The rows that are learned from.
        validation: Those that settings are chosen on.
        test: Those that are read once.
        preprocessing: What turns new rows into inputs, as plain JSON values.
        mean: Of uint8 inputs, for each channel, over the training rows; else None.
        scale: The inverse standard deviations beside it: (inputs − mean) · scale is standardized.
        notes: What a person would want to know, a line each.
        unused: Rows of --data that are in no part.
        paths: {the source of a part: the path of its file}.
        digest: Of all rows, their parts and the names of the classes.
    """

    name: str
    kind: str
    classes: list[str]
    train: Part
    validation: Part
    test: Part
    preprocessing: dict
    mean: Float[np.ndarray, " C"] | None
    scale: Float[np.ndarray, " C"] | None
    notes: list[str]
    digest: str
    unused: int = 0
    paths: dict[str, str] = {}

    def network(self, model: Model, variables: Any, classes: list[str]) -> Network:
        """A network of these rows, which knows what new ones are made of.

        Args:
            model: Its functions.
            variables: Of it; None where they come later.
            classes: Their names.
        """
        inputs = self.train.inputs
        about = inputs.shape[1:], str(inputs.dtype), self.preprocessing
        return Network(model, variables, classes, *about)

    @property
    def parts(self) -> dict[str, Part]:
        """The three parts by name."""
        return {name: getattr(self, name) for name in NAMES}


def read(settings: Any) -> Problem:
    """Read one's own problem.

    Args:
        settings: With data, validation_data, test_data ("" where not given), split, label, columns,
            ignore, image_size, skip_unreadable, data_dir, manual_dir, base_seed, and workdir, where
            decoded images are kept.

    Raises:
        InputError: Anything of it is missing, damaged or does not fit; see the readers.
    """
    notes: list[str] = []
    reader = _reader("data", settings.data)
    _check_settings(reader, settings)
    content = reader.read(settings, settings.data, True, notes.append)
    found, others = dict(content.parts), [content]
    for name in NAMES[1:]:
        flag = f"{name}_data"
        path = getattr(settings, flag)
        if path:
            has = f"--{flag}={path} is given, and {settings.data} has a part {name}"
            require(name not in found, f"{has}: expected one of them")
            others.append(_other(reader, content, settings, flag, notes.append))
            _check_new(others, flag)
            found[name] = parts.relabelled(content, others[-1])._replace(source=flag)
    absent = [name for name in NAMES[1:] if name not in found]
    rows = parts.drawn(found["train"], absent, settings)
    found, preprocessing = reader.encode(content, found, rows["train"], notes.append)
    source = found["train"]
    found |= {name: parts.take(source, own) for name, own in rows.items()} if absent else {}
    found = {name: found[name] for name in NAMES}
    _check_train(content, found)
    mean, scale = _moments(found["train"].inputs)
    unused = _unused(found, absent, content)
    flags = {name: getattr(settings, name) for name in ("data", "validation_data", "test_data")}
    notes[:0] = _about(settings, found, absent, content.classes, unused)
    notes += [*parts.lacking(found, content.classes), *parts.repeated(found)]
    return Problem(
        _name(settings.data), reader.kind, content.classes, found["train"], found["validation"],
        found["test"], preprocessing, mean, scale, notes, _digest(others, found, preprocessing),
        unused, {source: path for source, path in flags.items() if path},
    )  # fmt: skip


def _reader(flag: str, path: str) -> Reader:
    """What reads a path, by its end."""
    require(path, f"--{flag} is not given: expected {_kinds()}")
    if path.startswith("tfds:"):
        return image_sets.PREPARED
    full = os.path.expanduser(path)
    if os.path.isdir(full):
        return image_sets.READER
    end = pathlib.Path(path).suffix.lower()
    require(os.path.exists(full), f"--{flag}={path} does not exist: check the path")
    require(end in READERS, f"--{flag}={path} is of no known kind: expected {_kinds()}")
    return READERS[end]


def _kinds():
    ends = ", ".join(end for end in READERS)
    return f"a file that ends in {ends}, a folder of images, or tfds:NAME"


def _check_settings(reader, settings):
    for name, default in OWN.items():
        value = getattr(settings, name)
        foreign = value != default and name not in reader.settings
        what = {"table": "a table", "images": "images", "arrays": "arrays"}[reader.kind]
        require(not foreign, f"--{name} is given with {settings.data}, {what}: leave it out")


def _other(reader, content, settings, flag, say) -> Content:
    """What another file than --data holds."""
    path = getattr(settings, flag)
    kind = _reader(flag, path).kind
    differ = f"--{flag}={path} is of the kind {kind} and --data of the kind {reader.kind}"
    require(kind == reader.kind, f"{differ}: expected the same")
    other = _reader(flag, path).read(settings, path, False, say)
    if list(other.parts) != ["train"]:
        held = ", ".join(other.parts)
        raise InputError(f"--{flag}={path} holds the parts {held}: expected rows of one part alone")
    return reader.agree(content, other)


def _check_new(contents, flag):
    """InputError where the last of what was read is one of the others."""
    *others, last = contents
    for other in others:
        require(
            last.digest != other.digest,
            f"--{flag}={last.path} holds the same rows as {other.path}: expected rows of its own",
        )


def _check_train(content, found):
    """InputError where a part has a label that no training row has, or there is one row."""
    train = found["train"]
    require(len(train.rows) > 1, f"{content.path} has one row to train on: expected several")
    if train.labels is None:
        return
    for name in NAMES[1:]:
        lost = np.setdiff1d(found[name].labels, train.labels)
        which = ", ".join(content.classes[label] for label in lost[:3])
        require(
            not len(lost),
            f"{content.path}: {name} has rows of the classes {which}, and train has none: expected "
            "rows to learn them from",
        )


def _moments(inputs):
    """Mean and inverse standard deviation of each channel of uint8 inputs."""
    if inputs.dtype != np.uint8:
        return None, None
    mean, deviation = cifar100.channel_moments(inputs if inputs.ndim == 4 else _gray(inputs))
    return mean, (1 / np.where(deviation > 0, deviation, 1)).astype(np.float32)


def _gray(inputs):
    """Inputs with an axis of one channel."""
    return inputs.of_one_channel() if isinstance(inputs, DiskRows) else inputs[..., None]


def _unused(found, absent, content):
    """How many rows of --data are in no part."""
    given = len(content.parts["train"].rows)
    return given - sum(len(found[name].rows) for name in ("train", *absent)) if absent else 0


def _about(settings, found, absent, classes, unused):
    """Lines about the parts, how many rows and where they come from, and about the classes."""
    sizes = ", ".join(f"{name} {len(part.rows):,}" for name, part in found.items())
    lines = [f"rows: {sizes}"]
    if classes:
        lines.append(f"{len(classes)} classes, in a teacher's order: {shown(classes, 200)}")
    if absent:
        alike = "at random" if found["train"].labels is None else "of each class alike"
        split = ",".join(f"{share:g}" for share in settings.split)
        lines.append(
            f"{' and '.join(absent)} drawn {alike} from the rows of {settings.data}, by "
            f"--split={split} and --base_seed={settings.base_seed}"
        )
        if unused:
            given = unused + sum(len(found[name].rows) for name in ("train", *absent))
            lines.append(f"{unused:,} of {given:,} rows are left out, as --split={split} says")
    return lines


def _name(path):
    return path.removeprefix("tfds:") if path.startswith("tfds:") else pathlib.Path(path).stem


def _digest(contents, found, preprocessing):
    rows = {name: [part.source, fingerprint.arrays(part.rows)] for name, part in found.items()}
    files = [content.digest for content in contents]
    return fingerprint.of([files, contents[0].classes, rows, preprocessing])
