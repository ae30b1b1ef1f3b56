"""`distill_lm` on a tiny teacher: its records and verdict by hand; a folder that loads again."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("jinja2", reason="needs the extra text")

import jax
import short_problems
import tiny_llama
from in_process import by_gradient_descent
from scipy import special, stats
from verdict_words import check_unjudged

import kd_jax as kd
from kd_jax import experiment
from kd_jax.command.decoder import config as flags
from kd_jax.command.decoder import run as command
from kd_jax.errors import InputError
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import top_k_files
from kd_jax.pretrained import decoder_folder, gguf_writer, load
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[2]
PROBLEMS = short_problems.TRAIN + short_problems.TEST
ROWS = ["teacher", "layers cut, not trained", "SFT on the text", "forward KL"]
SETTINGS = {
    "prompt_key": "question", "completion_key": "solution", "layers": 2, "max_length": 64,
    "batch_size": 2, "held_out": 6.0, "fast_compile": True,
}  # fmt: skip


def written(folder):
    """A teacher's folder and a file of its texts."""
    lines = [json.dumps({"question": p.question, "solution": p.solution}) for p in PROBLEMS]
    (folder / "texts.jsonl").write_text("\n".join(lines))
    texts = [text for problem in PROBLEMS for text in problem]
    model = tiny_teacher.chat_model(jax.random.key(0), texts)
    decoder_folder.save(folder / "teacher", model.net, model.params, model)
    return {"data": folder / "texts.jsonl", "teacher": folder / "teacher"}


@functools.cache
def outputs(net):
    return tiny_llama.outputs(net)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(the folder of everything, what kd.distill_lm gave)."""
    folder = tmp_path_factory.mktemp("lm")
    where = written(folder) | {"out": folder / "small", "workdir": str(folder / "runs")}
    where["gguf"] = True
    with pytest.MonkeyPatch.context() as patch:
        by_gradient_descent(patch)
        patch.setattr(
            "kd_jax.language.decoder.chatting.speeds", lambda sides, tokens: [5.0, 7.0]
        )  # compiles
        return folder, kd.distill_lm(**where, **SETTINGS)


def logits_of(model, ids):
    """A decoder's logits of one text, in float64."""
    padded = np.zeros((1, 64), int)
    padded[0, : len(ids)] = ids
    inputs = {"ids": padded, "mask": np.arange(64)[None] < len(ids)}
    found, _ = outputs(model.net)(model.params, inputs)
    return np.float64(found[0])


def test_there_is_a_record_of_every_row(done):
    folder, found = done
    assert [r["row"] for r in found.records] == ROWS
    assert found.records == jsonl.records(found.folder)
    teacher, cut, *_ = found.records
    assert teacher["test_kl"] == pytest.approx(0, abs=1e-6)
    assert teacher["test_agreement"] == 1 and teacher["test_acceptance"] == pytest.approx(1)
    assert cut["test_kl"] > 0.01 and cut["generated"] == 7
    for student in (cut, found.records[-1]):
        assert 0 <= student["drafts_accepted"] <= student["drafts_tested"] > 0
    assert "accepted in sampling, %" in found.table and "4 drafts to a call" in found.table
    assert {r["steps"] for r in found.records[2:]} == {found.records[3]["steps"]}
    assert cut["generated_by_teacher"] == 5 and "generated" not in teacher
    speeds = [line.split("|")[-2].strip() for line in found.table.splitlines()[4:8]]
    assert speeds == ["5", "7", "7", "7"]  # one architecture is measured once
    steps = found.records[3]["steps"]
    assert f"each student takes {steps} steps, and likely writes nothing of use then" in found.table
    assert len({r["test_kl"] for r in found.records}) == 4  # each is a network of its own


