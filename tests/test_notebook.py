"""The notebook runs from its first cell to its last, with fewer seeds and epochs than it says."""

import json
import pathlib

import numpy as np
import pytest

import kd_jax as kd

PATH = pathlib.Path(__file__).parents[1] / "docs" / "kd_jax.ipynb"
NOTEBOOK = json.loads(PATH.read_text(encoding="utf-8"))
CODE = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def tagged(tag):
    return [cell for cell in CODE if tag in cell["metadata"].get("tags", [])]


def test_it_is_kept_without_outputs():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CODE)
    assert len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])
    (install,) = tagged("install")
    lines = "".join(line for cell in CODE if cell is not install for line in cell["source"])
    assert not [line for line in lines.splitlines() if line.lstrip().startswith(("%", "!"))]


@pytest.mark.slow
def test_its_cells_run_in_order_in_one_namespace(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("jax2onnx")
    names: dict = {"__name__": "notebook"}
    (install,), (parameters,) = tagged("install"), tagged("parameters")
    for cell in CODE:
        if cell is not install:
            exec(compile("".join(cell["source"]), f"cell {cell['id']}", "exec"), names)
        if cell is parameters:
            names |= {"SEEDS": 2, "EPOCHS": 1}
    rows = {r["row"] for r in names["result"].records}
    assert {"teacher", "labels only"} < rows and len(names["result"].records) > len(rows)
    said = capsys.readouterr().out.splitlines()  # what predict.py printed
    assert any("class_0" in line for line in said)
    again = kd.load("wine_student")
    found = again.predict(again.inputs("wine.csv"))
    assert len(found) == 178 and set(found) <= {0, 1, 2}
    assert list(again.classes) == ["class_0", "class_1", "class_2"]
    np.testing.assert_array_equal(
        kd.load("image_student").predict(names["data"].test.inputs[:5]),
        names["data"].fitted(names["result"].best).predict(names["data"].test.inputs[:5]),
    )
