"""One's own files in Python: what --data and its companions read, as Splits for kd.distill.

data = kd.read_data("adult.csv", label="income")
teacher = data.ask(forest.predict)                  # a function of raw rows, asked once
result = kd.distill(student, teacher, data.train, validation=data.validation, test=data.test)
data.fitted(result.best).save("student")            # with the names of classes and columns
"""

import os
import pathlib
import tempfile
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from kd_jax import models, paths
from kd_jax.command import problem, reads
from kd_jax.data import Split, frames, preprocessing
from kd_jax.distill import given_teachers
from kd_jax.distill.driver.named_teachers import Known
from kd_jax.errors import InputError
from kd_jax.export.network import Network

FRAME = "rows.parquet"


class Data(NamedTuple):
    """Rows of files, in three parts.

    Attributes:
        train: Inputs and labels that students learn from.
        validation: Those that settings are chosen on.
        test: Those that are read once.
        raw: {part: its rows as the file has them}, a pyarrow.Table without the label, uint8 images
            or arrays.
        classes: The names of the classes, of which labels are numbers.
        preprocessing: What turns new rows into inputs.
        moments: (mean, inverse deviation) of uint8 inputs per channel, or None.
        notes: What a person would want to know, a line each.
    """

    train: Split
    validation: Split
    test: Split
    raw: Mapping[str, Any]
    classes: list[str]
    preprocessing: dict[str, Any]
    moments: tuple[Any, Any] | None
    notes: list[str]

    def __repr__(self) -> str:
        inputs = f"inputs: {list(self.train.inputs.shape[1:])} {self.train.inputs.dtype}"
        return "\n".join([inputs, *self.notes])

    def inputs(self, rows: Any) -> Any:
        """The student's inputs of raw rows, for a teacher of one's own that learned from these.

        Args:
            rows: As `raw` has them, a pyarrow.Table of a table's columns, or a DataFrame of them;
                else they are inputs.

        Raises:
            InputError: They are no table of these columns.
        """
        if self.preprocessing["kind"] != "table":
            return rows
        if not hasattr(rows, "to_pydict"):
            from kd_jax.data import tables  # here, as it needs pyarrow

            with tempfile.TemporaryDirectory() as folder:
                rows = tables.read(frames.written(rows, pathlib.Path(folder, FRAME)))
        try:
            return preprocessing.apply(self.preprocessing, rows.to_pydict())
        except ValueError as error:
            raise InputError(str(error)) from None

    def ask(self, teacher: Callable, *, probabilities: bool | None = None) -> Known:
        """What a function of raw rows says of all of them, for kd.distill.

        Args:
            teacher: Raw rows -> [B, C], in the order of `classes`.
            probabilities: Whether it gives probabilities; None: where every row is a distribution.

        Raises:
            InputError: It fails, or its outputs do not fit.
        """
        found = {}
        for part, rows in self.raw.items():
            outputs = given_teachers.answers(part, teacher, rows, classes=len(self.classes) or None)
            found[part] = given_teachers.logits_of(part, outputs, probabilities=probabilities)
        return Known(found)

    def standardized(self, model: models.Model) -> models.Model:
        """A network of uint8 inputs, which it sees standardized; of others as it is.

        Args:
            model: Takes floats of the same shape; one that is standardized already stays so.
        """
        if self.moments is None or models.is_standardized(model):
            return model
        example = self.train.inputs[:2].astype("float32")
        return models.standardized(models.fitted(model, example), *self.moments)

    def fitted(self, network: Network) -> Network:
        """A trained network with the names of these classes, and of the columns of a table.

        Args:
            network: Of a result of kd.distill on these rows.
        """
        classes, inputs = self.classes or network.classes, self.train.inputs
        about = list(classes), inputs.shape[1:], str(inputs.dtype), self.preprocessing
        return Network(network.model, network.variables, *about)


def read_data(
    path: Any,
    *,
    label: str = "",
    validation_data: Any = "",
    test_data: Any = "",
    split: Sequence[float] = (0.7, 0.1, 0.2),
    columns: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    image_size: int = 0,
    skip_unreadable: bool = False,
    stream: bool = False,
    base_seed: int = 0,
    workdir: str | os.PathLike = "runs",
) -> Data:
    """Read one's own rows: a table, images in class folders, or arrays.

    Args:
        path: Of an .npz file, a table .csv .tsv .parquet .jsonl, or a folder or .zip of images; or
            a table itself, a pyarrow.Table or a DataFrame.
        label: The column of a table that is to be predicted; "none" where nobody knows it.
        validation_data: Rows of the same kind; by default a part of the first.
        test_data: Likewise.
        split: The parts of training, validation and test, of each class alike.
        columns: Of a table, those that are the student's inputs; () for all but the label.
        ignore: Of a table, those that are not; `raw`, as a teacher gets it, has them all the same.
        image_size: Height and width of images; 0: as they are.
        skip_unreadable: Go on without images that cannot be read.
        stream: Leave the inputs of an .npz file on disk, for kd.distill to read batches ahead.
        base_seed: Of the draw of the parts.
        workdir: Where decoded images are kept.

    Raises:
        InputError: Something of it is missing, damaged or does not fit.
    """
    flags = {
        "label": label, "split": tuple(split), "columns": _names(columns),
        "ignore": _names(ignore), "image_size": image_size, "skip_unreadable": skip_unreadable,
        "stream": stream, "base_seed": base_seed, "workdir": os.fspath(workdir),
    }  # fmt: skip
    found = _read({"data": path, "validation_data": validation_data, "test_data": test_data}, flags)
    if not frames.is_frame(path):
        reads.remember(found.paths["data"], found.train)
    train, validation, test = (Split(part.inputs, part.labels) for part in found.parts.values())
    raw = {name: part.raw for name, part in found.parts.items()}
    moments = None if found.mean is None else (found.mean, found.scale)
    more = raw, found.classes, found.preprocessing, moments, found.notes
    return Data(train, validation, test, *more)


def _read(given, more):
    """The Problem of paths, or of tables that become files for a moment."""
    with tempfile.TemporaryDirectory() as folder:
        at = {name: pathlib.Path(folder, f"{name}.parquet") for name in given}
        where = {
            name: str(frames.written(x, at[name])) if frames.is_frame(x) else paths.text(x)
            for name, x in given.items()
        }
        try:
            found = problem.read(types.SimpleNamespace(**where, **more, data_dir="", manual_dir=""))
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}{os.sep}", "")) from error.__cause__
    notes = [note.replace(f"{folder}{os.sep}", "") for note in found.notes]
    return found._replace(notes=notes)


def _names(given):
    """Names of columns, of which one may stand alone."""
    return (given,) if isinstance(given, str) else tuple(given)