def test_the_student_s_record_is_what_numpy_makes_of_the_loaded_folder(done):
    """Of the six held-out texts, found by their sums' count of tokens, in float64."""
    folder, found = done
    teacher, student = (load.load(str(folder / name)) for name in ("teacher", "small"))
    chosen = np.random.default_rng(0).permutation(len(PROBLEMS))[:6]
    sums = np.zeros(4)
    for number in sorted(chosen):
        talk = [
            {"role": "user", "content": PROBLEMS[number].question},
            {"role": "assistant", "content": PROBLEMS[number].solution},
        ]
        ((text,),) = teacher.chat().encode([talk])
        ids = np.array(text.ids)
        at = np.flatnonzero(text.counted)
        z, v = (logits_of(model, text.ids)[at - 1] for model in (student, teacher))
        log_q, log_p = special.log_softmax(z, -1), special.log_softmax(v, -1)
        q, p = np.exp(log_q), np.exp(log_p)
        sums += [
            -log_q[np.arange(len(at)), ids[at]].sum(), (p * (log_p - log_q)).sum(),
            np.minimum(p, q).sum(), len(at),
        ]  # fmt: skip
    record = found.records[-1]
    wanted = [record["test_nll"], record["test_kl"], record["test_acceptance"]]
    np.testing.assert_allclose(sums[:3] / sums[3], wanted, rtol=1e-4)
    assert record["tokens"] == sums[3]


def test_the_verdict_is_a_t_interval_over_held_out_texts(done):
    """The ratio of sums, its variance from residuals, by SciPy's t; two rows' one comparison."""
    _, found = done
    sft, kl = (dict(np.load(found.folder / f"texts-{n}-0.npz")) for n in (2, 3))
    lengths, d = sft["tokens"], kl["kl"] - sft["kl"]
    mean = d.sum() / lengths.sum()
    residuals = (d - mean * lengths) / lengths.mean()
    half = stats.t.ppf(0.975, 5) * residuals.std(ddof=1) / np.sqrt(6)
    shown = [f"{x:+.3f}".replace("-", "−") for x in (mean, mean - half, mean + half)]
    assert f"KL(t‖s) {shown[0]} [{shown[1]}, {shown[2]}] nats" in found.table
    verdict = "BEATS" if mean + half < 0 else "WORSE" if mean - half > 0 else "INCONCLUSIVE"
    assert f"nats ({verdict}); NLL" in found.table


def test_the_folder_is_whole_and_answers(done):
    folder, found = done
    names = {path.name for path in (folder / "small").iterdir()}
    assert names >= {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json", "chat_template.jinja", "README.md", "table.md", "records.jsonl",
    }  # fmt: skip
    card = (folder / "small" / "README.md").read_text()
    assert found.table in card and "layers 0, 3 of the teacher" in card
    assert "rounded" not in card
    assert "--layers=2" in card and str(found).startswith("**forward KL against SFT on the text")
    names = "teacher", "small", "small/student.gguf"
    teacher, student, one_file = (load.load(str(folder / name)) for name in names)
    jax.tree.map(np.testing.assert_array_equal, one_file.params, student.params)
    assert student.stop == teacher.stop and student.template.text == teacher.template.text
    assert student.net.layers == 2
    ours, again = found.student, kd.Decoder(folder / "small")
    assert ours.answer("1, 2?", 5) == again.answer("1, 2?", 5)
    with pytest.raises(InputError, match="expected at most 48, so that"):
        ours.answer("1, 2? " * 50, 2000)


def test_once_more_nothing_is_trained_and_a_prompt_is_answered(done, monkeypatch, capsys):
    folder, found = done
    where = {"data": folder / "texts.jsonl", "teacher": folder / "teacher"}
    prompted = {"workdir": str(folder / "runs"), "prompt": "1, 2?", "answer_tokens": 4}
    monkeypatch.setattr("kd_jax.command.decoder.run.train", lambda *of: pytest.fail("trained"))
    given = {name: str(path) for name, path in where.items()}
    config = flags.Config(**given, **SETTINGS, **prompted)
    experiment.perform("distill_lm", config, lambda: (command.run, None, None))
    said = capsys.readouterr().out
    assert "--- question\n1, 2?\n--- teacher\n" in said and "--- student, layers 0, 3" in said
    assert "no finished run" not in said


def test_a_prompt_with_other_settings_says_so_before_it_trains(done, monkeypatch, capsys):
    folder, _ = done
    monkeypatch.setattr(command, "train", lambda *of: pytest.fail(capsys.readouterr().out))
    where = {"data": str(folder / "texts.jsonl"), "teacher": str(folder / "teacher")}
    more = {"workdir": str(folder / "runs"), "prompt": "1, 2?", "answer_tokens": 4, "epochs": 2}
    config = flags.Config(**where, **(SETTINGS | more))
    with pytest.raises(pytest.fail.Exception, match="no finished run below .*: training begins"):
        experiment.perform("distill_lm", config, lambda: (command.run, None, None))


