"""Reasoning as a run: what its few arms record, and the whole smoke."""

import json

import jax
import numpy as np
import pytest
from in_process import by_gradient_descent, drawn_by_numpy, finished

from experiments.reasoning import (
    arms,
    automaton,
    families,
    problems,
    report,
    rows,
)
from experiments.reasoning import run as experiment
from experiments.reasoning.config import Config
from kd_jax.export import saved_models
from kd_jax.models import llama
from kd_jax.storage import jsonl


def unlearned(net, texts, settings, key, order, execution):
    """The parameters of a teacher that learned nothing."""
    like = jax.eval_shape(llama.decoder(net).init, key)["params"]
    random = np.random.default_rng(0)
    return jax.tree.map(lambda x: random.normal(size=x.shape, scale=0.3).astype(x.dtype), like)


@pytest.mark.parametrize("on_policy", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_small_run_records_what_each_arm_learned(tmp_path, monkeypatch, capsys, on_policy):
    """Of an untrained teacher; what stands in an answer is the sum of its tokens, for all alike."""
    monkeypatch.setattr(families, "train", unlearned)
    drawn_by_numpy(monkeypatch)
    by_gradient_descent(monkeypatch)
    monkeypatch.setattr(problems, "answer_in", lambda words, ids: "abcdefghij"[sum(ids) % 10])
    some = (rows.ANSWER, rows.ON_POLICY_REVERSE)[: 1 + on_policy]
    wanted = tuple(arm for arm in arms.FEW if arm.row in some)
    monkeypatch.setattr(arms, "FEW", wanted)
    monkeypatch.setattr(arms, "EQUAL_TOKENS", ())

    def load(settings, run):
        given, task_of = families.load(automaton, settings, run)

        def easy(number):
            task = task_of(number)
            return task._replace(tests={"test": task.tests["test"]})

        return given, easy

    monkeypatch.setitem(experiment.TASKS, "automaton", load)
    small = {"sizes": (32,), "tests": 10, "steps": 20, "on_policy_steps": 10, "eval_batch_size": 32}
    preset = Config.PRESETS["smoke"] | small
    folder = finished("reasoning", Config(**preset, preset="smoke", workdir=str(tmp_path)))
    records = jsonl.records(folder)  # of the teacher and of students at one time: in either order
    (teacher,), found = ([r for r in records if ("problems" in r) == x] for x in (False, True))
    assert [(r["row"], r["problems"], r["seed"]) for r in found] == [
        (arm.row, 32, seed) for arm in wanted for seed in range(2)
    ]
    for r in (teacher, *found):
        assert 0 <= r["test_accuracy"] <= 1 and list(r["test_by_steps"]) == ["6"]
        # as many as the longest chain of the harder test, of 8 steps, has
        assert 1 <= r["test_tokens"] <= 19 and np.isfinite(r["test_teacher_nll"])
        assert 1 <= r["test_sample_tokens"] <= 19 and 0 < r["test_sample_entropy"] < 5
        assert r["test_accuracy"] == pytest.approx(1 - r["test_by_steps"]["6"])
    assert all(np.isfinite(r["train_loss"]) for r in found)
    # 20 steps of 4 answers of 3 tokens; on-policy texts are of the student, of up to 15 tokens
    assert [r["train_tokens"] for r in found[:2]] == [240, 240]
    assert all(80 <= r["train_tokens"] <= 15 * 80 for r in found[2:])
    assert [r["teacher_scored"] for r in found] == [0, 0, 40, 40][: len(found)]
    assert 0 < teacher["sample_accuracy"] <= teacher["solved_accuracy"] < 1
    assert (folder / "reasoning.svg").stat().st_size > 5000
    table = (folder / "table.md").read_text()
    assert report.table(folder) == table and table in capsys.readouterr().out + "\n"
    assert "over 2 students of one teacher" in table and "32 problems" in table
    (digest,) = json.loads((folder / "manifest.json").read_text())["teachers"]
    assert digest in {path.name for path in (tmp_path / "teachers").iterdir()}
    saved = {tuple(group.rows) for group in saved_models.groups(folder)}
    assert saved == {(arm.row,) for arm in wanted}


@pytest.mark.slow
def test_a_smoke_run_has_every_arm_size_and_seed(tmp_path, capsys):
    preset = Config.PRESETS["smoke"]
    folder = finished("reasoning", Config(**preset, preset="smoke", workdir=str(tmp_path)))
    teacher, *found = jsonl.records(folder)
    seen = [(r["row"], r["problems"], r["seed"]) for r in found]
    expected = [
        (arm.row, n, seed)
        for arm in arms.FEW + arms.EQUAL_TOKENS
        for n in preset["sizes"][arm.equal_tokens :]
        for seed in range(2)
    ]
    assert sorted(seen) == sorted(expected)  # two arms train at a time
    for r in (teacher, *found):
        assert all(0 <= r[f"{name}_accuracy"] <= 1 for name in ("test", "harder"))
        assert list(r["test_by_steps"]) == ["6"] and set(r["harder_by_steps"]) <= {"7", "8"}
        # as many as the longest chain of the harder test, of 8 steps, has
        assert 1 <= r["test_tokens"] <= 19 and np.isfinite(r["test_teacher_nll"])
    assert all(np.isfinite(r["train_loss"]) and r["train_tokens"] > 0 for r in found)
    answers = [r for r in found if r["row"] == rows.ANSWER]
    texts = preset["steps"] * preset["batch_size"]
    assert {r["train_tokens"] for r in answers} == {3 * texts}
    chains = [r["train_tokens"] for r in found if r["row"] == rows.CHAINS]
    assert max(chains) <= 16 * texts
    assert 0 < teacher["sample_accuracy"] <= teacher["solved_accuracy"] <= 1
    assert (folder / "reasoning.svg").stat().st_size > 5000
    table = (folder / "table.md").read_text()
    assert report.table(folder) == table and table in capsys.readouterr().out + "\n"
    for part in (
        "over 2 students of one teacher",
        "64 problems",
        "Differences, harder",
        "8 steps",
    ):
        assert part in table
    teachers = json.loads((folder / "manifest.json").read_text())["teachers"]
    assert len(teachers) == 1
    assert teachers.keys() <= {path.name for path in (tmp_path / "teachers").iterdir()}
