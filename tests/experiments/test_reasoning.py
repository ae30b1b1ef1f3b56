"""Students of reasoning: what they learn from, what is counted, which settings fit."""

import types

import jax
import numpy as np
import pytest

from experiments.reasoning import (
    answering,
    arms,
    automaton,
    families,
    pools,
    rows,
    students,
    tasks,
    training,
)
from experiments.reasoning import run as experiment
from experiments.reasoning.config import CHUNKS, Config
from kd_jax import experiment as config
from kd_jax.data.padding import padded
from kd_jax.errors import InputError
from kd_jax.models import llama
from kd_jax.storage import run_folder
from kd_jax.training import optimizers

RIGHT = np.array([[1, 0, 0, 0, 1], [1, 0, 1, 0, 0], [0, 0, 1, 0, 1]], bool)  # 3 samples, 5 problems


def tokens(rows):
    return padded([[row] for row in rows])


SAMPLED = pools.Sampled([tokens([10 * k + n for n in range(5)]) for k in range(3)], RIGHT)
PROMPTS = tokens([100, 101, 102, 103, 104])
TWO = jax.random.split(jax.random.key(1), 2), jax.random.key(2)  # students, and their order
HUMAN = {"answer": tokens(range(200, 205)), "terse": tokens(range(300, 305))}


def texts_of(pool):
    """For every problem of a Pool the (prompt, answer) of each of its texts."""
    prompts, answers = (part.ids[:, 0] for part in pool.texts)
    return [[(int(prompts[r]), int(answers[r])) for r in rows] for rows in pool.chains]


def test_pools_hold_what_the_teacher_got_right():
    # problems 0, 2 and 4 are solved: by samples 0 and 1, by 1 and 2, by 0 and 2
    assert SAMPLED.solved.tolist() == [0, 2, 4] and SAMPLED.tries().tolist() == [1, 3, 2, 3, 1]
    found = {
        name: texts_of(pool) for name, pool in pools.of_solved(PROMPTS, HUMAN, SAMPLED).items()
    }
    assert found == {
        "answer": [[(100, 200)], [(102, 202)], [(104, 204)]],
        "terse": [[(100, 300)], [(102, 302)], [(104, 304)]],
        pools.ONE: [[(100, 0)], [(102, 12)], [(104, 4)]],
        pools.SEVERAL: [
            [(100, 0), (100, 10), (100, 0)],
            [(102, 12), (102, 22), (102, 12)],
            [(104, 4), (104, 24), (104, 4)],
        ],
        pools.UNFILTERED: [
            [(100, 0), (100, 10), (100, 20)],
            [(102, 2), (102, 12), (102, 22)],
            [(104, 4), (104, 14), (104, 24)],
        ],
    }


def test_chains_are_judged_by_their_answers():
    said = {7: "a", 8: "b", 9: None}
    found = pools.judged([tokens([7, 8]), tokens([9, 7])], lambda ids: said[ids[0]], ["a", "a"])
    assert found.right.tolist() == [[True, False], [False, True]]
    with pytest.raises(InputError, match="solves none of 2 problems in 1 tries"):
        pools.judged([tokens([8, 9])], lambda ids: said[ids[0]], ["a", "a"])


def task_of(read=None):
    problems = tasks.ProblemSet(PROMPTS, ["x"] * 5, [1] * 5, 8)
    return tasks.ReasoningTask(None, None, None, None, problems, HUMAN, {"test": problems}, read)


def test_what_arms_ask_of_the_teacher():
    settings = training.TrainingSettings(
        160, 4, 0.1, optimizers.adamw_warmup_cosine, on_policy_steps=140
    )
    trained = students.Students(task_of(), (2, 5), *TWO, settings, None, SAMPLED)
    assert trained.seeds.tolist() == [0, 1, 0, 1] and trained.sizes.tolist() == [2, 2, 5, 5]
    assert trained.counts.tolist() == [1, 1, 3, 3]  # of them are solved
    calls = {
        arm.row: [
            (known["problems"], known["teacher_generated"], known["teacher_scored"])
            for known in trained.known(arm)[::2]
        ]
        for arm in arms.FEW + arms.EQUAL_TOKENS + arms.MORE
    }
    assert calls == {
        rows.ANSWER: [(2, 0, 0), (5, 0, 0)],
        rows.TERSE: [(2, 0, 0), (5, 0, 0)],
        rows.equal_tokens(rows.ANSWER): [(5, 0, 0)],
        rows.equal_tokens(rows.TERSE): [(5, 0, 0)],
        rows.CHAINS: [(2, 4, 0), (5, 10, 0)],  # 1 + 3 tries; 1 + 3 + 2 + 3 + 1
        rows.FORWARD: [(2, 4, 1), (5, 10, 3)],
        rows.SFT_START: [(2, 4, 0), (5, 10, 0)],
        rows.SFT_RESTARTED: [(2, 4, 0), (5, 10, 0)],
        rows.ON_POLICY_REVERSE: [(2, 4, 560), (5, 10, 560)],  # 160 − 20 steps of 4 texts
        rows.ON_POLICY_FORWARD: [(2, 4, 560), (5, 10, 560)],
        rows.ON_POLICY_JSD: [(2, 4, 560), (5, 10, 560)],
        rows.SEVERAL: [(2, 6, 0), (5, 15, 0)],
        rows.UNFILTERED: [(2, 6, 0), (5, 15, 0)],
    }
    assert [known["seed"] for known in trained.known(arms.FEW[0])] == [0, 1, 0, 1]
    with pytest.raises(InputError, match="solves none of the first 1 problems"):
        unsolved = SAMPLED._replace(right=RIGHT & (np.arange(5) > 0))
        students.Students(task_of(), (1, 5), *TWO, settings, None, unsolved)


