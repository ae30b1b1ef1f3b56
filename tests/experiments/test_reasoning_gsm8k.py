"""GSM8K as a task of reasoning: answers read off by hand, and a run on a tiny random model."""

import functools

import jax
import numpy as np
import pytest
import short_problems
from in_process import by_gradient_descent, finished
from published import DATA, needed

from kd_jax.storage import jsonl

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from experiments.reasoning import arms, gsm8k, rows
from experiments.reasoning import run as reasoning
from experiments.reasoning.config import Config
from kd_jax.data.gsm8k import QuestionAndSolution
from kd_jax.errors import InputError
from kd_jax.language import tiny_teacher

SOME = [
    QuestionAndSolution("How many?", "4+3 = <<4+3=7>>7.\nTwice that is 14.\n#### 14"),
    QuestionAndSolution("How much?", "#### 1,250"),
    QuestionAndSolution("Why?", "2\n#### 2"),
]


@pytest.mark.parametrize(
    "text, answer",
    [
        ("4 + 3 = 7\n#### 7", "7"),
        ("#### 1,250", "1250"),
        ("####$12.50 in all", "12.5"),
        *((f"#### {text}", None) for text in ("0x10", "3:30", "3x4", "1½", "5²", "2\u2044", "10⁶")),
        *((f"#### {text}", "5") for text in ("5x", "5: 6 left", "5 apples")),
        ("#### $ 3.00", "3"),
        ("#### -40.", "-40"),
        ("#### 100", "100"),  # no 1E+2
        ("#### .5", "0.5"),
        ("#### 3 or #### 4", "3"),
        # signs, also the typographic minus (U+2212) and dash, on either side of a currency
        ("#### -$5", "-5"),
        ("#### $-5", "-5"),
        ("#### −5", "-5"),
        ("#### –5", "-5"),
        ("#### +5", "5"),
        ("#### +$1,000", "1000"),
        ("#### - 5", "-5"),
        ("#### €2", "2"),
        ("#### -0", "0"),
        ("#### -0.00", "0"),
        ("#### 007", "7"),
        # exactly, beyond the 28 digits of decimal's usual context
        ("#### 123456789012345678901234567891", "123456789012345678901234567891"),
        ("#### 0.1234567890123456789012345678901", "0.1234567890123456789012345678901"),
        ("#### 1" + 5000 * "0", "1" + 5000 * "0"),
        # powers and fractions
        ("#### 1e5", "100000"),
        ("#### 1.5E3", "1500"),
        ("#### 25e-1", "2.5"),
        ("#### 5 eggs", "5"),
        ("#### 5e", "5"),
        ("#### 1e99999", None),
        # what is not understood as a whole is no number, rather than the number that it begins with
        *(
            (f"#### {text}", None)
            for text in (
                "3 1/2",
                "1e5/2",
                "1/2.5",
                "1/-2",
                "1/1,000",
                "12/4/2",
                "5×10^3",
                "1 000",
                "1'000",
                "1.234.567",
                "1,5",
                "12,34",
                "5*10",
            )
        ),
        ("#### **5**", "5"),
        ("#### \\$5", "5"),
        ("#### (5)", "5"),
        ("#### 5*", "5"),
        ("####" + " " * 20_000 + "x", None),
        ("#### 3/4", "0.75"),
        ("#### -6/3", "-2"),
        ("#### 2 / 6", "1/3"),
        ("#### 3/0", None),
        ("#### 1.5/2", "0.75"),
        ("#### 0/7", "0"),
        ("#### 5/box", "5"),
        ("#### none", None),
        ("The answer is 7.", None),
        ("### 7", None),
        ("", None),
    ],
)
def test_the_answer_is_the_number_after_the_mark(text, answer):
    assert gsm8k.extracted(text) == answer


@functools.cache
def task(**changes):
    max_lengths = changes.pop("max_lengths", (120, 30))
    layers = changes.pop("layers", 2)
    model = tiny_teacher.chat_model(jax.random.key(0), [])
    return model, gsm8k.task(model, (SOME, 2), (SOME[1:], 2), max_lengths, layers)


def test_prompts_solutions_and_answers_of_a_chat_model():
    model, found = task()
    words = model.tokenizer

    def said(tokens, row):
        return words.decode(tokens.ids[row][tokens.mask[row]].tolist(), skip_special_tokens=False)

    asked = f"<|im_start|>user\nWhy?\n{gsm8k.FORMAT}<|im_end|>\n<|im_start|>assistant\n"
    assert said(found.tests["test"].prompts, 1) == asked
    # the first of the three solutions is too long
    assert found.train.gold == ["1250", "2"] and found.train.steps == [0, 1]
    assert said(found.solutions["terse"], 1) == "2\n#### 2<|im_end|>"
    assert said(found.solutions["answer"], 0) == "#### 1250<|im_end|>"
    wrote = words.encode("7 and 8\n#### 8", add_special_tokens=False).ids
    assert found.read(wrote) == "8" and found.read(wrote[:3]) is None


