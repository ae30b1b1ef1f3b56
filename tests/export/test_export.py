"""Exported networks, read by the programs that they are for."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs the extra export")
pytest.importorskip("safetensors", reason="needs the extra export")

import jax
import one_process
import onnxruntime
from in_process import performed, untrained
from safetensors.numpy import load_file

import kd_jax as kd
from experiments.export import run as export
from experiments.export.config import Config
from kd_jax import experiment, models
from kd_jax.data import Split
from kd_jax.errors import InputError
from kd_jax.export import export as exporting
from kd_jax.export import folders, saved_models, verify

ROW = "soft targets, T=3"
MODEL = models.functional(models.MLP((80, 20), 10), (100,))
STUDENT, TEACHER = (jax.tree.map(lambda x, i=i: x[[i]], untrained(MODEL, 2, 1)) for i in (0, 1))
INPUTS = np.random.default_rng(0).normal(size=(300, 100)).astype(np.float32)


def by_hand(variables):
    """Logits [N, 10] in float64: dense layers, the first two with rectifiers."""
    x = INPUTS.astype(np.float64)
    params = variables["params"]
    for name in ("hidden_1", "hidden_2", "logits"):
        x = x @ params[name]["kernel"][0, 0] + params[name]["bias"][0, 0]
        x = x if name == "logits" else np.maximum(x, 0)
    return x


THEIRS, OURS = by_hand(TEACHER).argmax(-1), by_hand(STUDENT).argmax(-1)
LABELS = np.where(np.arange(300) % 3, OURS, 0)  # two thirds are right


def saving(config, run):
    """An experiment that saves networks which it did not train."""
    test = Split(INPUTS, LABELS)
    saved_models.save(run, MODEL, TEACHER, ["teacher"], test)
    saved_models.save(run, MODEL, STUDENT, [ROW], test, by_hand(TEACHER))
    run.append([{"row": "teacher", "seed": 0, "test_errors": int(np.sum(THEIRS != LABELS))}])
    errors, agreement = int(np.sum(OURS != LABELS)), float(np.mean(OURS == THEIRS))
    run.append([{"row": ROW, "seed": 0, "test_errors": errors, "test_agreement": agreement}])
    run.notes(teachers={"0f" * 8: {"row": "teacher", "data": "cd" * 8}})


def exported(config):
    """Run the tool, which opens no run folder of its own."""
    here = experiment.perform("export", config, lambda: (export.run, None, None))
    assert not here.is_open


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a finished run."""
    config = experiment.Config(workdir=str(tmp_path_factory.mktemp("runs")))
    return performed("saving", config, lambda: (saving, None, None))


@pytest.fixture(scope="module")
def out(folder):
    """What a process of its own has read, of each kind of file one."""
    process = verify.logits_and_cost

    def read(path, inputs):
        of = process if path.stem == "student" else one_process.in_this_process
        return of(path, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "logits_and_cost", read)
        exported(Config(run=str(folder), row=ROW))
    return folder / "export" / "soft-targets-t-3-seed-0"


@pytest.fixture(scope="module")
def network(folder):
    """(the SavedModel, its logits by hand)."""
    return saved_models.take(folder, ROW, 0, {}), by_hand(STUDENT)


def test_every_file_is_there_with_its_digest(out):
    wanted = {
        "README.md", "measure.py", "report.json", "student.json", "student.onnx",
        "student.safetensors", "student.stablehlo", folders.LIST,
        "predict.py", "preprocessing.json", "preprocessing.py",
    }  # fmt: skip
    found = {path.name: path for path in out.iterdir()}
    narrow = {"student_int8.json", "student_int8.safetensors", "student_int8.stablehlo"}
    assert found.keys() in (wanted, wanted | narrow)
    card = (out / "README.md").read_text()
    for name in found.keys() - {"README.md", folders.LIST}:
        assert hashlib.sha256(found[name].read_bytes()).hexdigest() in card
    assert "- Teacher: teacher, " in card
    assert [path.name for path in out.parent.iterdir()] == [out.name]  # nothing half-written


def test_the_report_counts_what_the_record_counts(folder, out, network):
    report, (found, _) = json.loads((out / "report.json").read_text()), network
    for form in ("StableHLO", "safetensors", "ONNX"):
        assert report[form]["errors"] == found.record["test_errors"]
        assert report[form]["of"] == 300 and report[form]["deviation"] <= 1e-5
        assert report[form]["agreement"] == pytest.approx(found.record["test_agreement"], abs=1e-6)
        # 100·80 + 80·20 + 20·10 weights, and 110 biases
        assert report[form]["multiply_adds"] == 9800 and report[form]["parameters"] == 9910
    assert report["teacher"]["errors"] == found.teacher.record["test_errors"]
    assert report["safetensors, int8"]["bytes"] < report["safetensors"]["bytes"] / 3
    for measures in report.values():
        assert 0 < measures["seconds_1"] and 0 < measures["seconds_128"]
        assert measures["peak_bytes"] > 1e7
    assert not (out / "teacher.stablehlo").exists()


