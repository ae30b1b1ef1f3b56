"""Distillation across tokenizers: what `distill_lm` is asked for, and a small run."""

import pytest
import short_problems
from in_process import by_gradient_descent, finished

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("jinja2", reason="needs the extra text")

from experiments.across_tokenizers import report
from experiments.across_tokenizers import run as across_tokenizers
from experiments.across_tokenizers.config import Config
from kd_jax.report import markdown_blocks
from kd_jax.storage import jsonl

SFT, ALONE, BESIDE = (
    "SFT on the text", "universal logit (sorted probabilities)", "SFT + 1.5 · universal logit",
)  # fmt: skip


def small(tmp_path, **more):
    return Config(**Config.PRESETS["smoke"] | {"workdir": str(tmp_path / "runs")} | more)


def test_the_students_have_tokens_of_the_texts_and_the_teacher_s_layers(tmp_path, monkeypatch):
    short_problems.file_instead(monkeypatch, tmp_path)
    flags, found = across_tokenizers.load(small(tmp_path, vocabulary=270, uld_weights=(1.5, 3.0)))
    assert [each.row for each in found.objectives] == [
        SFT,
        BESIDE,
        BESIDE.replace("1.5", "3"),
        ALONE,
    ]
    assert (found.start.net.layers, found.start.net.vocabulary) == (1, 270)
    assert found.start.tokens.tokenizer.get_vocab_size() == 270
    assert len(found.problem.texts) == 8 and flags.held_out == 4  # of twelve
    assert found.problem.across is not None and not flags.pack


def test_a_run_has_every_row_and_is_the_same_again(tmp_path, capsys, monkeypatch):
    short_problems.file_instead(monkeypatch, tmp_path)
    by_gradient_descent(monkeypatch)
    monkeypatch.setattr("kd_jax.language.decoder.chatting.speeds", lambda sides, tokens: [5.0, 7.0])
    folder = finished("across_tokenizers", small(tmp_path, vocabulary=270))
    teacher, start, *trained = jsonl.records(folder)
    assert [r["row"] for r in trained] == [SFT, BESIDE, ALONE]
    assert teacher["test_uld"] == 0 < start["test_uld"] < 2
    assert len({r["test_nll"] for r in trained}) == 3
    table = (folder / "table.md").read_text()
    assert report.table(folder) == table and table in capsys.readouterr().out + "\n"
    titles = [each.content for each in markdown_blocks.parse(table) if each.kind == "title"]
    assert f"Against {SFT}, [95 %]:" in titles
    assert (folder / "against_sft.svg").stat().st_size > 5000
