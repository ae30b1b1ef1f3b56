"""One network exported in every format, each read again in a fresh process and compared."""

import contextlib
import hashlib
import pathlib
import shutil
import tempfile

import jax
import numpy as np

from kd_jax.errors import InputError, require
from kd_jax.export import formats, predict, quantize, verify
from kd_jax.metrics import cost

TOLERANCE = 1e-5  # of logits, as a part of the largest where that is above 1
POINTS = 0.2  # of accuracy that int8 may lose
TEACHER, HLO, TENSORS, ONNX = "teacher", "StableHLO", "safetensors", "ONNX"
CARD = "model_card.md"
SUFFIXES = {HLO: ".stablehlo", TENSORS: ".safetensors", ONNX: ".onnx"}


def ship(out, kept, tell):
    """Write a Kept into the folder `out`, whole or not at all; the report, {format: measures}.

    Its teacher is measured beside it. Args: tell: (folder, report) writes what is told of it into
      the folder.
    int8 that loses more than POINTS of accuracy is measured, but not shipped.
    Raises: InputError when a format does not give the network's logits to TOLERANCE, or `out` is a
      folder of something else; nothing is left behind then.
    """
    out = pathlib.Path(out)
    ours = (out / CARD).is_file() or not out.exists() or out.is_dir() and not any(out.iterdir())
    require(ours, f"--out={out} is there and is no export: expected a new folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with _unfinished(out.parent) as folder:
        report = {}
        if kept.teacher:
            one = kept.teacher
            report[TEACHER] = _exported(folder, "teacher", [HLO], one, one.params)[HLO]
            (folder / "teacher.stablehlo").unlink()
        report |= _exported(folder, "student", SUFFIXES, kept, kept.params)
        narrow = quantize.narrowed(kept.params)
        found = _exported(folder, "student_int8", [HLO, TENSORS], kept, narrow)
        report |= {f"{form}, int8": measures for form, measures in found.items()}
        _check(report)
        for path in folder.glob("student_int8.*") if _loss(report) > POINTS else ():
            path.unlink()
        shutil.copy(predict.__file__, folder / "predict.py")
        tell(folder, report)
        if out.exists():
            shutil.rmtree(out)
        folder.replace(out)
    return report


def digests(folder):
    """{file: SHA-256} of what was shipped."""
    files = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@contextlib.contextmanager
def _unfinished(parent):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=".export-", dir=parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exported(folder, stem, forms, kept, params):
    """{form: measures} of a network written in some formats, each read again.

    A format that has no form for this network is left out.
    """
    function = formats.function_of(kept.model, params)
    expected = _logits(function, kept.inputs)
    shared = {"parameters": cost.parameters(kept.params), "multiply_adds": _multiply_adds(kept)}
    report = {}
    for form in forms:
        path = folder / (stem + SUFFIXES[form])
        with contextlib.suppress(formats.NotConverted):
            if form == TENSORS:
                formats.safetensors(folder, stem, kept.model, params, kept.inputs)
            else:
                write = formats.onnx if form == ONNX else formats.stablehlo
                write(path, function, kept.inputs)
            report[form] = shared | _measured(path, kept, expected)
    return report


def _measured(path, kept, expected):
    """What a written file takes, and what it says beside the labels, the teacher and `expected`."""
    logits, took = verify.said(path, kept.inputs)
    scale = max(1.0, float(np.abs(expected).max()))
    asked, chosen = kept.labels >= 0, logits.argmax(-1)
    return {
        "bytes": path.stat().st_size,
        **took,
        "errors": int((chosen != kept.labels)[asked].sum()),
        "of": int(asked.sum()),
        "agreement": None if kept.says is None else float((chosen == kept.says)[asked].mean()),
        "deviation": float(np.abs(logits - expected).max()) / scale,
    }


def _logits(function, inputs):
    """function(inputs) [N, …], in the batches that the other process has."""
    compiled, count = jax.jit(function), len(jax.tree.leaves(inputs)[0])
    batches = (
        jax.tree.map(lambda x, i=i: x[i : i + predict.BATCH], inputs)
        for i in range(0, count, predict.BATCH)
    )
    return np.concatenate([np.asarray(compiled(batch)) for batch in batches])


def _multiply_adds(kept):
    one = jax.tree.map(lambda x: x[:1], kept.inputs)
    return cost.multiply_adds(kept.model.apply, kept.params, one)


def _check(report):
    for form, found in report.items():
        if not found["deviation"] <= TOLERANCE:
            raise InputError(
                f"{form} read again differs by {found['deviation']:.1e} of the largest logit, "
                f"expected {TOLERANCE:g} at most: nothing was exported"
            )


def _loss(report):
    """Points of accuracy that int8 loses."""
    exact, narrow = report[HLO], report[f"{HLO}, int8"]
    return 100 * (narrow["errors"] - exact["errors"]) / max(exact["of"], 1)
