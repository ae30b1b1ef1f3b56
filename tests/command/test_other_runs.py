"""Whole runs of other kinds: images, no labels, trained teachers, plugins, weights, ensembles."""

import json

import numpy as np
import one_process
import pytest
import tiny_runs
from scipy import special
from verdict_words import check_unjudged

from kd_jax.storage import jsonl

random = np.random.default_rng(3)
INPUTS = random.normal(size=(90, 4)).astype(np.float32)
LOGITS = 3 * np.stack([INPUTS[:, 0], -INPUTS[:, 0], INPUTS[:, 1]], 1).astype(np.float32)
PROJECTOR = """
import jax.numpy as jnp
from kd_jax.distill.methods import Method

def term(student, teacher, batch, extra):
    return jnp.mean((student.logits @ extra["w"] - teacher.logits) ** 2)

def extra(key, student, teacher):
    return {"w": jnp.eye(student.logits.shape[-1])}

METHODS = [Method("projected", term, (0.5,), extra=extra)]
"""


def config(folder, **given):
    usual = {"data": str(folder / "data.npz"), "label": "", "teacher": (), "student": "mlp:3"}
    return tiny_runs.config(folder, **{**usual, "temperatures": (2.0,), **given})


def said(run):
    """What the table of a run says below it."""
    return "\n".join(json.loads((run / "comparison.json").read_text())["notes"])


@pytest.mark.slow
def test_without_labels_students_agree_with_the_teacher_and_the_baseline_is_its_classes(tmp_path):
    split = np.array(["train"] * 60 + ["validation"] * 10 + ["test"] * 20)
    np.savez(tmp_path / "data.npz", inputs=INPUTS, teacher_logits=LOGITS, split=split)
    run = tiny_runs.finished(config(tmp_path, epochs=8))
    rows = ["pseudo labels", "soft targets, T=2"]
    assert [r["row"] for r in jsonl.records(run)] == [row for row in rows for _ in range(2)]
    for record in jsonl.records(run):
        assert record["test_agreement"] == pytest.approx(record["test_accuracy"])
    (first, _, header) = (run / "table.md").read_text().splitlines()[:3]
    assert first.startswith("**") and "agreement, %" in header and "KL(t‖s)" in header
    assert "teacher" not in [line.split("|")[1].strip() for line in header.splitlines()]


@pytest.mark.slow
def test_students_learn_from_several_teachers_as_the_mean_of_their_probabilities(tmp_path):
    labels = LOGITS.argmax(-1)
    np.savez(tmp_path / "data.npz", inputs=INPUTS, labels=labels)
    np.save(tmp_path / "1.npy", LOGITS)
    np.save(tmp_path / "2.npy", LOGITS[:, ::-1])
    names = [str(tmp_path / "1.npy"), str(tmp_path / "2.npy")]
    run = tiny_runs.finished(config(tmp_path, teacher=(",".join(names),)))
    p = special.softmax(np.stack([LOGITS, LOGITS[:, ::-1]]).astype(float), -1).mean(0)
    np.save(tmp_path / "mean.npy", np.log(p).astype(np.float32))
    one = tiny_runs.finished(config(tmp_path, teacher=(str(tmp_path / "mean.npy"),)))
    several, alone = ([r["test_kl"] for r in jsonl.records(x)] for x in (run, one))
    np.testing.assert_allclose(several, alone, rtol=1e-3)
    assert f"mean of the probabilities of {names[0]} and {names[1]}" in said(run)


@pytest.mark.slow
def test_a_plugin_trains_its_projector_and_validation_chooses_its_weight(tmp_path):
    labels = LOGITS.argmax(-1)
    np.savez(tmp_path / "data.npz", inputs=INPUTS, labels=labels, teacher_logits=LOGITS)
    (tmp_path / "mine.py").write_text(PROJECTOR)
    given = {"plugin": str(tmp_path / "mine.py"), "methods": ("labels",), "epochs": 5}
    multiples = (0.1, 1.0, 10.0)
    found = jsonl.records(tiny_runs.finished(config(tmp_path, **given, weights=multiples)))
    (chosen,) = {r["weight"] for r in found if r["row"] == "projected"}
    each = {}
    for weight in multiples:
        records = jsonl.records(tiny_runs.finished(config(tmp_path, **given, weights=(weight,))))
        own = [r for r in records if r["row"] == "projected"]
        assert {r["weight"] for r in own} == {0.5 * weight}
        each[0.5 * weight] = [
            np.mean([r[f"validation_{x}"] for r in own]) for x in ("errors", "nll")
        ]
    assert chosen == min(each, key=each.get)


@pytest.mark.slow
def test_features_of_a_trained_teacher_of_images_and_of_their_views(tmp_path):
    images = random.integers(256, size=(60, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(60) % 3
    images[labels == 1, :4] //= 4
    images[labels == 2, :, :4] //= 4
    np.savez(tmp_path / "data.npz", inputs=images, labels=labels)
    given = {
        "teacher": ("train:cnn:4",), "student": "cnn:2", "methods": ("labels", "hint", "at"),
        "batch_size": 20, "teacher_epochs": 2,
    }  # fmt: skip
    runs = [tiny_runs.finished(config(tmp_path, **given, augment=x)) for x in ("none", "crop_flip")]
    rows = ["labels only", "hint (FitNet)", "attention transfer (AT)"]
    for run in runs:
        assert [r["row"] for r in jsonl.records(run)] == [row for row in rows for _ in range(2)]
    losses = [[r["test_nll"] for r in jsonl.records(run)] for run in runs]
    assert len(set(np.round(losses, 6).ravel())) == 12
    saved = config(tmp_path, **{**given, "methods": ("labels", "soft_targets")}, cross_fit=3,
                   augment="crop_flip")  # fmt: skip
    assert "cannot be asked about views of --augment" in said(tiny_runs.finished(saved))


@pytest.mark.slow
def test_every_format_is_written_and_int8_is_measured_on_the_test(tmp_path):
    pytest.importorskip("jax2onnx")
    labels = LOGITS.argmax(-1)
    np.savez(tmp_path / "data.npz", inputs=INPUTS, labels=labels, teacher_logits=LOGITS)
    formats = ("onnx", "stablehlo", "safetensors", "int8")
    tiny_runs.finished(config(tmp_path, out=str(tmp_path / "out"), formats=formats, epochs=5))
    held = {path.name for path in (tmp_path / "out" / "student").iterdir()}
    assert {"student.onnx", "student_int8.stablehlo", "student_int8.safetensors"} <= held
    text = (tmp_path / "out" / "README.md").read_text()
    assert "- As int8 it is right on " in text
    assert "student_int8.stablehlo" in text


def test_a_smoke_of_many_seeds_judges_nowhere(tmp_path, monkeypatch, capsys):
    """Of weak students of labels that are often wrong, whom such a teacher helps."""
    one_process.verified_here(monkeypatch)
    np.savez(tmp_path / "data.npz", inputs=INPUTS, labels=LOGITS.argmax(-1), teacher_logits=LOGITS)
    out = tmp_path / "out"
    run = tiny_runs.finished(config(tmp_path, preset="smoke", seeds=5, margin=50.0, out=str(out)))
    check_unjudged(capsys.readouterr().out, run, out)
