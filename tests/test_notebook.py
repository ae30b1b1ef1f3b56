"""The notebook runs from its first cell to its last, with fewer seeds and epochs than it says."""

import json
import pathlib

import notebook
import numpy as np
import pytest

import kd_jax as kd

PAGE = notebook.read()
CODE = notebook.code(PAGE)


def kinds(outputs):
    """What of a cell's outputs is the same at any number of seeds."""
    return [(x["output_type"], sorted(x.get("data", ()))) for x in outputs]


def test_its_outputs_are_of_its_cells():
    assert PAGE["metadata"][notebook.NAME] == notebook.digest(PAGE), (
        "the cells changed: run tests/notebook.py, which keeps their outputs"
    )
    text = notebook.PATH.read_text(encoding="utf-8")
    assert len(text.encode()) < 100_000
    said = json.dumps([cell["outputs"] for cell in CODE])
    assert not [
        place for place in ("/tmp", "/home", "/root", str(pathlib.Path.cwd())) if place in said
    ]


def test_it_is_a_notebook_whose_one_cell_installs():
    assert (PAGE["nbformat"], PAGE["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in PAGE["cells"]}) == len(PAGE["cells"])
    (install,) = [cell for cell in CODE if "install" in cell["metadata"].get("tags", [])]
    assert (install["outputs"], install["execution_count"]) == ([], None)
    lines = "".join(line for cell in CODE if cell is not install for line in cell["source"])
    assert not [line for line in lines.splitlines() if line.lstrip().startswith(("%", "!"))]


@pytest.mark.slow  # which CI always runs
def test_its_cells_run_in_order_in_one_namespace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("jax2onnx")
    names, outputs = notebook.run(PAGE, {"SEEDS": 2, "EPOCHS": 1})
    assert list(map(kinds, outputs)) == [kinds(cell["outputs"]) for cell in CODE]
    rows = {r["row"] for r in names["result"].records}
    assert {"teacher", "labels only"} < rows and len(names["result"].records) > len(rows)
    said = [line for found in outputs for x in found for line in x.get("text", ())]
    assert any("class_0" in line for line in said)  # what predict.py printed
    again = kd.load("wine_student")
    found = again.predict(again.inputs("wine.csv"))
    assert len(found) == 178 and set(found) <= {0, 1, 2}
    assert list(again.classes) == ["class_0", "class_1", "class_2"]
    np.testing.assert_array_equal(
        kd.load("image_student").predict(names["data"].test.inputs[:5]),
        names["data"].fitted(names["result"].best).predict(names["data"].test.inputs[:5]),
    )
