"""The decoder experiment: its problems as texts, and a smoke run with every objective."""

import dataclasses
import json

import numpy as np
import pytest
from published import DATA, needed

from experiments.language_model.objectives import FEW, MORE
from kd_jax.storage import jsonl

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from experiments.language_model import report
from experiments.language_model import run as experiment
from kd_jax import experiment as config
from kd_jax.data.gsm8k import Problem
from kd_jax.errors import InputError
from kd_jax.language import gsm8k_texts, tiny_teacher
from kd_jax.pretrained import llama
from kd_jax.storage import run_folder

SOME = [
    Problem("How many?", "4+3 = <<4+3=7>>7.\n#### 7"),
    Problem("How many more than he had before are there?", "6"),
    Problem("Why?", "2"),
]


def test_problems_are_prompts_and_solutions_without_the_calculator_s_notes():
    words = tiny_teacher.tokenizer([])  # letters
    found = gsm8k_texts.texts(words, SOME, 2, (30, 30))  # the second prompt is too long

    def said(tokens, row):
        return words.decode(tokens.ids[row][tokens.mask[row]].tolist(), skip_special_tokens=False)

    asked = "<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n"
    assert said(found.prompts, 0) == asked and found.prompts.mask[:, -1].all()
    assert said(found.answers, 0) == "4+3 = 7.\n#### 7<|im_end|>"
    assert said(found.answers, 1) == "2<|im_end|>" and found.answers.mask[:, 0].all()
    with pytest.raises(InputError, match="2 of 3 problems have prompts of 30 tokens or fewer"):
        gsm8k_texts.texts(words, SOME, 3, (30, 30))


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--batch=6", "--parts=4"], "--parts=4: expected a divisor of --batch=6"),
        (["--texts=3"], "--texts=3: expected --batch=4 or more"),
        (["--rate=0"], "--rate=0: expected a number above 0"),
        (["--tiny", "--teacher=x"], "--tiny and --teacher: expected one"),
        (["--temperature=-1"], "--temperature=-1: expected 0 or more"),
        (["--top_p=0"], "--top_p=0: expected above 0, 1 at most"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(flags, said):
    with pytest.raises(InputError, match=said):
        config.parse(experiment.Config, ["x", *flags])


def test_texts_longer_than_the_teacher_s_positions_are_one_line():
    needed(DATA / "gsm8k")
    known = {"tiny": True, "layers": 2, "manual_dir": str(DATA), "texts": 8}
    with pytest.raises(
        InputError, match="--prompt_tokens=2000 and --answer_tokens=64: expected 2048"
    ):
        experiment.load(experiment.Config(**known, prompt_tokens=2000))
    long = experiment.Config(**known, prompt="long " * 2000)
    with pytest.raises(InputError, match="--prompt has .* expected 1984 at most") as caught:
        experiment.load(long)
    assert "\n" not in str(caught.value)


def test_a_smoke_run_has_every_objective_of_every_seed(tmp_path, capsys, monkeypatch):
    needed(DATA / "gsm8k")
    preset = experiment.Config.PRESETS["smoke"]
    where = {"workdir": str(tmp_path), "manual_dir": str(DATA)}
    settings = experiment.Config(**preset, preset="smoke", **where)
    experiment.run(settings)
    (folder,) = tmp_path.glob("language_model/*")
    found = jsonl.records(folder)
    rows = [each.row for each in FEW + MORE]
    assert len(rows) == len(set(rows)) == 12
    seen = [(r["row"], r["seed"]) for r in found]
    assert seen[:2] == [(report.TEACHER, 0), (report.CUT, 0)]
    assert sorted(seen[2:]) == sorted((row, seed) for row in rows for seed in range(2))
    for r in found:
        numbers = [r[f"test_{name}"] for name in ("nll", "kl", "reverse_kl", "agreement")]
        assert np.isfinite(numbers).all() and 0 <= r["test_agreement"] <= 1
        assert r["tokens"] == found[0]["tokens"] > 0
    (teacher, cut, *trained) = found
    assert teacher["test_kl"] == pytest.approx(0, abs=1e-6) and cut["test_kl"] > 0.01
    assert all(r["peak_bytes"] > 0 and r["tokens_per_second"] > 0 for r in trained)
    assert len({r["test_kl"] for r in trained}) == len(trained)  # each is a training of its own
    bytes_per_token = {row: size["bytes_per_token"] for row, size in teacher["caches"].items()}
    net = tiny_teacher.NET
    assert bytes_per_token == {
        report.FORWARD: 4 * net.width,
        "top 64 and tail": 512,
        "top 16 and tail": 128,
    }
    assert (folder / "agreement_and_kl.png").stat().st_size > 5000
    assert json.loads((folder / "manifest.json").read_text())["teacher"]
    table = (folder / "table.md").read_text()
    assert experiment.table(folder) == table and table in capsys.readouterr().out + "\n"
    assert f"Against {report.SFT}" in table and "all logits, float32" in table
    assert "times as fast" in table
    monkeypatch.setattr(run_folder, "Run", lambda *place: pytest.fail("trained again"))
    experiment.run(dataclasses.replace(settings, prompt="How many?"))
    said = capsys.readouterr().out
    assert said.startswith("--- question\nHow many?\n--- teacher, 4 layers\n")
    assert f"--- student ({report.FORWARD}), 2 layers\n" in said
    net, params = llama.load(folder / "student")
    assert net.layers == 2 and params["layers"]["query"]["kernel"].shape[0] == 2