def test_a_student_is_asked_beside_its_teacher_without_texts(done, capsys, tmp_path):
    folder, _ = done
    where = [f"--{name}={folder / path}" for name, path in
             {"teacher": "teacher", "student": "small"}.items()]  # fmt: skip
    line = ["distill_lm", *where, "--prompt=1, 2?", "--answer_tokens=4", f"--workdir={tmp_path}"]
    config = experiment.parse(flags.Config, line)
    run = experiment.perform("distill_lm", config, lambda: (command.run, None, None))
    said = capsys.readouterr().out
    assert "--- question\n1, 2?\n--- teacher\n" in said and f"student, {folder / 'small'}" in said
    assert not run.is_open and not [*tmp_path.iterdir()]
    for flag in (
        "--epochs=2",
        "--out=small",
        "--lora=4",
    ):  # of a training, whose texts were forgotten
        with pytest.raises(InputError, match="--data is missing"):
            experiment.parse(flags.Config, [*line, flag])


@pytest.mark.parametrize(
    "given, said",
    [
        (["--data=missing.jsonl", "--layers=2"], "missing.jsonl does not exist"),
        (["--data=a.jsonl", "--layers=2"], "line 1 has the keys question: expected messages"),
        (["--data=a.jsonl", "--random=hidden:3"], "expected hidden and layers"),
    ],
)
def test_bad_files_are_told_before_jax_or_a_teacher_is_loaded(given, said, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"question": "1"}')
    program = "import sys; from kd_jax.command.__main__ import main\ntry: main(sys.argv[1:])\n"
    program += "except SystemExit: print('jax' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program, "distill_lm", *given], text=True, capture_output=True,
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert said in found.stderr and found.stdout == "False\n"


