"""The files with a student's network: converted, and each read again by a process of its own."""

import concurrent.futures
import difflib
import importlib.util
import pathlib
import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from kd_jax.errors import InputError, brief, require
from kd_jax.export import formats, quantize, verify
from kd_jax.models import serialization

if TYPE_CHECKING:
    from kd_jax.export.network import Network

FORMATS = ("onnx", "stablehlo", "safetensors", "int8")
STABLEHLO, TENSORS, ONNX = "student.stablehlo", "student.safetensors", "student.onnx"
INT8 = "student_int8.stablehlo", "student_int8.safetensors"
REASON = 400  # characters of why a network cannot be converted, with what to do
ROWS = 3  # of chance, that are predicted in both processes


def check_formats(wanted: Sequence[str]) -> None:
    """InputError unless all are of FORMATS."""
    for name in wanted:
        near = difflib.get_close_matches(str(name), FORMATS, 1)
        guess = f"did you mean {near[0]}?" if near else f"expected some of {', '.join(FORMATS)}"
        require(name in FORMATS, f"no format is called {name}: {guess}")


def write(folder: pathlib.Path, network: "Network", wanted: Sequence[str]) -> list[str]:
    """Write the files of a network; one that fails is left out, and a line says why.

    Args:
        folder: a new one.
        network: what is exported.
        wanted: of FORMATS; what `_chosen` adds is written as well.

    Returns:
        The names of the files.

    Raises:
        InputError: student.stablehlo fails, which every folder has; or a format lacks its packages.
    """
    inputs, chosen = _rows(network), _chosen(network, wanted)
    faults = _converted(folder, network, chosen, inputs)
    there = [name for name in chosen if name not in faults]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(verify.logits_and_cost, folder / name, inputs) for name in there]
    for name, answer in zip(there, answers):
        fault = _fault(answer, _function(network, chosen[name], inputs), inputs)
        if fault:
            faults[name] = fault
            _delete(folder / name)
    require(STABLEHLO not in faults, f"nothing is exported: {faults.get(STABLEHLO)}")
    for name, fault in faults.items():
        print(f"{name} is left out: {fault}", file=sys.stderr)
    return [name for name in chosen if name not in faults]


def faults(network: "Network", wanted: Sequence[str]) -> dict[str, str]:
    """Why formats of a network cannot be written, {format: reason}, whatever its numbers are.

    Args:
        network: Not trained yet: of its variables the shapes and types count.
        wanted: Of FORMATS.

    Raises:
        InputError: student.stablehlo fails, which every folder has; or a format lacks its packages.
    """
    numbers = jax.tree.map(lambda x: np.ones(x.shape, x.dtype), network.variables)
    network = network._replace(variables=numbers)
    with tempfile.TemporaryDirectory() as folder:
        chosen = _chosen(network, wanted)
        found = _converted(pathlib.Path(folder), network, chosen, _rows(network))
    of_file = {ONNX: "onnx", TENSORS: "safetensors", **dict.fromkeys(INT8, "int8")}
    return {of_file[name]: why for name, why in found.items()}


def _converted(folder, network, chosen, inputs):
    """Write all files of `_chosen`; {name: why it cannot be} of those that are not."""
    faults = {}
    for name, variables in chosen.items():  # one by one: jax2onnx replaces parts of jax meanwhile
        try:
            _convert(folder / name, network, variables, inputs)
        except formats.NotConverted as error:
            faults[name] = f"this network cannot be converted ({brief(error, REASON)})"
    return faults


def _chosen(network, wanted):
    """{name: variables} of every file that is to be there."""
    exact, own = network.variables, serialization.is_described(network.model.network)
    tensors = own and importlib.util.find_spec("safetensors")
    chosen = {STABLEHLO: exact}
    if "onnx" in wanted:
        chosen[ONNX] = exact
    if tensors or "safetensors" in wanted:
        chosen[TENSORS] = exact
    if "int8" in wanted:
        chosen |= dict.fromkeys(INT8 if tensors else INT8[:1], quantize.quantized(exact))
    return chosen


def _rows(network):
    """Inputs by chance."""
    random, shape = np.random.default_rng(0), (ROWS, *network.shape)
    if network.dtype == "uint8":
        return random.integers(256, size=shape, dtype=np.uint8)
    return random.normal(size=shape).astype(np.float32)


def _function(network, variables, inputs):
    return formats.of_any_batch(formats.function_of(network.model, variables), inputs)


def _convert(path, network, variables, inputs):
    """Write one file; formats.NotConverted says why that cannot be."""
    model, rounded = network.model, path.name in INT8
    if rounded and len(jax.tree.leaves(variables)) == len(jax.tree.leaves(network.variables)):
        raise formats.NotConverted("it has no kernel of a dense layer")
    if path.suffix == ".safetensors":
        if not serialization.is_described(model.network):
            raise formats.NotConverted("only those of kd_jax.models can be built again from it")
        return formats.safetensors(path.parent, path.stem, model, variables, inputs)
    function = _function(network, variables, inputs)
    if path.suffix == ".onnx":
        return formats.onnx(path, function, inputs)
    try:
        return formats.stablehlo(path, function, inputs)
    except Exception as error:  # of the user's own functions
        raise InputError(
            f"{path.name} cannot be written ({brief(error)}): expected a network of JAX alone that "
            "takes a batch of any size"
        ) from None


def _fault(answer: "concurrent.futures.Future[Any]", function, inputs):
    """Why the logits of another process do not do, or ""."""
    try:
        logits, _ = answer.result()
    except InputError as error:
        return str(error)
    off = verify.deviation(logits, np.asarray(jax.jit(function)(inputs)))
    most = verify.TOLERANCE
    wrong = f"read again it differs by {off:.1e} of the largest logit, expected {most:g} at most"
    return "" if off <= most else wrong


def _delete(path):
    path.unlink()
    if path.suffix == ".safetensors":
        path.with_suffix(".json").unlink()
