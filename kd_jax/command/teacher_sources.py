"""What --teacher names, one at a time: files of outputs, networks in files, functions, recipes."""

import functools
import hashlib
import os
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kd_jax.command import reads, saved_networks, source_files
from kd_jax.command.problem import Problem
from kd_jax.data.preprocessing import near, shown
from kd_jax.distill import given_teachers, teacher_files
from kd_jax.errors import InputError, brief, require


class ToTrain(NamedTuple):
    """A teacher that is to be trained here on the labels: its network, as --student names it."""

    network: str

    @property
    def name(self) -> str:
        """As it was given."""
        return f"train:{self.network}"


class Saved(NamedTuple):
    """Outputs of a file, by part; None for a part that it does not hold."""

    name: str
    outputs: dict[str, Any]
    digest: str


class Loaded(NamedTuple):
    """A teacher at work.

    Attributes:
        call: rows -> [B, C].
        classes: The order of its columns, or None for that of the problem.
        made: The calls of kd.read_data that its file made.
    """

    call: Callable
    classes: list[str] | None = None
    made: tuple[reads.Read, ...] = ()


class Asked(NamedTuple):
    """A teacher that can be asked.

    Attributes:
        name: As it was given.
        digest: Of its content.
        load: () -> Loaded, once; a file that trains its forest when it is imported takes long.
        sees: (a Part) -> what it is asked about: the raw rows or the inputs.
        notes: What a person would want to know, a line each.
    """

    name: str
    digest: str
    load: Callable[[], Loaded]
    sees: Callable
    notes: tuple[str, ...] = ()


def source(name: str, problem: Problem) -> ToTrain | Saved | Asked:
    """What a name stands for; nothing is asked or trained yet.

    Args:
        name: Of one teacher.
        problem: What it is to teach.

    Raises:
        InputError: It is none, cannot be read or does not fit the problem.
    """
    if name.startswith("train:"):
        labelled = f"--teacher={name} learns from labels, and {problem.name} has none"
        require(problem.train.labels is not None, f"{labelled}: name a teacher that is trained")
        return ToTrain(name.removeprefix("train:"))
    path = pathlib.Path(name).expanduser()
    reader = FILES.get(path.suffix.lower())
    if os.path.isdir(path):
        return _network_folder(name, path, problem)
    if reader:
        require(os.path.isfile(path), f"--teacher={name} does not exist: check the path")
        return reader(name, path, problem)
    teacher_files.refuse_pickles(f"--teacher={name}", path)
    known = f"{', '.join(FILES)}, a saved folder, file.py:function, module:function or train:mlp:64"
    require(":" in name, f"--teacher={name}: expected one of {known}")
    return _function(name, problem)


def _outputs(name, path, problem):
    """The rows of a .npy file as those of the parts."""
    try:
        content = path.read_bytes()
        outputs = np.load(path, allow_pickle=False)
        require(isinstance(outputs, np.ndarray), f"{path} holds several arrays")
    except Exception as error:  # each damage has its own
        what = f"--teacher={name} is no array that can be read ({brief(error)})"
        raise InputError(f"{what}: write it with np.save(path, outputs)") from None
    shape = outputs.shape
    require(len(shape) == 2, f"--teacher={name} has the shape {list(shape)}: expected [N, C]")
    outputs = given_teachers.numbers(name, outputs)
    given_teachers.check(name, outputs, None, None)  # which names a row of the file, not of a part
    counts: dict[str, int] = {}
    for part in problem.parts.values():
        counts[part.source] = counts.get(part.source, 0) + len(part.rows)
    counts["data"] += problem.unused
    order = [flag for flag in ("data", "validation_data", "test_data") if flag in counts]
    fits = shape[0] in (counts["data"], sum(counts.values()))
    beside = f" or {sum(counts.values()):,}, with those of {' and '.join(order[1:])} behind them"
    require(
        fits,
        f"--teacher={name} has {shape[0]:,} rows: expected {counts['data']:,}, as --data has"
        f"{beside if order[1:] else ''}; write one for every row, in the order of the file",
    )
    ends = np.cumsum([counts[flag] for flag in order])
    starts = dict(zip(order, [0, *ends.tolist()]))
    found = {}
    for part_name, part in problem.parts.items():
        held = starts[part.source] < shape[0]
        found[part_name] = outputs[starts[part.source] + part.rows] if held else None
    return Saved(name, found, hashlib.sha256(content).hexdigest())


def _onnx(name, path, problem):
    return _file(name, path, problem, teacher_files.onnx(path))


def _stablehlo(name, path, problem):
    return _file(name, path, problem, teacher_files.stablehlo(path))


def _file(name, path, problem, call):
    """A network in a file is asked about the inputs, without a standardization of uint8 ones."""
    digest = _digest(path)
    bytes_ = f"teacher {name} is asked about values from 0 to 255, which it has to scale itself"
    notes = () if problem.mean is None else (bytes_,)
    return Asked(name, digest, lambda: Loaded(call), lambda part: part.inputs, notes)


def _digest(path):
    """SHA-256 of a file, and of the weights that ONNX may keep beside it."""
    found = hashlib.sha256(path.read_bytes())
    for name in (f"{path.name}.data", f"{path.name}_data", f"{path.stem}.data"):
        beside = path.with_name(name)
        if beside.is_file():
            found.update(beside.read_bytes())
    return found.hexdigest()


FILES = {".npy": _outputs, ".onnx": _onnx, ".stablehlo": _stablehlo}


def _network_folder(name, path, problem):
    """A saved network is asked about the raw rows, of which it makes inputs of its own."""
    found = saved_networks.read(name, path)
    if problem.classes:
        _check_classes(name, found.classes, problem.classes)
    loaded = Loaded(found.call, found.classes)
    return Asked(name, found.digest, lambda: loaded, lambda part: part.raw)


def _function(name, problem):
    """Somebody's function of the raw rows."""

    @functools.cache
    def load():
        before = len(reads.REMEMBERED)
        call = teacher_files.function(name)
        made = tuple(reads.REMEMBERED[before:])
        classes = getattr(call, "classes", None)
        if classes is not None:
            classes = [str(each) for each in np.asarray(classes).tolist()]
            if problem.classes:
                _check_classes(name, classes, problem.classes)
        return Loaded(call, classes, made)

    return Asked(name, source_files.digest(name), load, lambda part: part.raw)


def _check_classes(name, own, classes):
    for each in own:
        unknown = f"--teacher={name} has the class {shown(each)}, which --data lacks"
        require(each in classes, f"{unknown}; {near(each, classes, 'classes')}")
    for each in classes:
        lacks = f"--teacher={name}: its classes {shown(own)} lack {shown(each)}"
        require(own.count(each) == 1, f"{lacks} or name it twice: expected each class once")