@pytest.mark.parametrize(
    "given, said",
    [
        ([], "--data is missing"),
        (["--data=x"], "no student: expected one of --layers=10"),
        (["--data=x", "--layers=2", "--student=y"], "--layers and --student: expected one of"),
        (["--data=x", "--layers=2", "--objective=forwardkl"], "--objective=forwardkl: expected"),
        (["--data=x", "--layers=2", "--objective=sft,sft"], "name each once"),
        (["--data=x", "--layers=2", "--objective=skew"], "; did you mean skew_kl?"),
        (["--data=x", "--layers=2", "--objective=SFT"], "; did you mean sft?"),
        (["--data=x", "--layers=2", "--quantize=q4"], "nf4, float8_e4m3fn; did you mean q4_0?"),
        (["--data=x", "--layers=2", "--prompt_key=a"], "expected both or neither"),
        (["--data=x", "--layers=2", "--teacher_top_k=y"], "expected --objective=top_k"),
        (
            ["--data=x", "--layers=2", "--teacher_top_k=y", "--objective=top_k,seq_kd"],
            "expected no seq_kd",
        ),
        (["--data=x", "--layers=2", "--gguf"], "--gguf is of --out"),
        (["--data=x", "--layers=2", "--held_out=1.5"], "expected a part below 1, like 0.1, or a"),
        (["--data=x", "--layers=2", "--max_lenght=9"], "did you mean --max_length?"),
        (["--data=x", "--layers=2", "--text_key=a", "--messages_key=b"], "a file is of one kind"),
    ],
)
def test_flags_that_do_not_fit_are_one_line(given, said):
    with pytest.raises(InputError) as caught:
        experiment.parse(flags.Config, ["distill_lm", *given])
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes, said",
    [
        (
            {"max_length": 4096},
            "--max_length=4096: expected at most 2,048, the positions of the model",
        ),
        ({"layers": 4}, "--layers=4: expected fewer than the teacher's 4"),
        ({"max_length": 8}, "to learn from: no text is left of"),
        ({"batch_size": 30}, "do not fill a batch of --batch_size=30"),
        ({"held_out": 30.0}, "of which --held_out=30 are 30: expected some to learn from"),
        ({"layers": 0, "random": {"hidden": 16}}, "expected hidden and layers"),
        ({"layers": 0, "random": {"hidden": 16, "layers": 9}}, "at most the teacher's 4 layers"),
        ({"objective": "top_k", "top_k": (8, 400)}, "--top_k=400: expected below 400"),
        ({"objective": "jsd", "beta": [0.3, 0.3]}, "--beta=0.3,0.3: the same value stands there"),
        ({"objective": "jsd", "beta": 1}, "--beta=1: expected above 0 and below 1"),
        ({"max_lenght": 9}, "did you mean max_length?"),
        ({"prompt_key": "qestion"}, "line 1 has no key qestion: did you mean question?"),
        ({"prompt": "1, 2? " * 500}, "the question has 2,020 tokens: expected at most 1,920"),
        ({"chat_template": "none.jinja"}, "--chat_template=none.jinja cannot be read"),
        ({"out": "/missing/../small"}, "--out=/missing/../small: /missing is no folder, so that"),
        ({"texts": 9}, "distill_lm has no argument texts; did you mean max_texts?"),
        ({"preset": "smok"}, "--preset=smok: expected one of default, smoke; did you mean smoke?"),
        ({"data": [{"text": "a"}]}, "is no path: expected a text, or a pathlib.Path"),
        ({"teacher": None}, "None is no path"),
        ({"layers": 0, "random": "hidden:16,layer:1"}, "--random=layer:1: expected sizes like"),
        ({"pack": "no"}, "--pack='no': expected True or False"),
    ],
)
def test_what_does_not_fit_the_teacher_or_the_file_is_one_line(done, changes, said):
    folder, _ = done
    where = {"data": folder / "texts.jsonl", "teacher": folder / "teacher"}
    with pytest.raises(InputError) as caught:
        kd.distill_lm(**(where | {"workdir": folder / "refused"} | SETTINGS | changes))
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"layers": 4}, "--layers=4: expected fewer than the teacher's 4"),
        ({"max_length": 4096}, "--max_length=4096: expected at most 2,048"),
        ({"objective": "top_k", "top_k": 400}, "--top_k=400: expected below 400"),
        ({"layers": 0, "random": {"hidden": 16, "layers": 9}}, "at most the teacher's 4 layers"),
        ({"vocabulary": 300}, "--vocabulary=300: the student's tokens are not the teacher's, and"),
    ],
)
@pytest.mark.parametrize("file", ["teacher", "teacher.gguf"])
def test_sizes_are_refused_before_parameters_are_read(done, monkeypatch, changes, said, file):
    """Of a folder or a file of gigabytes that takes a while."""
    folder, _ = done
    if file.endswith(".gguf"):
        model = load.load(str(folder / "teacher"))
        gguf_writer.save(folder / file, model.net, model.params, model)
    monkeypatch.setattr(load, "load", lambda name: pytest.fail("the teacher is read"))
    where = {"data": folder / "texts.jsonl", "teacher": folder / file}
    with pytest.raises(InputError, match=re.escape(said)):
        kd.distill_lm(**(where | {"workdir": folder / "refused"} | SETTINGS | changes))


def test_presets_of_the_command_are_those_of_python(done, monkeypatch):
    """Of smoke: max_texts=24, held_out=6; what is given wins. Nothing is compiled to be slow."""
    folder, _ = done
    chosen = []
    monkeypatch.setattr(command, "run", lambda config, run: chosen.append(config))
    where = {"data": folder / "texts.jsonl", "layers": 2, "preset": "smoke", "held_out": 3}
    with pytest.raises(InputError):  # nothing was trained, and so no table is there
        kd.distill_lm(**where, workdir=folder / "presets")
    assert (chosen[0].max_texts, chosen[0].held_out, chosen[0].max_length) == (24, 3, 128)
    assert (chosen[0].measured_tokens, chosen[0].fast_compile) == (4, False)


def test_a_smoke_judges_nowhere_and_rounded_weights_are_told(done, tmp_path, monkeypatch, capsys):
    by_gradient_descent(monkeypatch)
    monkeypatch.setattr("kd_jax.language.decoder.chatting.speeds", lambda sides, tokens: [5.0, 7.0])
    where = {"data": done[0] / "texts.jsonl", "teacher": done[0] / "teacher"}
    places = {"out": tmp_path / "small", "workdir": tmp_path / "runs"}
    print(found := kd.distill_lm(**where, **places, **SETTINGS, preset="smoke", dtype="bfloat16"))
    told = "the table is of the student in float32: these weights are rounded to bfloat16, and not"
    assert told in (places["out"] / "README.md").read_text()
    check_unjudged(capsys.readouterr().out, found.folder, tmp_path / "small")


