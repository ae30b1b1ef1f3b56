"""Narrower students begin near their teacher's embeddings, learn, and are saved with a Dense."""

import dataclasses

import jax
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_texts
from refusals import refused
from tiny_sentences import sentence_encoder

import kd_jax as kd
from kd_jax.language.encoder import narrow, students
from kd_jax.language.encoder.training import Recipe


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return kd.Encoder(sentence_encoder(tmp_path_factory.mktemp("teacher")))


def test_its_tables_are_the_best_projections_of_the_teachers(teacher):
    """Rows times directions times their transpose miss what the smallest singular values hold."""
    width, own = teacher.network.width // teacher.network.heads, teacher.params["embeddings"]
    word = np.random.default_rng(0).normal(size=own["word"].shape)  # of full rank
    params = {**teacher.params, "embeddings": {**own, "word": word.astype(np.float32)}}
    teacher = teacher.replaced(teacher.network, params)
    student = narrow.of_width(teacher, 1, width, jax.random.key(0))
    assert student.network == dataclasses.replace(
        students.of_layers(teacher, 1).network, width=width, heads=1,
        intermediate_size=teacher.network.intermediate_size // teacher.network.heads,
    )  # fmt: skip
    whole = np.float64(teacher.params["embeddings"]["word"])
    block = np.float64(student.params["head"][0]["kernel"])[:width, : teacher.network.width]
    missed = np.linalg.norm(np.float64(student.params["embeddings"]["word"]) @ block - whole)
    smallest = np.linalg.svd(whole, compute_uv=False)[width:]
    assert missed == pytest.approx(np.linalg.norm(smallest), rel=1e-4)
    assert student.frozen == () and student.unit


def test_it_learns_and_is_read_again(teacher, tmp_path):
    texts, _ = tiny_texts.drawn(48)
    width = teacher.network.width // teacher.network.heads
    result = kd.distill_encoder(
        teacher, texts[:32], dev=texts[32:38], test=texts[38:], layers=(1,), seeds=2, width=width,
        losses=["cosine"], recipe=Recipe(epochs=8, batch_size=16, learning_rate=1e-2, widths=(10,)),
    )  # fmt: skip
    name = f"1 layer of {width}, cosine"
    first, second = (r for r in result.records if r["row"] == name)
    assert first["train_loss"] != second["train_loss"]
    costs = result.comparison.costs
    assert costs[f"1 layer of {width}"]["bytes"] < costs["1 layer, cut"]["bytes"]
    assert result.comparison.cost(name) == costs[f"1 layer of {width}"]
    moved = result.best.params["embeddings"]["word"]
    begun = result.problem.student(1, result.comparison.best[1]).params["embeddings"]["word"]
    assert np.abs(np.asarray(moved) - begun).max() > 1e-3
    result.save(tmp_path / "narrow")
    again = kd.Encoder(tmp_path / "narrow")
    assert again.network.width == width and again.dimension == teacher.dimension
    np.testing.assert_allclose(again.embed(texts), result.best.embed(texts), atol=1e-5)


def test_bad_input_is_one_line(teacher):
    size = teacher.network.width // teacher.network.heads
    for width in (size + 1, teacher.network.width):
        refused(f"--width={width}: expected a multiple of {size}", narrow.of_width, teacher, 1,
                width, jax.random.key(0))  # fmt: skip
    texts, _ = tiny_texts.drawn(40)
    refused("--losses=cosine.hidden and --width=8: .*leave hidden out", kd.distill_encoder, teacher,
            texts, layers=(1,), losses=["cosine+hidden"], width=8)  # fmt: skip
