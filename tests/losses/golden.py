"""Reads golden.json: inputs from their recipes, and how each entry is computed here.

The numbers came out of other libraries' code (each entry names it in `source`), in float64,
and were checked by an independent NumPy implementation; nothing of kd_jax made them.
"""

import json
import pathlib

import jax.numpy as jnp
import numpy as np

from kd_jax import losses

DOCUMENT = json.loads((pathlib.Path(__file__).parent / "golden.json").read_text())
ENTRIES = {entry["id"]: entry for entry in DOCUMENT["entries"]}

# The arrays of a function, in the order in which it takes them.
ORDER = (
    "logits student student_first student_second teacher teacher_first teacher_second "
    "labels variance_logit student_bank teacher_bank indices"
).split()
SEQUENCE = (
    "forward_kl reverse_kl jensen_shannon skew_kl skew_reverse_kl total_variation top_k "
    "universal_logit"
).split()


def build(spec):
    """The float64 (or integer) array, or list of arrays, that a recipe describes, maps in NHWC."""
    if "list" in spec:
        return [build(item) for item in spec["list"]]
    if "values" in spec:
        array = np.array(spec["values"])
    else:
        k = np.arange(1, np.prod(spec["shape"]) + 1, dtype=np.float64)
        array = getattr(np, spec["fn"])(spec["frequency"] * k + spec["phase"])
        array = (spec["amplitude"] * array).reshape(spec["shape"])
    if spec.get("layout") == "NCHW":
        array = array.transpose(0, 2, 3, 1)
    for step in spec.get("then", []):
        rows = np.linalg.norm(array, axis=1, keepdims=True) if step == "l2_rows" else None
        array = np.maximum(array, 0) if rows is None else array / rows
    return array


def inputs(entry, dtype=np.float64):
    """The entry's arrays by name, floats as `dtype`."""

    def cast(x):
        if isinstance(x, list):
            return [cast(y) for y in x]
        return jnp.asarray(x) if np.issubdtype(x.dtype, np.integer) else jnp.asarray(x, dtype)

    return {name: cast(build(spec)) for name, spec in entry["inputs"].items()}


def _keywords(entry, arrays):
    keywords = dict(entry["params"])
    if entry["name"] == "label_smoothing" and keywords.pop("form") == "others":
        classes = arrays["student"].shape[-1]
        keywords["epsilon"] *= classes / (classes - 1)
    if entry["name"] == "dist":
        keywords["temperature"] = keywords.pop("tau")
    if entry["name"] == "contrastive":
        keywords.pop("momentum")
    return keywords


def call(entry, arrays, numbers):
    """What kd_jax gives: one value per example or token, one per batch, or an array."""
    name, positional = entry["name"], [arrays[key] for key in ORDER if key in arrays]
    entry = {**entry, "params": {**entry["params"], **numbers}}
    keywords = _keywords(entry, arrays)
    if name == "relational_total":
        distance, angle = losses.relational_distance, losses.relational_angle
        weights = entry["params"]
        parts = (weights["distance_weight"], distance), (weights["angle_weight"], angle)
        return sum(weight * loss(*positional) for weight, loss in parts)
    if name == "standardize_logits" and "teacher" in arrays:
        both = [losses.standardize_logits(x, eps=keywords["eps"]) for x in positional]
        return losses.soft_targets(*both, temperature=keywords["temperature"])
    if name == "teacher_free":
        # The entry is the repository's mixture, whose divergence is a mean over classes.
        alpha, temperature = keywords["alpha"], keywords["temperature"]
        divergence = losses.teacher_free(*positional, temperature=temperature)
        weight = alpha * keywords["multiplier"] / positional[0].shape[-1]
        return (1 - alpha) * losses.cross_entropy(*positional) + weight * divergence
    if name in SEQUENCE:
        positional = [arrays["student"], arrays["teacher"]]
    return getattr(losses, name)(*positional, **keywords)


def value(entry, arrays, numbers):
    """The one number of the entry and what it is the mean of (over the tokens with a label).

    Args:
        entry: of the file; what its params hold is known while tracing.
        arrays: by name.
        numbers: the other params.
    """
    parts = call(entry, arrays, numbers)
    if entry["name"] in SEQUENCE:
        return losses.masked_mean(parts, arrays["labels"] != -100), parts
    return jnp.mean(parts), parts