@pytest.mark.parametrize(
    "question, given, said",
    [
        (None, {}, "the question is None: expected a text, or messages"),
        ([], {}, "the question is .*: expected a text, or messages"),
        (["a"], {}, "message 1 is a, expected an object"),
        ("a", {"max_tokens": 0}, "max_tokens=0: expected a whole number, 1 or more"),
        ("a", {"max_tokens": 1.5}, "max_tokens=1.5: expected a whole number"),
        ("a", {"seed": "x"}, "seed='x': expected a whole number, 0 or more"),
    ],
)
def test_a_question_that_is_none_is_one_line(done, question, given, said):
    with pytest.raises(InputError, match=said):
        done[1].student.answer(question, **given)


def test_a_pipe_instead_of_a_template_is_not_waited_for(done, tmp_path):
    folder, _ = done
    os.mkfifo(tmp_path / "pipe")
    where = {"data": folder / "texts.jsonl", "teacher": folder / "teacher"}
    with pytest.raises(InputError, match="--chat_template=.*pipe is no file: expected one with"):
        kd.distill_lm(**where, **SETTINGS, chat_template=str(tmp_path / "pipe"))


def test_a_template_that_would_fill_the_memory_is_one_line(done, tmp_path):
    folder, _ = done
    (tmp_path / "huge.jinja").write_text("{{ 'a' * 10 ** 10 }}")
    where = {"data": folder / "texts.jsonl", "teacher": folder / "teacher"}
    with pytest.raises(InputError, match="line 1: .*huge.jinja refuses a conversation .it would"):
        kd.distill_lm(**where, **SETTINGS, chat_template=str(tmp_path / "huge.jinja"))


def test_a_given_student_may_know_the_texts_held_out(done):
    folder, _ = done
    where = {name: str(folder / x) for name, x in (("data", "texts.jsonl"), ("teacher", "teacher"))}
    rest = {name: x for name, x in SETTINGS.items() if name != "layers"}
    for student, told in (({"layers": 1}, 0), ({"student": where["teacher"]}, 1)):
        facts = command.read(flags.Config(**where, **rest, **student)).problem.facts
        assert sum("may know the texts held out now" in fact for fact in facts) == told


def test_texts_of_a_test_that_are_learned_from_are_told(done):
    folder, _ = done
    where = {"data": str(folder / "texts.jsonl"), "teacher": str(folder / "teacher")}
    given = command.read(flags.Config(**where, **SETTINGS, test_data=where["data"], max_texts=3))
    told = f"3 of {len(PROBLEMS)} texts of --test_data={where['data']} are learned from too"
    assert any(told in fact for fact in given.problem.facts)


def test_another_program_s_top_k_of_the_same_tokens_is_learned_from(done):
    folder, _ = done
    where = {"data": str(folder / "texts.jsonl"), "teacher": str(folder / "teacher")}
    usual = command.read(flags.Config(**where, **SETTINGS))
    random, tops = np.random.default_rng(0), []
    for ids, _ in usual.problem.texts:
        log_p = special.log_softmax(random.normal(size=(len(ids), 400)), -1)
        tokens = np.argsort(-log_p, -1)[:, :5]
        chosen = np.take_along_axis(log_p, tokens, -1)
        tops.append(top_k_files.Top(np.array(ids), tokens, chosen))
    path = str(folder / "top.parquet")
    top_k_files.save(path, tops[::-1])
    more = {"objective": ("top_k",), "teacher_top_k": path}
    given = command.read(flags.Config(**where, **SETTINGS, **more))
    assert [each.row for each in given.objectives] == ["SFT on the text", "top 5 and tail"]
    packed = given.problem.train
    assert given.top["tokens"].shape == (*packed.answers.ids.shape, 5)
    number = packed.numbers[0, 0]
    first = given.problem.texts[number].counted.index(True)
    assert given.top["tokens"][0, 0].tolist() == tops[number].tokens[first - 1].tolist()


