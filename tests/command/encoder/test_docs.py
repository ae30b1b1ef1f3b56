"""The commands of docs/encoders.md run as they stand there, and its flags are those there are."""

import dataclasses
import json
import pathlib
import re

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_texts
from tiny_sentences import sentence_encoder

import kd_jax as kd
from kd_jax import experiment
from kd_jax.command import __main__ as command
from kd_jax.command.encoder.config import Config
from kd_jax.export import encoder_onnx
from kd_jax.pretrained import sentence_embeddings

PAGE = (pathlib.Path(__file__).parents[3] / "docs" / "encoders.md").read_text()
BY_HAND = re.sub("<!-- encoder_.*?<!-- end -->", "", PAGE, flags=re.DOTALL)
PROGRAMS = re.findall("```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"\./run\.sh (distill_encoder [^\n]*(?:\\\n[^\n]*)*)\n\n", BY_HAND)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the files that the commands name; the packaged encoder is the smallest."""
    monkeypatch.chdir(tmp_path)
    sentence_encoder(tmp_path / "teacher")
    monkeypatch.setattr(sentence_embeddings, "packaged", lambda: tmp_path / "teacher")
    texts, labels = tiny_texts.drawn(80)
    rows = [f"{text},{label}" for text, label in zip(texts, labels)]
    (tmp_path / "questions.csv").write_text("\n".join(["question,intent", *rows]))
    (tmp_path / "notes.txt").write_text("\n".join(texts))
    lines = [
        {"query": a, "positive": b, "negatives": [c], "scores": [1, n % 3]}
        for n, (a, b, c) in enumerate(zip(texts, texts[1:], texts[2:]))
    ]
    (tmp_path / "rankings.jsonl").write_text("\n".join(map(json.dumps, lines)))


@pytest.mark.slow
def test_the_commands(here, capsys):
    labeled, unlabeled, ranked = (found.replace("\\\n", " ").split() for found in COMMANDS)
    smoke = ["--preset=smoke", "--max_length=8"]
    command.main([*(x for x in labeled if "layers" not in x), "--layers=2,1", *smoke])
    command.main([*unlabeled, *smoke])
    command.main([*ranked, *smoke])
    assert kd.Encoder("small").dimension == kd.Encoder("smaller").dimension == 5
    assert {p.name for p in pathlib.Path("small").glob("*_layer*")} < {"1_layer", "2_layers"}
    shown = capsys.readouterr().out
    assert "2 layers, cosine + gram" in shown
    assert "ranked: cosine" in shown and kd.Encoder("ranker").dimension == 5


@pytest.mark.slow
def test_the_program(here, capsys):
    (program,) = [x for x in PROGRAMS if "distill_encoder" in x]
    exec(compile(program, "a program of the docs", "exec"), {"kd": kd})
    assert kd.Encoder("small").network.layers == 1
    assert "vs. its cut" in capsys.readouterr().out


def test_the_onnx_file_gives_the_vectors_in_a_program_without_kd_jax(here):
    """Of the teacher, which reads 10 tokens of a text at most."""
    encoder = kd.Encoder("teacher")
    encoder.save("small")
    pathlib.Path("small/onnx").mkdir()
    parts = encoder.network, encoder.params, encoder.head, encoder.head_params
    encoder_onnx.write(pathlib.Path("small/onnx/model.onnx"), *parts)
    (program,) = [x for x in PROGRAMS if "onnxruntime" in x]
    names: dict = {}
    exec(compile(program.replace("(128)", "(10)"), "a program of the docs", "exec"), names)
    wanted = encoder.embed(["how is my card", "my card is late"])
    np.testing.assert_allclose(names["vectors"], wanted, atol=1e-5)


def test_every_flag_is_one_and_none_is_left_out():
    assert len(COMMANDS) == 3
    own = {x.name for x in dataclasses.fields(Config)}
    shared = {x.name for x in dataclasses.fields(experiment.Config)}
    said = set(re.findall(r"`?--(\w+)", PAGE))
    assert said <= own and own - shared <= said
