"""Fingerprints: the same settings, data and code give the same name, anything else another."""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from kd_jax.fingerprint._code import code as code
from kd_jax.fingerprint._value import value as value

PACKAGES = "jax", "jaxlib", "flax", "optax", "numpy"
USUAL = {  # options of jax's configuration that change numbers
    "jax_enable_x64": False,
    "jax_default_matmul_precision": None,
    "jax_threefry_partitionable": True,
    "jax_default_prng_impl": "threefry2x32",
    "jax_random_seed_offset": 0,
    "jax_numpy_dtype_promotion": "standard",
    "jax_disable_most_optimizations": False,
    "jax_optimization_level": "UNKNOWN",
    "jax_high_dynamic_range_gumbel": False,
    "jax_softmax_custom_jvp": False,
}
WITHOUT_NUMBERS = "--xla_dump", "--xla_force_host_platform_device_count"


def of(facts: Any) -> str:
    """16 hexadecimal digits of a JSON-like value; the order of its keys does not matter."""
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """{package: its installed version}, of those that decide what a network gives."""
    return {name: importlib.metadata.version(name) for name in packages}


def surroundings() -> dict[str, Any]:
    """{"versions", "numerics"}: what numbers depend on besides code, settings and data.

    "numerics" holds the options of jax and XLA that were set and that change numbers.
    """
    found = {name: jax.config.values.get(name, usual) for name, usual in USUAL.items()}
    numerics = {name: x for name, x in found.items() if x != USUAL[name]}
    flags = os.environ.get("XLA_FLAGS", "").split()
    last = {flag.split("=")[0]: flag for flag in flags if not flag.startswith(WITHOUT_NUMBERS)}
    if last:
        numerics["XLA_FLAGS"] = " ".join(sorted(last.values()))
    return {"versions": versions(), "numerics": numerics}


def mismatch(found: dict, expected: dict) -> str:
    """'of 0f3a…, expected 77b2… (other teacher)': what two facts are and where they differ."""
    names = sorted({*found, *expected})
    other = ", ".join(name for name in names if found.get(name) != expected.get(name))
    return f"of {of(found)}, expected {of(expected)} (other {other})"


def arrays(tree: Any) -> str:
    """SHA-256 over every array of a pytree with its path, dtype and shape."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if jax.dtypes.issubdtype(getattr(leaf, "dtype", None), jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        leaf = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {leaf.dtype} {leaf.shape}\n".encode())
        digest.update(leaf.tobytes())
    return digest.hexdigest()
