"""One network exported in every format, each read again in a fresh process and compared."""

import contextlib
import hashlib
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np

from kd_jax.errors import InputError
from kd_jax.export import folders, formats, measure, quantize, student_folder, verify
from kd_jax.export.network import Network
from kd_jax.export.saved_models import SavedModel
from kd_jax.metrics import classification, cost
from kd_jax.models import serialization

POINTS = 0.2  # of accuracy that int8 may lose
TEACHER, HLO, TENSORS, ONNX = "teacher", "StableHLO", "safetensors", "ONNX"
SUFFIXES = {HLO: ".stablehlo", TENSORS: ".safetensors", ONNX: ".onnx"}


def write(
    out: str | os.PathLike, saved: SavedModel, describe: Callable[[pathlib.Path, dict], None]
) -> dict[str, dict[str, Any]]:
    """Export a network in every format, whole or not at all.

    Its teacher is measured beside it. int8 that loses more than POINTS of accuracy is measured,
    but not exported.

    Args:
        out: the folder to write, a new one or that of an earlier export.
        saved: the network.
        describe: (folder, report) writes the model card and whatever else goes with it.

    Returns:
        The report, {format: measures}; see `_measured`.

    Raises:
        InputError: a format does not give the network's logits to verify.TOLERANCE, or `out` is a
            folder of something else; nothing is left behind then.
    """
    out = pathlib.Path(out)
    folders.check(out, f"--out={out}")
    with folders.written_whole(out) as folder:
        report: dict[str, dict[str, Any]] = {}
        if saved.teacher:
            one = saved.teacher
            report[TEACHER] = _exported(folder, "teacher", [HLO], one, one.variables)[HLO]
            (folder / "teacher.stablehlo").unlink()
        report |= _exported(folder, "student", SUFFIXES, saved, saved.variables)
        narrow = quantize.quantized(saved.variables)
        found = _exported(folder, "student_int8", [HLO, TENSORS], saved, narrow)
        report |= {f"{form}, int8": measures for form, measures in found.items()}
        _check(report)
        for path in folder.glob("student_int8.*") if _loss(report) > POINTS else ():
            path.unlink()
        shutil.copy(measure.__file__, folder)
        network = _of_rows(saved)
        if network:
            student_folder.write_programs(folder, network)
        describe(folder, report)
    return report


def digests(folder: str | os.PathLike) -> dict[str, str]:
    """{file: SHA-256} of an export's folder."""
    files = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _of_rows(saved):
    """The Network that predict.py is for, or None where it gives other things than classes."""
    if isinstance(saved.inputs, dict) or str(saved.inputs.dtype) not in student_folder.DTYPES:
        return None
    logits = jax.eval_shape(saved.model.logits, saved.variables, saved.inputs[:1]).shape
    if len(logits) != 2:
        return None
    classes = saved.about.get("classes") or [str(number) for number in range(logits[1])]
    how = saved.about.get("preprocessing") or {"kind": "arrays"}
    about = classes, saved.inputs.shape[1:], str(saved.inputs.dtype), how
    return Network(saved.model, saved.variables, *about)


def _exported(folder, stem, forms: Iterable[str], saved, params):
    """{form: measures} of a network written in some formats, each read again.

    A format that has no form for this network is left out.
    """
    function = formats.function_of(saved.model, params)
    expected = _logits(function, saved.inputs)
    shared = {
        "parameters": cost.parameters(saved.variables["params"]),
        "multiply_adds": _multiply_adds(saved),
    }
    report = {}
    described = serialization.is_described(saved.model.network)
    for form in [form for form in forms if described or form != TENSORS]:
        path = folder / (stem + SUFFIXES[form])
        with contextlib.suppress(formats.NotConverted):
            if form == TENSORS:
                formats.safetensors(folder, stem, saved.model, params, saved.inputs)
            else:
                convert = formats.onnx if form == ONNX else formats.stablehlo
                convert(path, function, saved.inputs)
            report[form] = shared | _measured(path, saved, expected)
    return report


def _measured(path, saved, expected):
    """Latency and memory of an exported file, its errors and its agreement with the teacher.

    deviation: of its logits from `expected`, see verify.deviation.
    """
    logits, costs = verify.logits_and_cost(path, saved.inputs)
    labeled, predicted = saved.labels >= 0, classification.most_probable(logits)
    same = None if saved.teacher_classes is None else predicted == saved.teacher_classes
    return {
        "bytes": path.stat().st_size,
        **costs,
        "errors": int((predicted != saved.labels)[labeled].sum()),
        "of": int(labeled.sum()),
        "agreement": None if same is None else float(same[labeled].mean()),
        "deviation": verify.deviation(logits, expected),
    }


def _logits(function, inputs):
    """function(inputs) [N, …], in the batches that the other process has."""
    compiled, count = jax.jit(function), len(jax.tree.leaves(inputs)[0])
    batches = (
        jax.tree.map(lambda x, i=i: x[i : i + measure.BATCH], inputs)
        for i in range(0, count, measure.BATCH)
    )
    return np.concatenate([np.asarray(compiled(batch)) for batch in batches])


def _multiply_adds(saved):
    one = jax.tree.map(lambda x: x[:1], saved.inputs)
    return cost.multiply_adds(saved.model.apply, saved.variables, one)


def _check(report):
    for form, found in report.items():
        if not found["deviation"] <= verify.TOLERANCE:
            raise InputError(
                f"{form} read again differs by {found['deviation']:.1e} of the largest logit, "
                f"expected {verify.TOLERANCE:g} at most: nothing was exported"
            )


def _loss(report):
    """Points of accuracy that int8 loses."""
    exact, narrow = report[HLO], report[f"{HLO}, int8"]
    return 100 * (narrow["errors"] - exact["errors"]) / max(exact["of"], 1)