def test_as_many_tokens_are_more_steps():
    # chains of 1 word; 5 problems with answers of 1 word and terse solutions of 1, one of them of 3
    human = HUMAN | {"terse": padded([[1, 2, 3], [4], [5], [6], [7]])}
    task = task_of()._replace(solutions=human)
    trained = students.Students(
        task,
        (5,),
        *TWO,
        training.TrainingSettings(160, 4, 0.1, optimizers.adamw_warmup_cosine),
        None,
        SAMPLED,
    )
    assert trained.equal_steps("answer") == 160
    assert trained.equal_steps("terse") == 100  # 160 · 3/(3 + 1 + 1) = 96 of the solved, in tens


def test_phases_count_steps_from_the_first_ones_begin():
    tokens = np.array([5.0, 5, 5])
    first = students.FittedArm(None, tokens, tokens, np.array([-1, 3, -1]))
    then = students.FittedArm("params", tokens, 2 * tokens, np.array([-1, 0, 2]))
    both = students.joined(first, then, steps=20)
    assert both.params == "params" and both.tokens.tolist() == [15, 15, 15]
    assert both.diverged.tolist() == [-1, 3, 22]


def test_rows_of_sft_begin_and_end_where_on_policy_does(monkeypatch):
    """One stops there, the other goes on for as many steps with a schedule of its own."""
    settings = training.TrainingSettings(160, 4, 0.1, optimizers.adamw_warmup_cosine, 140)
    trained = students.Students(task_of(), (2, 5), *TWO, settings, None, SAMPLED)
    begun = []

    def phase(arm, settings, start, execution=None):
        begun.append((arm.row, settings.steps, settings.learning_rate, start))
        tokens = np.ones(4)
        return students.FittedArm(f"after {settings.steps}", tokens, tokens, np.full(4, -1))

    monkeypatch.setattr(trained, "_phase", phase)
    monkeypatch.setattr(trained, "start", lambda: "start")
    by_row = {arm.row: arm for arm in arms.FEW}
    found = [trained.fit(by_row[row]) for row in (rows.SFT_START, rows.SFT_RESTARTED)]
    assert [each.params for each in found] == ["after 20", "after 140"]
    assert begun[1:] == [(rows.SFT_RESTARTED, 140, 0.1, "after 20")]
    assert begun[0][1:] == (20, 0.1, "start") and found[1].tokens.tolist() == [2] * 4
    trained.fit(by_row[rows.ON_POLICY_FORWARD])
    assert begun[2:] == [(rows.ON_POLICY_FORWARD, 140, 0.1, "after 20")]


def test_a_student_that_diverged_is_recorded_with_its_step_and_not_measured():
    tokens = np.array([7.0, 8.0])
    fitted = students.FittedArm(np.array([0.5, np.nan]), tokens, tokens, np.array([-1, 40]))
    known = [{"row": rows.ANSWER, "seed": seed} for seed in range(2)]
    found = experiment.records_of(known, fitted, lambda p: {"test_accuracy": float(p)})
    assert found == [
        {"row": rows.ANSWER, "seed": 0, "test_accuracy": 0.5}
        | {"train_loss": 7.0, "train_tokens": 7.0},
        {"row": rows.ANSWER, "seed": 1, "diverged": 40},
    ]


