"""Run the notebook of docs/ and keep what its cells say: `.venv/bin/python tests/notebook.py`.

Viewers that run nothing show these outputs. Of the cells' sources a digest is kept beside them, by
which test_notebook.py knows that they are of the cells as they are.
"""

import ast
import base64
import contextlib
import hashlib
import io
import json
import os
import pathlib
import tempfile
from typing import Any

PATH = pathlib.Path(__file__).parents[1] / "docs" / "kd_jax.ipynb"
NAME = "cells_sha256"  # in the notebook's metadata


def read() -> dict:
    """The notebook."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def code(notebook: dict) -> list[dict]:
    """Its cells of code."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def digest(notebook: dict) -> str:
    """What tells the sources of its code from others."""
    sources = ["".join(cell["source"]) for cell in code(notebook)]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def run(notebook: dict, settings: dict) -> tuple[dict, list[list[dict]]]:
    """Run the cells in the current folder, but those that install.

    Args:
        notebook: see `read`.
        settings: variables that take the place of those of the cell of parameters.

    Returns:
        The namespace, and the outputs of every cell of code.
    """
    names: dict = {"__name__": "notebook"}
    outputs = []
    for number, cell in enumerate(code(notebook), 1):
        tags = cell["metadata"].get("tags", [])
        outputs.append([] if "install" in tags else _run_cell(cell, number, names))
        if "parameters" in tags:
            names |= settings
    return names, outputs


def _run_cell(cell, number, names):
    """The outputs of a cell: what it prints, and the value of the expression that ends it."""
    tree, value, said = ast.parse("".join(cell["source"])), None, io.StringIO()
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, f"cell {cell['id']}", "exec"), names)
        if last:
            value = eval(compile(ast.Expression(last.value), f"cell {cell['id']}", "eval"), names)
    found: list[dict] = []
    if said.getvalue():
        text = said.getvalue().splitlines(keepends=True)
        found.append({"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        shown = {"output_type": "execute_result", "execution_count": number, "metadata": {}}
        found.append({**shown, "data": _shown(value)})
    return found


def _shown(value: Any) -> dict:
    """A value as a notebook shows it."""
    if hasattr(value, "savefig"):
        image = io.BytesIO()
        value.savefig(image, format="png", dpi=100)
        said = f"<Figure of {len(value.axes)} axes>"
        return {"image/png": base64.b64encode(image.getvalue()).decode(), "text/plain": [said]}
    shown: dict = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        shown["text/html"] = value._repr_html_().splitlines(keepends=True)
    return shown


def write() -> None:
    """Run the notebook as it is and keep its outputs."""
    notebook = read()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        _, outputs = run(notebook, {})
        os.chdir(PATH.parent)
    for number, (cell, found) in enumerate(zip(code(notebook), outputs), 1):
        installs = "install" in cell["metadata"].get("tags", [])
        cell |= {"outputs": found, "execution_count": None if installs else number}
    notebook["metadata"][NAME] = digest(notebook)
    PATH.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