def test_a_student_with_tokens_of_its_own_learns_and_is_written_with_them(done, tmp_path):
    """Of the six held-out texts both have read the same bytes before some tokens, by hand."""
    folder, _ = done
    where = {"data": folder / "texts.jsonl", "teacher": folder / "teacher"}
    more = {"layers": 0, "random": {"hidden": 16, "layers": 1}, "vocabulary": 270}
    with pytest.MonkeyPatch.context() as patch:
        by_gradient_descent(patch)
        patch.setattr("kd_jax.language.decoder.chatting.speeds", lambda sides, tokens: [5.0, 7.0])
        found = kd.distill_lm(
            **where, **(SETTINGS | more), objective="universal_logit", out=tmp_path / "own",
            workdir=str(tmp_path / "runs"),
        )  # fmt: skip
    rows = ["teacher", "new, not trained", "SFT on the text", "universal logit"]
    assert [each["row"].split(" (")[0] for each in found.records] == rows
    teacher, *_, student = found.records
    assert teacher["test_uld"] == 0 and 0 < student["test_uld"] < 2
    assert 0 < student["pairs"] < student["tokens"] == teacher["tokens"]
    assert "drafts_tested" not in student and "accepted" not in found.table
    own = load.load(str(tmp_path / "own"))
    assert own.net.vocabulary == own.tokenizer.get_vocab_size() == 270
    assert own.tokenizer.id_to_token(own.stop[0]) == "<|im_end|>"
    assert "drafter" not in (tmp_path / "own" / "README.md").read_text()
    usual = [x for x in found.records if x["row"] == "SFT on the text"][0]
    assert usual["test_nll"] != student["test_nll"]
    with pytest.raises(InputError, match="--vocabulary=270: the student's tokens are not the t"):
        kd.distill_lm(**where, **(SETTINGS | more), workdir=str(tmp_path / "runs"))


def test_somebody_s_folder_is_left_alone(done, tmp_path):
    folder, _ = done
    (tmp_path / "mine.txt").write_text("mine")
    where = {"data": folder / "texts.jsonl", "teacher": folder / "teacher", "out": tmp_path}
    with pytest.raises(InputError, match="holds other files"):
        kd.distill_lm(**where, **SETTINGS)
    with pytest.raises(InputError, match="--out=.* and --teacher=.* overlap"):
        kd.distill_lm(**where | {"out": folder / "teacher" / "small"}, **SETTINGS)
    new = tmp_path / "new"
    with pytest.raises(InputError, match="overlap: name a folder apart"):
        kd.distill_lm(**where | {"out": new}, **SETTINGS, workdir=str(new / "runs"))


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"held_out": 1.0}, "1 text has tokens that count, and no verdicts come of fewer than 3"),
        ({"held_out": 2.0}, "2 texts have tokens that count"),
        ({"held_out": 3.0}, None),
    ],
)
def test_too_few_held_out_texts_are_told_before_anything_is_trained(done, changes, said):
    folder, _ = done
    where = {"data": str(folder / "texts.jsonl"), "teacher": str(folder / "teacher")}
    facts = command.read(flags.Config(**where, **(SETTINGS | changes))).problem.facts
    told = [fact for fact in facts if "no verdicts" in fact]
    assert bool(told) == bool(said)
    if said:
        (one,) = told
        assert said in one and "a larger --held_out than" in one and "--max_length" not in one


def test_held_out_texts_that_are_lost_by_cutting_are_told(done, tmp_path):
    """Of three the answers of two begin behind the 64th token."""
    folder, _ = done
    questions = [PROBLEMS[0].question * n for n in (1, 20, 20)]
    lines = [json.dumps({"question": x, "solution": PROBLEMS[0].solution}) for x in questions]
    (tmp_path / "held.jsonl").write_text("\n".join(lines))
    where = {"data": str(folder / "texts.jsonl"), "teacher": str(folder / "teacher")}
    config = flags.Config(**where, **SETTINGS, test_data=str(tmp_path / "held.jsonl"))
    (told,) = [x for x in command.read(config).problem.facts if "no verdicts" in x]
    assert told.startswith("held out: 1 text has") and "expected more texts in --test_data=" in told
    assert told.endswith("or a larger --max_length than 64")