def test_the_folder_is_one_that_predicts_new_rows(out, network, tmp_path):
    np.savez(tmp_path / "new.npz", inputs=INPUTS[:9])
    ended = subprocess.run(
        [sys.executable, "-I", out / "predict.py", tmp_path / "new.npz"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    header, *lines = ended.stdout.splitlines()
    assert header == "label," + ",".join(f"p({number})" for number in range(10))
    assert [line.split(",")[0] for line in lines] == [str(x) for x in network[1][:9].argmax(-1)]
    found = kd.load(out)
    np.testing.assert_array_equal(found.predict(INPUTS), OURS)
    assert "`python predict.py new.npz`" in (out / "README.md").read_text()


def test_names_of_classes_and_columns_come_with_a_network_where_they_are_known(network, tmp_path):
    columns = [{"name": "age", "kind": "number", "mean": 0.0, "scale": 1.0, "missing": False}]
    about = {"classes": list("abcdefghij"), "preprocessing": {"kind": "table", "columns": columns}}
    found = exporting._of_rows(network[0]._replace(about=about))
    assert found.classes == about["classes"] and found.preprocessing == about["preprocessing"]
    assert exporting._of_rows(network[0]._replace(inputs={"ids": INPUTS})) is None


def test_onnx_takes_any_batch(out, network):
    session, (found, logits) = onnxruntime.InferenceSession(out / "student.onnx"), network
    for count in (1, 7):
        (outputs,) = session.run(None, {"inputs": found.inputs[:count]})
        np.testing.assert_allclose(outputs, logits[:count], atol=1e-5 * np.abs(logits).max())


def test_stablehlo_is_for_every_platform_and_batch(out, network):
    from jax import export as stablehlo

    found, logits = network
    exported = stablehlo.deserialize(bytearray((out / "student.stablehlo").read_bytes()))
    assert set(exported.platforms) == {"cpu", "cuda", "tpu"}
    for count in (1, 7):
        outputs = exported.call(found.inputs[:count])
        np.testing.assert_allclose(outputs, logits[:count], atol=1e-5 * np.abs(logits).max())


def test_safetensors_holds_the_parameters(out, network):
    tensors = load_file(out / "student.safetensors")
    layers = network[0].variables["params"]
    assert len(tensors) == 6
    for name, array in tensors.items():
        _, layer, kind = name.split(".")
        np.testing.assert_array_equal(array, layers[layer][kind])


def test_int8_that_loses_too_much_is_measured_but_not_exported(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "POINTS", -100.0)
    one_process.verified_here(monkeypatch)
    exported(Config(run=str(folder), row=ROW, seed=0, out=str(tmp_path / "out")))
    assert not list((tmp_path / "out").glob("student_int8*"))
    assert "StableHLO, int8" in json.loads((tmp_path / "out" / "report.json").read_text())


def test_what_differs_is_not_exported(folder, tmp_path, monkeypatch):
    took = {"seconds_1": 1.0, "seconds_128": 1.0, "peak_bytes": 1}
    monkeypatch.setattr(exporting.verify, "logits_and_cost", lambda *_: (np.zeros((300, 10)), took))
    off = f"{np.abs(by_hand(TEACHER)).max():.1e}"  # of zeros
    line = rf"teacher read again differs by {off} .*: nothing was exported"
    with pytest.raises(InputError, match=line):
        exported(Config(run=str(folder), row=ROW, out=str(tmp_path / "out")))
    assert list(tmp_path.iterdir()) == []


def test_nothing_else_is_replaced_by_an_export(folder, tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(
        InputError, match=r"holds other files \(thesis.tex\): expected a new folder"
    ):
        exported(Config(run=str(folder), row=ROW, out=str(tmp_path)))
    assert (tmp_path / "thesis.tex").read_text() == "all of it"


def test_a_run_that_is_not_finished_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    path = tmp_path / "run" / "manifest.json"
    said = json.loads(path.read_text())
    del said["finished"]
    path.write_text(json.dumps(said))
    with pytest.raises(InputError, match="run is no finished run: ./run.sh list says how it goes"):
        Config(run=str(tmp_path / "run"))


def test_bad_input_is_one_line(folder, tmp_path, capsys):
    for changes, line in (
        ({}, "--run is missing"),
        ({"run": str(tmp_path)}, f"--run={tmp_path} is no finished run: it has no manifest.json"),
        ({"run": str(folder), "where": ("part",)}, "--where=part: expected name=value"),
        ({"run": str(folder), "seed": -1}, "--seed=-1: expected at least 0"),
    ):
        with pytest.raises(InputError, match=line):
            Config(**changes)
    with pytest.raises(InputError, match="--row=no one --seed=0: 0 networks of"):
        exported(Config(run=str(folder), row="no one"))
    exported(Config(run=str(folder)))
    assert ROW in capsys.readouterr().out