def test_a_student_has_some_of_its_teacher_s_layers():
    model, found = task()
    net, params = model.net, model.params
    assert found.student.layers == 2 and net.layers == 4
    start = found.start(np.arange(3))
    kernels = params["layers"]["query"]["kernel"], start["layers"]["query"]["kernel"]
    assert kernels[1].shape == (3, 2, *kernels[0].shape[1:])
    for member in kernels[1]:
        np.testing.assert_array_equal(member[0], kernels[0][0])


def test_models_that_do_not_fit_are_one_line():
    with pytest.raises(InputError, match="--layers=4: expected below the teacher's 4"):
        task(layers=4)
    with pytest.raises(InputError, match="--prompt_tokens=2000 and --answer_tokens=64"):
        task(max_lengths=(2000, 64))


def test_more_problems_held_out_than_there_are_is_one_line():
    needed(DATA / "gsm8k")
    with pytest.raises(InputError, match="--held_out=9000: expected below 7473"):
        gsm8k.load(Config(task="gsm8k", tiny=True, manual_dir=str(DATA), held_out=9000))


SETTINGS = {
    "task": "gsm8k", "tiny": True, "seeds": 2, "sizes": (2, 4), "tests": 3, "samples": 2,
    "steps": 20, "on_policy_steps": 10, "batch_size": 2, "layers": 2, "prompt_tokens": 104,
    "answer_tokens": 16, "eval_batch_size": 4, "held_out": 2,
}  # fmt: skip


def test_the_tiny_teacher_is_another_for_another_base_seed(monkeypatch):
    short_problems.instead(monkeypatch)
    digests = []
    for base_seed in (0, 1):
        given, task_of = gsm8k.load(Config(**SETTINGS, base_seed=base_seed))
        assert task_of(0).teacher.digest == given["teacher"]
        digests.append(given["teacher"])
    assert digests[0] != digests[1]


def test_students_learn_from_training_problems_that_are_not_held_out(monkeypatch):
    short_problems.instead(monkeypatch)
    known, test = short_problems.TRAIN, short_problems.TEST
    for validation_only, held_out in ((False, test[:3]), (True, known[-3:])):
        more = {"sizes": (17,), "held_out": 3, "validation_only": validation_only}
        found = gsm8k.load(Config(**SETTINGS | more))[1](0)
        answers = [[p.solution.split()[-1] for p in some] for some in (known[:17], held_out)]
        assert [found.train.gold, found.tests["test"].gold] == answers
    with pytest.raises(InputError, match="17 of 17 problems have prompts .* expected 18"):
        gsm8k.load(Config(**SETTINGS | more | {"sizes": (18,)}))


def test_a_random_teacher_solves_nothing_and_that_is_said(tmp_path, monkeypatch):
    short_problems.instead(monkeypatch)
    with pytest.raises(InputError, match="the teacher solves none of 4 problems in 2 tries"):
        finished("reasoning", Config(**SETTINGS, workdir=str(tmp_path)))


def has_arms(folder, wanted):
    """Check what a run wrote whose every answer counts as right."""
    teacher, *found = jsonl.records(folder)
    assert [r["row"] for r in found[::4]] == [arm.row for arm in wanted]
    assert len(found) == 4 * len(wanted)  # two seeds of two sizes each
    assert teacher["solved_accuracy"] == teacher["vote_accuracy"] == 1
    assert all(r["test_accuracy"] == 1 and r["test_tokens"] >= 1 for r in found)
    assert all(np.isfinite(r["train_loss"]) for r in found)
    assert "GSM8K" in (folder / "table.md").read_text()


def test_a_tiny_model_that_is_believed_has_on_policy_students(tmp_path, monkeypatch):
    short_problems.instead(monkeypatch)
    by_gradient_descent(monkeypatch)
    monkeypatch.setattr(gsm8k, "extracted", lambda text: "1")  # whatever is written is right
    config = Config(**SETTINGS, workdir=str(tmp_path))
    assert reasoning.chosen_arms(config) == arms.FEW
    one = [arm for arm in arms.FEW if arm.row == rows.ON_POLICY_FORWARD]  # and SFT before it
    monkeypatch.setattr(reasoning, "chosen_arms", lambda config: one)
    has_arms(finished("reasoning", config), one)


@pytest.mark.slow
def test_a_run_on_published_problems_has_every_arm(tmp_path, monkeypatch):
    needed(DATA / "gsm8k")
    monkeypatch.setattr(gsm8k, "extracted", lambda text: "1")
    longer = {"prompt_tokens": 192, "answer_tokens": 96}
    where = {"workdir": str(tmp_path), "manual_dir": str(DATA)}
    has_arms(finished("reasoning", Config(**SETTINGS | longer | where)), arms.FEW)