def test_members_draw_from_their_first_problems_and_seeds_are_paired():
    chains = np.arange(60).reshape(20, 3)
    settings = training.TrainingSettings(10 * CHUNKS, 100, 0.1, optimizers.adamw_warmup_cosine)
    drawn = training.sampler(jax.random.key(0), [0, 1, 0], [4, 4, 20], chains, settings)
    small, other, large = (np.asarray(drawn(member, 3)) for member in range(3))
    assert small.shape == (10, 100)
    assert set(small.ravel()) == set(range(12)) and set(large.ravel()) == set(range(60))
    assert (small != other).any()
    # a seed draws alike: of 20 problems the five times as high, and of each the same chain
    assert (large // 3 // 5 == small // 3).all() and (large % 3 == small % 3).all()
    assert (np.asarray(drawn(0, 4)) != small).any()


def test_tests_of_one_task_have_one_shape_and_are_otherwise_unchanged():
    short = tasks.ProblemSet(padded([[1, 2], [3]], left=True, multiple=1), ["a", "b"], [1, 2], 8)
    long = tasks.ProblemSet(padded([[4, 5, 6]], left=True, multiple=1), ["c"], [3], 5)
    found = tasks.alike({"test": short, "harder": long})
    assert [each.blank().answers.ids.shape for each in found.values()] == [(2, 8), (1, 8)]
    assert found["test"].prompts.ids.tolist() == [[0, 1, 2], [0, 0, 3]]
    assert found["test"].prompts.lists() == [[1, 2], [3]]
    assert found["harder"].prompts.lists() == [[4, 5, 6]]
    assert found["test"].gold == ["a", "b"] and found["test"].steps == [1, 2]


def test_votes_and_exact_answers():
    assert answering.vote(["5", None, "7", "7", None, None]) == "7"
    assert answering.vote(["5", "7"]) == "5" and answering.vote([None, None]) is None
    assert answering.right(["5", None, "5 "], ["5", "5", "5"]).tolist() == [True, False, False]


def test_answers_are_counted_by_steps():
    problems = tasks.ProblemSet(PROMPTS, ["1", "2", "3", "4"], [2, 3, 3, 3], 8)
    written = [[1], [2, 2], [9, 9, 9], [4, 4]]
    found = answering.scores(written, lambda ids: str(ids[0]), problems)
    assert found["accuracy"] == 0.75 and found["tokens"] == 2
    assert found["by_steps"] == {"2": 0, "3": pytest.approx(1 / 3)}


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--task=chess"], "--task=chess: expected one of word_problems, automaton, gsm8k"),
        (["--sizes=5,5"], "--sizes=5,5: the same value stands there twice"),
        (["--sizes=0"], "--sizes=0: expected at least 1"),
        (["--temperature=0"], "--temperature=0: expected a finite number above 0, from 2e-19"),
        (["--learning_rate=1e-310"], "expected a number above 0 and below 100"),
        (["--on_policy_steps=125"], "--on_policy_steps=125: expected a multiple of 10"),
        (["--steps=300"], "--on_policy_steps=300: expected below --steps=300"),
        (["--teacher_steps=5"], "--teacher_steps=5: expected a multiple of 10"),
        (["--width=10"], "--width=10: expected a multiple of 4"),
        (["--teachers=0"], "--teachers=0: expected at least 1"),
        (
            ["--task=gsm8k", "--tiny", "--teachers=2"],
            "--teachers=2: expected 1 with --task=gsm8k, whose teacher is given",
        ),
        (["--slow_rate_factor=0"], "--slow_rate_factor=0: expected a number above 0"),
        (["--teacher=x"], "--teacher and --tiny are of --task=gsm8k"),
        (["--task=gsm8k", "--tiny", "--teacher=x"], "--tiny and --teacher: expected one"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(flags, said):
    with pytest.raises(InputError, match=said) as caught:
        config.parse(Config, ["x", *flags])
    assert "\n" not in str(caught.value)


def test_teachers_are_units_of_their_own():
    run = types.SimpleNamespace(uses=lambda **given: None, units=[])
    run.each = lambda units, **more: run.units.extend(known for known, _ in units)
    preset = Config.PRESETS["smoke"]
    experiment.run(Config(**preset, teachers=2), run)
    names = [rows.TEACHER, *(arm.row for arm in arms.FEW + arms.EQUAL_TOKENS)]
    assert run.units == [{"teacher_seed": k, "row": row} for k in range(2) for row in names]


def test_teachers_and_base_seeds_have_keys_and_problems_of_their_own(tmp_path, monkeypatch):
    def untrained(net, texts, settings, key, order, execution):
        drawn.append(tuple(np.asarray(jax.random.key_data(x)).tobytes() for x in (key, order)))
        like = jax.eval_shape(llama.decoder(net).init, key)["params"]
        return jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), like)

    drawn, texts, digests = [], [], []
    monkeypatch.setattr(families, "train", untrained)
    for base_seed in range(2):
        settings = Config(**Config.PRESETS["smoke"], teachers=2, base_seed=base_seed)
        run = run_folder.Run(str(tmp_path), "reasoning", settings.results_key())
        _, task_of = families.load(automaton, settings, run)
        for number in range(2):
            task = task_of(number)
            texts.append(task.train.prompts.ids.tobytes())
            digests.append(task.teacher.digest)
    assert len({x for pair in drawn for x in pair}) == 8
    assert len(set(texts)) == len(set(digests)) == 4
