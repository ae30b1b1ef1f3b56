"""The decoder experiment: its problems as texts, and a smoke run with every objective."""

import dataclasses
import functools
import json

import jax
import numpy as np
import pytest
import short_problems
from in_process import by_gradient_descent, finished
from published import DATA, needed

from kd_jax.storage import jsonl

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from scipy import special
from tiny_llama import NET, PARAMS

from experiments.language_model import generation as writing
from experiments.language_model import report, rows
from experiments.language_model import run as language_model
from experiments.language_model import students as trained
from experiments.language_model.config import Config
from experiments.language_model.objectives import after_sft, chosen, top
from kd_jax import experiment, losses
from kd_jax.data.gsm8k import QuestionAndSolution
from kd_jax.data.padding import Tokens, padded
from kd_jax.errors import InputError
from kd_jax.language import generation, gsm8k_texts, tiny_teacher
from kd_jax.language.objectives import Objective, divergence
from kd_jax.language.tokens import Texts
from kd_jax.models import llama as models
from kd_jax.pretrained import llama
from kd_jax.pretrained.chat import chatml
from kd_jax.report import grouped
from kd_jax.storage import run_folder

SHORT = {"seeds": 2, "prompt_tokens": 40, "answer_tokens": 16}
SOME = [
    QuestionAndSolution("How many?", "4+3 = <<4+3=7>>7.\n#### 7"),
    QuestionAndSolution("How many more than he had before are there?", "6"),
    QuestionAndSolution("Why?", "2"),
]


def test_problems_are_prompts_and_solutions_without_the_calculator_s_notes():
    words = tiny_teacher.tokenizer([])  # letters
    chat = chatml(words)
    found = gsm8k_texts.encode(chat, SOME, 2, (30, 30))  # the second prompt is too long

    def said(tokens, row):
        return words.decode(tokens.ids[row][tokens.mask[row]].tolist(), skip_special_tokens=False)

    asked = "<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n"
    assert said(found.prompts, 0) == asked and found.prompts.mask[:, -1].all()
    assert said(found.answers, 0) == "4+3 = 7.\n#### 7<|im_end|>"
    assert said(found.answers, 1) == "2<|im_end|>" and found.answers.mask[:, 0].all()
    with pytest.raises(InputError, match="2 of 3 problems have prompts of 30 tokens or fewer"):
        gsm8k_texts.encode(chat, SOME, 3, (30, 30))


