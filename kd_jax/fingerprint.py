"""Names for content: the same settings, data and code give the same name, anything else another."""

import ast
import hashlib
import importlib.metadata
import inspect
import json

import jax
import numpy as np


def of(facts):
    """16 hexadecimal digits of a JSON-like value; the order of its keys does not matter."""
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def versions(packages=("jax", "jaxlib", "flax")):
    """{package: its installed version}, of those that decide what a network gives."""
    return {name: importlib.metadata.version(name) for name in packages}


def mismatch(found, expected):
    """'of 0f3a…, expected 77b2… (other teacher)': what two facts are and where they differ."""
    names = sorted({*found, *expected})
    other = ", ".join(name for name in names if found.get(name) != expected.get(name))
    return f"of {of(found)}, expected {of(expected)} (other {other})"


def arrays(tree):
    """SHA-256 over every array of a pytree with its path, dtype and shape."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if jax.dtypes.issubdtype(getattr(leaf, "dtype", None), jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        leaf = np.ascontiguousarray(leaf)
        digest.update(f"{jax.tree_util.keystr(path)} {leaf.dtype} {leaf.shape}\n".encode())
        digest.update(leaf.tobytes())
    return digest.hexdigest()


def source(*objects):
    """16 hexadecimal digits of the code of modules or functions, blind to comments and docstrings.

    What was trained by other code is another teacher; what was only described better is not.
    """
    digest = hashlib.sha256()
    for item in objects:
        tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(item)))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and _is_text(body[0]):
                body[:1] = [] if body[1:] else [ast.Pass()]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
