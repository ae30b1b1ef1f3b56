"""One trained network: what it predicts, and its folder, which needs no code that made it.

network.predict(network.inputs("new.csv"))
network.save("student/")
network.export("student/", "onnx")
kd.load("student/").predict(inputs)
"""

import functools
import os
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Shaped

from kd_jax.errors import InputError, require
from kd_jax.export import predict, student_folder
from kd_jax.models import Model


class Network(NamedTuple):
    """One trained network, ready for new rows.

    Attributes:
        model: Its functions.
        variables: Its parameters and running statistics.
        classes: The names of its C classes, [] where it only teaches.
        shape: Of one input; None: it is not checked.
        dtype: Of inputs, "float32" or "uint8".
        preprocessing: What makes inputs of files: {"kind": "table", "columns": …} as
            data.preprocessing.fit gives them, {"kind": "images", "size": N, "channels": C} as
            data.image_decoding.decode takes it, or {"kind": "arrays"}.
    """

    model: Model
    variables: Any
    classes: list[str] = []
    shape: tuple[int, ...] | None = None
    dtype: str = "float32"
    preprocessing: dict[str, Any] = {"kind": "arrays"}

    def __repr__(self) -> str:
        count = sum(np.size(x) for x in jax.tree.leaves(self.variables))
        shape = "any" if self.shape is None else list(self.shape)
        classes = len(self.classes) if hasattr(self.classes, "__len__") else self.classes
        return f"Network({classes} classes, inputs {self.dtype} {shape}, {count:,} numbers)"

    def inputs(self, *paths: str | os.PathLike) -> Shaped[np.ndarray, "N ..."]:
        """What the network takes, of files like those that it learned from.

        Args:
            *paths: A table .csv or .tsv, image files or a folder of them, or an .npz file.

        Raises:
            InputError: They cannot be read, or are not what the network learned from.
        """
        require(self.shape is not None, "this Network has no shape: say it, kd.Network(…, shape=…)")
        for path in paths:
            require(
                isinstance(path, str | os.PathLike),
                f"inputs(…) is given a {type(path).__name__}: expected paths of files; of a table "
                "in memory inputs are data.inputs(table), data being what kd.read_data gave",
            )
        how = {"preprocessing": self.preprocessing, "shape": self.shape, "dtype": self.dtype}
        try:
            found = [x for _, x in predict.batches([os.fspath(path) for path in paths], how)]
        except ValueError as error:
            raise InputError(str(error)) from None
        require(found, f"{', '.join(map(str, paths)) or 'nothing'} holds no rows: expected some")
        return np.concatenate(found)

    def logits(self, inputs: Shaped[Any, "N ..."]) -> Float[np.ndarray, "N C"]:
        """The logits of rows, in batches of one size, for which it is compiled once.

        Args:
            inputs: [N, *shape].

        Raises:
            InputError: They have another shape or type, or are not finite.
        """
        _check_arrays(inputs)
        shape = np.shape(inputs)[1:] if self.shape is None else self.shape
        try:
            inputs = predict.checked(inputs, shape, self.dtype)
        except ValueError as error:
            raise InputError(str(error)) from None
        variables, found = jax.tree.map(jnp.asarray, self.variables), []
        for first in range(0, max(len(inputs), 1), predict.BATCH):
            batch = inputs[first : first + predict.BATCH]
            whole = np.zeros((predict.BATCH, *shape), self.dtype)
            whole[: len(batch)] = batch
            found.append(np.asarray(_logits(self.model.apply, variables, whole))[: len(batch)])
        return np.concatenate(found)

    def probabilities(self, inputs: Shaped[Any, "N ..."]) -> Float[np.ndarray, "N C"]:
        """The probability of each class.

        Args:
            inputs: As for `logits`.
        """
        return predict.probabilities(self.logits(inputs)).astype(np.float32)

    def predict(self, inputs: Shaped[Any, "N ..."]) -> Int[np.ndarray, " N"]:
        """The number of the most probable class of each row.

        Args:
            inputs: As for `logits`.

        Raises:
            InputError: The logits of a row are NaN.
        """
        logits = self.logits(inputs)
        wrong = np.flatnonzero(np.isnan(logits).any(-1))
        if len(wrong):
            raise InputError(f"row {wrong[0]} has NaN logits: are its inputs far from usual?")
        return logits.argmax(-1).astype(np.int32)

    def save(self, folder: str | os.PathLike) -> None:
        """Write what `load` reads; see `export`.

        Args:
            folder: A new one, or that of an earlier export, which is replaced.
        """
        student_folder.write(self, folder, ())

    def export(self, folder: str | os.PathLike, *formats: str) -> list[str]:
        """Write the network for other programs, with a predict.py that needs no kd_jax.

        StableHLO always is written, as `load` reads it, and safetensors of networks of this
        package where that is installed. Each file is read again by a process of its own; what
        cannot be converted, or gives other logits, is left out with a line that says why.

        Args:
            folder: A new one, or that of an earlier export, which is replaced.
            *formats: Of student_files.FORMATS. int8 is not measured on data here.

        Returns:
            The names of the files with the network.

        Raises:
            InputError: A format is unknown or lacks its packages; the folder holds other files or
                cannot be written; the network is not for inputs of `shape` and `classes`, or is not
                of JAX alone. Nothing is written then.
        """
        return student_folder.write(self, folder, formats)


def _check_arrays(inputs):
    """InputError for what `Network.inputs` makes inputs of."""
    several = inputs if isinstance(inputs, list | tuple) else [inputs]
    require(
        not any(isinstance(x, str | os.PathLike) for x in several),
        "a path is given in the place of inputs: expected an array, as "
        "network.inputs(path) makes it of a file",
    )
    require(
        not hasattr(inputs, "column_names") and not hasattr(inputs, "columns"),
        f"a {type(inputs).__name__} is given in the place of inputs: expected an array, as "
        "data.inputs(table) makes it, data being what kd.read_data gave",
    )


def load(folder: str | os.PathLike) -> Network:
    """Read a network that was saved or exported, without the code that made it.

    Args:
        folder: Of `Network.save` or `Network.export`.

    Returns:
        The network. Of another package's it has logits alone: no features, no parameters.

    Raises:
        InputError: The folder is none of these, is damaged, or of a newer kd_jax.
    """
    facts = student_folder.facts(folder)
    model, variables = student_folder.read(folder, facts)
    how, shape = facts["preprocessing"], tuple(facts["shape"])
    return Network(model, variables, facts["classes"], shape, facts["dtype"], how)


@functools.partial(jax.jit, static_argnums=0)
def _logits(apply, variables, inputs):
    with jax.default_matmul_precision("highest"):  # as exported files have it
        (logits, _), _ = apply(variables, inputs)
        return jnp.asarray(logits, jnp.float32)
