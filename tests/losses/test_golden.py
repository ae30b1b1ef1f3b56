"""Golden values of other libraries: value, value per example or token, and gradient."""

import functools
import json

import jax
import numpy as np
import pytest

from . import golden
from .quick import Compiled, quick_jit, split

PRECISIONS = {"float64": np.float64, "float32": np.float32}
# float32 is what users get, and is tried with the options that they get: test_as_users_run.py
labels = [pytest.param("float32", marks=pytest.mark.as_users), "float64"]


def precision(name):
    return jax.enable_x64(name == "float64")


def assert_close(got, want, tolerance, floor=0.0):
    """The rule of the file: |got − want| ≤ rtol · max |want| + atol."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape
    bound = tolerance["rtol"] * np.max(np.abs(want)) + max(tolerance["atol"], floor)
    assert np.max(np.abs(got - want)) <= bound


@functools.cache
def program(call):
    """What computes all entries that make one call: compiled once for each shape and precision."""
    entry = json.loads(call)

    def value(graded, others, numbers):
        return golden.value(entry, {**graded, **others}, numbers)

    if not entry["graded"]:
        return quick_jit(lambda *arguments: (value(*arguments), {}))
    return quick_jit(jax.value_and_grad(value, has_aux=True))


def compute(entry, arrays, traced):
    """The entry's number, its parts, and its gradient by name ({} where none is listed).

    Numbers such as a temperature are known only at run time where they are `traced`: the entries
    of a loss are then one program.
    """
    names = sorted(entry.get("grad_of_value", {}))
    graded = {name: arrays[name] for name in names}
    others = {name: x for name, x in arrays.items() if name not in graded}
    numbers, known = split(entry["params"]) if traced else ({}, entry["params"])
    call = json.dumps({"name": entry["name"], "params": known, "graded": names})
    (number, parts), gradient = program(call)(graded, others, numbers)
    return number, parts, gradient


@pytest.mark.parametrize("label", labels)
@pytest.mark.parametrize("name", golden.ENTRIES)
def test_entry(name, label):
    entry = golden.ENTRIES[name]
    tolerance = entry["tolerance"][label]
    with precision(label):
        arrays = golden.inputs(entry, PRECISIONS[label])
        number, parts, gradient = compute(entry, arrays, traced=label == "float64")
    assert parts.dtype == PRECISIONS[label]
    for key in ("per_example", "per_token", "output"):
        if key in entry:
            assert_close(parts, entry[key], tolerance)
    if "output" not in entry:
        assert_close(number, entry["value"], tolerance)
    floor = 1e-9 if label == "float64" else 1e-6
    for key, want in entry.get("grad_of_value", {}).items():
        got = gradient[key]
        for g, w in zip(got, want) if isinstance(got, list) else [(got, want)]:
            assert np.all(np.isfinite(g))
            if not entry.get("gradient_at_kink"):
                assert_close(g, w, tolerance, floor)


PARTS = [key for key, entry in golden.ENTRIES.items() if "parts" in entry]


@pytest.mark.parametrize("name", [key for key in PARTS if key.startswith("decoupled")])
def test_parts_of_decoupled(name):
    entry = golden.ENTRIES[name]
    tolerance = entry["tolerance"]["float64"]
    with jax.enable_x64(True):
        arrays = golden.inputs(entry)
        call = [arrays[key] for key in ("student", "teacher", "labels")]
        temperature = entry["params"]["temperature"]
        decoupled = functools.partial(Compiled().decoupled, temperature=temperature)
        target = decoupled(*call, alpha=1.0, beta=0.0)
        others = decoupled(*call, alpha=0.0, beta=1.0)
        assert_close(target, entry["parts"]["target_part"]["per_example"], tolerance)
        assert_close(others, entry["parts"]["non_target_part"]["per_example"], tolerance)


def test_teacher_free_is_the_divergence_summed_over_classes():
    entry = golden.ENTRIES["teacher_free/base"]
    with jax.enable_x64(True):
        arrays = golden.inputs(entry)
        got = Compiled().teacher_free(arrays["student"], arrays["labels"], temperature=20.0)
        want = entry["parts"]["regularizer_kl_per_example"]
        assert_close(got, want, entry["tolerance"]["float64"])


@pytest.mark.parametrize("name", [key for key in PARTS if key.startswith("contrastive")])
def test_constants_and_banks_of_contrastive(name):
    entry = golden.ENTRIES[name]
    parts, tolerance = entry["parts"], entry["tolerance"]["float64"]
    with jax.enable_x64(True):
        arrays = golden.inputs(entry)
        call = [arrays[key] for key in golden.ORDER if key in arrays]
        if entry["params"]["z_student"] is None:
            temperature = entry["params"]["temperature"]
            z = Compiled().contrastive_constants(*call, temperature=temperature)
            assert_close(z, [parts["z_student"], parts["z_teacher"]], tolerance)
        rows = np.asarray(arrays["indices"])[:, 0]
        for side in ("student", "teacher"):
            bank, momentum = np.asarray(arrays[f"{side}_bank"]), entry["params"]["momentum"]
            new = np.asarray(Compiled().update_bank(bank, rows, arrays[side], momentum=momentum))
            assert_close(new[rows], parts[f"updated_{side}_rows"], tolerance)
            others = np.setdiff1d(np.arange(len(bank)), rows)
            np.testing.assert_array_equal(new[others], bank[others])
