"""Logits and cost of an exported network, read again by a process of its own."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import jax
import numpy as np

from kd_jax.errors import InputError
from kd_jax.export import formats, measure

TOLERANCE = 1e-5  # of logits, see deviation


def deviation(logits: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of logits, as a part of the largest where that is above 1."""
    return float(np.abs(logits - expected).max()) / max(1.0, float(np.abs(expected).max()))


def logits_and_cost(path: pathlib.Path, inputs: Any) -> tuple[np.ndarray, dict[str, float]]:
    """Read an exported file in a process of its own and predict with it.

    StableHLO and ONNX are read without kd_jax, by measure.py alone; a .safetensors by kd_jax.

    Args:
        path: of the file.
        inputs: a tree of arrays [N, …].

    Returns:
        Logits [N, …], and {"seconds_1", "seconds_128", "peak_bytes"}.

    Raises:
        InputError: that process fails.
    """
    named = dict(zip(formats.names_of(inputs), jax.tree.leaves(inputs)))
    command = ["-I", measure.__file__]  # isolated: it sees neither this folder nor PYTHONPATH
    if path.suffix == ".safetensors":
        command = ["-m", "kd_jax.export.verify"]
    with tempfile.TemporaryDirectory() as folder:
        given, found = pathlib.Path(folder) / "given.npz", pathlib.Path(folder) / "found.npz"
        np.savez(given, **{name or "inputs": x for name, x in named.items()})
        command = [sys.executable, *command, str(path), str(given), str(found)]
        ended = subprocess.run(command, capture_output=True, text=True, env=_environment())
        if ended.returncode:
            why = (ended.stderr.strip() or f"exit code {ended.returncode}").splitlines()[-1]
            raise InputError(f"{path} cannot be read again in a process of its own ({why})")
        with np.load(found) as stored:
            logits = stored["logits"]
    return logits, json.loads(ended.stdout.splitlines()[-1])


def _environment():
    """This process's, in which `-m kd_jax…` is this kd_jax, wherever it was imported from."""
    own = str(pathlib.Path(__file__).parents[2])
    places = [own, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(places), "PYTHONSAFEPATH": "1"}


def _read(path):
    model, params = formats.read_safetensors(path.parent, path.stem)
    function = jax.jit(formats.function_of(model, params))
    return lambda inputs: np.asarray(function(inputs if len(inputs) > 1 else inputs["inputs"]))


if __name__ == "__main__":
    exported, given_path, wanted = sys.argv[1:]
    with np.load(given_path) as stored_inputs:
        function = _read(pathlib.Path(exported))
        outputs, cost = measure.predict_and_time(function, dict(stored_inputs))
    np.savez(wanted, logits=outputs)
    print(json.dumps(cost))