@pytest.mark.parametrize(
    "flags, said",
    [
        (
            ["--batch_size=6", "--micro_batches=4"],
            "--micro_batches=4: expected a divisor of --batch_size=6",
        ),
        (["--texts=3"], "--texts=3: expected --batch_size=4 or more"),
        (["--learning_rates=1e-3,0"], "--learning_rates=0: expected a finite number above 0"),
        (["--learning_rates=0.001,1e-3"], "--learning_rates=0.001,0.001: the same value stands"),
        (["--tiny", "--teacher=x"], "--tiny and --teacher: expected one"),
        (["--temperature=-1"], "--temperature=-1: expected at least 0"),
        (
            ["--temperature=1e-30"],
            "--temperature=1e-30: expected a finite number",
        ),
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
    found = chosen(config)
    assert [each.row for each in found] == [
        *four[:3], "top 8 and tail", "top 4 and tail", "SeqKD: SFT on the teacher's texts",
        "JSD, beta 0.2", "skewed KL, alpha 0.3", "SFT, restarted after it",
        "on-policy JSD, beta 0.7, lambda 0.25",
    ]  # fmt: skip
    assert [each.top_k for each in found] == [0, 0, 0, 8, 4, 0, 0, 0, 0, 0]
    assert [each.teacher_texts for each in found] == [n == 5 for n in range(10)]
    assert [each.on_policy_fraction for each in found] == [*9 * [0], 0.25]
    assert [after_sft(each) for each in found] == [*8 * [False], True, True]


def test_every_objective_is_the_loss_that_its_row_says():
    """Against the formulas in float64, of one text with two of its three tokens counted."""
    config = Config(top_k=(3,), betas=(0.2,), alpha=0.3, on_policy_beta=0.7, all_objectives=True)
    random = np.random.default_rng(0)
    shapes = (1, 3, 6), (1, 3, 4), (4, 6)
    z, hidden, head = (random.normal(size=shape).astype(np.float32) for shape in shapes)
    v, ids = hidden @ head, np.array([[4, 0, 2]])
    log_q, log_p = (special.log_softmax(np.float64(x), -1) for x in (z, v))
    tokens = np.argsort(-v, -1)[..., :3]
    given = {"hidden": hidden, "log_p": np.take_along_axis(log_p, tokens, -1), "tokens": tokens}
    given["texts"] = Texts(None, Tokens(ids, np.array([[True, True, False]])))
    objectives = chosen(config)
    found = jax.jit(lambda z: [each.term(z, given, {"head": head}) for each in objectives])(z)

    def kl(a, b):
        return (a * (np.log(a) - np.log(b))).sum(-1)

    def mixed(part, a, b):
        return part * a + (1 - part) * b

    def jsd(beta):
        middle = mixed(beta, p, q)
        return mixed(beta, kl(p, middle), kl(q, middle))

    def first(x):
        top = np.take_along_axis(x, tokens, -1)
        return np.concatenate([top, 1 - top.sum(-1, keepdims=True)], -1)

    p, q = np.exp(log_p), np.exp(log_q)
    sft = -np.take_along_axis(log_q, ids[..., None], -1)[..., 0]
    wanted = [
        sft, kl(p, q), kl(q, p), kl(first(p), first(q)), sft, jsd(0.2), kl(p, mixed(0.3, p, q)),
        sft, *2 * [jsd(0.7)],
    ]  # fmt: skip
    assert len(wanted) == len(objectives) == 10
    for each, ours, theirs in zip(objectives, found, wanted):
        np.testing.assert_allclose(ours[0, :2], theirs[0, :2], rtol=1e-4, err_msg=each.row)
        assert ours[0, 2] == 0


def test_another_base_seed_draws_another_teacher_order_and_texts(tmp_path, monkeypatch):
    short_problems.instead(monkeypatch)
    drawn = []
    for base_seed in range(2):
        config = Config(**Config.PRESETS["smoke"] | SHORT, base_seed=base_seed, all_objectives=True)
        data = language_model.load(config)
        run = run_folder.Run(str(tmp_path), "language_model", config.results_key())
        students = language_model.DecoderStudents(config, data, run)
        (own,) = (each for each in chosen(config) if each.teacher_texts)
        texts = students.rows(own)["texts"].answers.ids
        drawn.append((data.teacher.digest, students.order()(0, 0).tolist(), texts.tolist()))
    assert all(a != b for a, b in zip(*drawn))


def test_of_students_own_texts_the_whole_teacher_reads_its_share(tmp_path, monkeypatch):
    """What a training is given; what it makes of that, tests/language/test_tokens.py has."""
    short_problems.instead(monkeypatch)
    config = Config(**Config.PRESETS["smoke"] | SHORT)
    data = language_model.load(config)
    given = []
    monkeypatch.setattr(trained.student_loss, "on_policy", lambda *of: given.append(of))
    monkeypatch.setattr(
        trained.student_loss, "loss", lambda net, objective, batches, own: (objective, own)
    )
    monkeypatch.setattr(trained.sequential, "Sequential", lambda *of, **more: (of[0], more))
    monkeypatch.setattr(language_model.DecoderStudents, "rows", lambda self, objective: {})
    run = run_folder.Run(str(tmp_path), "language_model", config.results_key())
    students = language_model.DecoderStudents(config, data, run)
    alone = Objective(rows.FORWARD, divergence(losses.forward_kl))
    (_, own), more = students.training(alone, 1e-3)
    assert own is None and given == [] and "head" in more["shared"]["teacher"]
    _, more = students.training(alone._replace(row="own", on_policy_fraction=0.5), 1e-3)
    shared = more["shared"]["teacher"]
    assert all(shared[name] is of_teacher for name, of_teacher in data.teacher.params.items())
    assert given == [(students.net, data.teacher.net, 0.5, data.teacher.stop)]


def test_texts_longer_than_the_teacher_s_positions_are_one_line(monkeypatch):
    short_problems.instead(monkeypatch)
    known = {"tiny": True, "layers": 2, "texts": 8, "tests": 4}
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


def has_every_objective(folder, config, objectives, printed):
    """Check what a smoke run wrote."""
    found, names = jsonl.records(folder), [each.row for each in objectives]
    first = grouped.by("row", [r for r in found if r["seed"] == 0])
    best = {name: min(first[name], key=lambda r: r["validation_kl"])["rate"] for name in names}
    seen = [(r["row"], r["seed"], r.get("rate")) for r in found]
    assert seen[:2] == [(rows.TEACHER, 0, None), (rows.CUT, 0, None)]
    assert seen[2:] == [
        (name, *of) for name in names for of in ((0, 5e-4), (0, 1e-3), (1, best[name]))
    ]
    for r in found:
        numbers = [r[f"test_{name}"] for name in ("nll", "kl", "reverse_kl", "agreement")]
        assert np.isfinite(numbers).all() and 0 <= r["test_agreement"] <= 1
        assert r["tokens"] == found[0]["tokens"] > 0
        assert r["test_sample_tokens"] >= 1 and r["test_sample_entropy"] > 0
    (teacher, cut, *trained) = found
    assert teacher["generation_speeds"].keys() == {"cached", "read again"}
    assert teacher["test_kl"] == pytest.approx(0, abs=1e-6) and cut["test_kl"] > 0.01
    assert all(r["peak_bytes"] > 0 and r["tokens_per_second"] > 0 for r in trained)
    assert all(r["validation_kl"] > 0 for r in trained)
    assert len({r["test_kl"] for r in trained}) == len(trained)  # each is a training of its own
    bytes_per_token = {row: size["bytes_per_token"] for row, size in teacher["caches"].items()}
    cached = {each.row: 8 * each.top_k for each in objectives if each.top_k}
    assert bytes_per_token == {rows.FORWARD: 4 * tiny_teacher.NET.width, **cached}
    assert (folder / "agreement_and_kl.svg").stat().st_size > 5000
    assert json.loads((folder / "manifest.json").read_text())["teacher"]
    table = (folder / "table.md").read_text()
    assert report.table(folder) == table and table in printed + "\n"
    assert f"vs. {rows.SFT}" in table and "all logits, float32" in table
    assert "times as fast" in table and "of 0.0005, 0.001 (*: at the edge of these)" in table


def answers_a_prompt(config, question, monkeypatch, capsys):
    """Check what --prompt prints of a finished run, which is not trained again."""
    monkeypatch.setattr(language_model, "train", lambda *task: pytest.fail("trained again"))
    prompted = experiment.perform(
        "language_model",
        dataclasses.replace(config, prompt=question),
        lambda: (language_model.run, report.table, report.draw),
    )
    assert not prompted.is_open
    said = capsys.readouterr().out
    assert said.startswith(f"--- question\n{question}\n--- teacher, 4 layers\n")
    assert f"--- student ({rows.FORWARD}), 2 layers\n" in said


def test_a_run_has_an_objective_of_each_kind_of_every_seed(tmp_path, capsys, monkeypatch):
    short_problems.instead(monkeypatch)
    config = Config(**Config.PRESETS["smoke"] | SHORT, workdir=str(tmp_path))
    by_gradient_descent(monkeypatch)
    # one from cached tokens, one from all logits, under the names that all tables compare with
    kinds = [
        top(64)._replace(row=rows.SFT), Objective(rows.FORWARD, divergence(losses.forward_kl)),
    ]  # fmt: skip
    monkeypatch.setattr(language_model.objectives, "chosen", lambda config: kinds)
    folder = finished("language_model", config)
    has_every_objective(folder, config, kinds, capsys.readouterr().out)
    answers_a_prompt(config, "1, 2?", monkeypatch, capsys)
    net, params = llama.load(folder / "student")
    assert net.layers == 2 and params["layers"]["query"]["kernel"].shape[0] == 2


@pytest.mark.slow
def test_a_run_has_every_objective_of_every_seed(tmp_path, capsys, monkeypatch):
    needed(DATA / "gsm8k")
    where = {"workdir": str(tmp_path), "manual_dir": str(DATA)}
    more = {"seeds": 2, "texts": 16, "tests": 8, "answer_tokens": 96, "all_objectives": True}
    config = Config(**Config.PRESETS["smoke"] | more | where)
    folder, objectives = finished("language_model", config), chosen(config)
    assert len({each.row for each in objectives}) == len(objectives) == 13
    has_every_objective(folder, config, objectives, capsys.readouterr().out)
    (after,) = {llama.load(folder / f"sft-{seed}")[0] for seed in range(2)}
    assert after.layers == 2
    answers_a_prompt(config, "How many?", monkeypatch, capsys)


def test_writing_without_a_cache_gives_the_same_texts():
    prompts = padded([[3, 1, 4], [9], [2, 6, 5, 3, 5], [8, 8]], left=True)

    def written(writer):
        write = functools.partial(generation.generate, writer, tokens=6)
        return jax.jit(write)(PARAMS, *prompts, jax.random.key(0))

    ours, again = written(models.cached_decoder(NET)), written(writing.without_cache(NET))
    jax.tree.map(np.testing.assert_array_equal, ours, again)
