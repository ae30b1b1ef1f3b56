"""The decoder experiment: its problems as texts, and a smoke run with every objective."""

import dataclasses
import functools
import json

import jax
import numpy as np
import pytest
from in_process import finished
from published import DATA, needed

from kd_jax.storage import jsonl

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from tiny_llama import NET, PARAMS

from experiments.language_model import generation as writing
from experiments.language_model import report, rows
from experiments.language_model import run as language_model
from experiments.language_model.config import Config
from experiments.language_model.objectives import chosen
from kd_jax import experiment
from kd_jax.data.gsm8k import QuestionAndSolution
from kd_jax.data.padding import padded
from kd_jax.errors import InputError
from kd_jax.language import generation, gsm8k_texts, tiny_teacher
from kd_jax.models import llama as models
from kd_jax.pretrained import llama
from kd_jax.storage import run_folder

SOME = [
    QuestionAndSolution("How many?", "4+3 = <<4+3=7>>7.\n#### 7"),
    QuestionAndSolution("How many more than he had before are there?", "6"),
    QuestionAndSolution("Why?", "2"),
]


def test_problems_are_prompts_and_solutions_without_the_calculator_s_notes():
    words = tiny_teacher.tokenizer([])  # letters
    found = gsm8k_texts.encode(words, SOME, 2, (30, 30))  # the second prompt is too long

    def said(tokens, row):
        return words.decode(tokens.ids[row][tokens.mask[row]].tolist(), skip_special_tokens=False)

    asked = "<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n"
    assert said(found.prompts, 0) == asked and found.prompts.mask[:, -1].all()
    assert said(found.answers, 0) == "4+3 = 7.\n#### 7<|im_end|>"
    assert said(found.answers, 1) == "2<|im_end|>" and found.answers.mask[:, 0].all()
    with pytest.raises(InputError, match="2 of 3 problems have prompts of 30 tokens or fewer"):
        gsm8k_texts.encode(words, SOME, 3, (30, 30))


@pytest.mark.parametrize(
    "flags, said",
    [
        (
            ["--batch_size=6", "--micro_batches=4"],
            "--micro_batches=4: expected a divisor of --batch_size=6",
        ),
        (["--texts=3"], "--texts=3: expected --batch_size=4 or more"),
        (["--learning_rate=0"], "--learning_rate=0: expected a finite number above 0"),
        (["--tiny", "--teacher=x"], "--tiny and --teacher: expected one"),
        (["--temperature=-1"], "--temperature=-1: expected at least 0"),
        (["--top_k=64,64"], "--top_k=64,64: the same value stands there twice"),
        (["--betas=0.5,1"], "--betas=1: expected above 0 and below 1"),
        (["--alpha=0"], "--alpha=0: expected above 0 and below 1"),
        (["--on_policy_fractions=0"], "--on_policy_fractions=0: expected above 0, 1 at most"),
        (["--top_p=0"], "--top_p=0: expected above 0, 1 at most"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(flags, said):
    with pytest.raises(InputError, match=said):
        experiment.parse(Config, ["x", *flags])


def test_rows_of_objectives_are_named_by_their_settings():
    four = ["SFT on the text", "forward KL", "reverse KL", "top 64 and tail"]
    assert [each.row for each in chosen(Config())] == four
    given = {"top_k": (8, 4), "betas": (0.2,), "alpha": 0.3, "on_policy_beta": 0.7}
    config = Config(**given, on_policy_fractions=(0.25,), all_objectives=True)
    assert [each.row for each in chosen(config)] == [
        *four[:3], "top 8 and tail", "top 4 and tail", "SeqKD: SFT on the teacher's texts",
        "JSD, beta 0.2", "skewed KL, alpha 0.3", "on-policy JSD, beta 0.7, lambda 0.25",
    ]  # fmt: skip


def test_another_base_seed_draws_another_teacher_order_and_texts(tmp_path):
    needed(DATA / "gsm8k")
    drawn = []
    for base_seed in range(2):
        settings = Config.PRESETS["smoke"] | {"base_seed": base_seed, "manual_dir": str(DATA)}
        config = Config(**settings)
        data = language_model.load(config)
        run = run_folder.Run(str(tmp_path), "language_model", config.results_key())
        students = language_model.DecoderStudents(config, data, run)
        (own,) = (each for each in chosen(config) if each.teacher_texts)
        texts = students.rows(own)["texts"].answers.ids
        drawn.append((data.teacher.digest, students.order()(0, 0).tolist(), texts.tolist()))
    assert all(a != b for a, b in zip(*drawn))


def test_texts_longer_than_the_teacher_s_positions_are_one_line():
    needed(DATA / "gsm8k")
    known = {"tiny": True, "layers": 2, "manual_dir": str(DATA), "texts": 8}
    with pytest.raises(
        InputError, match="--prompt_tokens=2000 and --answer_tokens=64: expected 2048"
    ):
        language_model.load(Config(**known, prompt_tokens=2000))
    with pytest.raises(InputError, match="--top_k=400: expected below 400, the teacher's vocab"):
        language_model.load(Config(**known, top_k=(400,)))
    long = Config(**known, prompt="long " * 2000)
    with pytest.raises(InputError, match="--prompt has .* expected 1984 at most") as caught:
        language_model.load(long)
    assert "\n" not in str(caught.value)


def test_a_smoke_run_has_every_objective_of_every_seed(tmp_path, capsys, monkeypatch):
    needed(DATA / "gsm8k")
    where = {"workdir": str(tmp_path), "manual_dir": str(DATA)}
    config = Config(**Config.PRESETS["smoke"], preset="smoke", **where)
    folder = finished("language_model", config)
    found = jsonl.records(folder)
    names = [each.row for each in chosen(config)]
    assert len(names) == len(set(names)) == 12
    seen = [(r["row"], r["seed"]) for r in found]
    assert seen[:2] == [(rows.TEACHER, 0), (rows.CUT, 0)]
    assert sorted(seen[2:]) == sorted((row, seed) for row in names for seed in range(2))
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
        rows.FORWARD: 4 * net.width,
        "top 64 and tail": 512,
        "top 16 and tail": 128,
    }
    assert (folder / "agreement_and_kl.png").stat().st_size > 5000
    assert json.loads((folder / "manifest.json").read_text())["teacher"]
    table = (folder / "table.md").read_text()
    assert report.table(folder) == table and table in capsys.readouterr().out + "\n"
    assert f"vs. {rows.SFT}" in table and "all logits, float32" in table
    assert "times as fast" in table
    monkeypatch.setattr(language_model, "train", lambda *task: pytest.fail("trained again"))
    prompted = experiment.perform(
        "language_model",
        dataclasses.replace(config, prompt="How many?"),
        lambda: (language_model.run, report.table, report.draw),
    )
    assert not prompted.is_open
    said = capsys.readouterr().out
    assert said.startswith("--- question\nHow many?\n--- teacher, 4 layers\n")
    assert f"--- student ({rows.FORWARD}), 2 layers\n" in said
    net, params = llama.load(folder / "student")
    assert net.layers == 2 and params["layers"]["query"]["kernel"].shape[0] == 2


def test_writing_without_a_cache_gives_the_same_texts():
    prompts = padded([[3, 1, 4], [9], [2, 6, 5, 3, 5], [8, 8]], left=True)

    def written(writer):
        write = functools.partial(generation.generate, writer, tokens=6)
        return jax.jit(write)(PARAMS, *prompts, jax.random.key(0))

    ours, again = written(models.cached_decoder(NET)), written(writing.without_cache(NET))
    jax.tree.map(np.testing.assert_array_equal, ours, again)
    assert writing.speeds(NET, PARAMS, prompts, 3, 2).keys() == {"cached", "read again"}
