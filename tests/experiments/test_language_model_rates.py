"""Peak learning rates of the decoder experiment: chosen on validation, one for each objective.

Here students add their rate to what they begin with, so that each tells where it comes from.
"""

import math
import types

import jax
import numpy as np
import pytest
import short_problems

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from experiments.language_model import objectives, rates, rows
from experiments.language_model import run as language_model
from experiments.language_model.config import Config
from experiments.language_model.students import DecoderStudents
from kd_jax import losses
from kd_jax.export import saved_models
from kd_jax.language import gsm8k_texts
from kd_jax.language.objectives import Objective, divergence, labels
from kd_jax.pretrained import llama
from kd_jax.storage import run_folder
from kd_jax.training.sequential import Fitted

KINDS = [
    Objective(rows.SFT, labels), Objective(rows.FORWARD, divergence(losses.forward_kl)),
    Objective(rows.RESTARTED, labels),
]  # fmt: skip
SFT, FORWARD, RESTARTED = (each.row for each in KINDS)
RATES = 0.25, 0.5, 1.0
KL = {  # nats on validation of the students of seed 0; those that are not here diverge
    (SFT, 0.25): 3.0, (SFT, 0.5): 2.0, (SFT, 1.0): 4.0,
    (FORWARD, 0.25): 1.0, (FORWARD, 0.5): 5.0, (FORWARD, 1.0): 7.0,
    (RESTARTED, 0.5): 6.0, (RESTARTED, 1.0): 5.5,
}  # fmt: skip
CHOSEN = {SFT: 0.5, FORWARD: 0.25, RESTARTED: 1.0}


class Killed(Exception):
    """What ends a process here."""


class Students(DecoderStudents):
    """Students that are trained at once; those of seed 1 are as near to the teacher as can be.

    trained: (row, rate, seed, what was added to the teacher's embedding before) of each so far;
    killed_at: (row, rate, seed) whose training ends the process, if any.
    """

    trained: list = []
    kl: dict = {}
    killed_at: tuple = ()

    def training(self, objective, rate):
        def fit(start, seed, *, label, execution):
            self.now = objective.row, rate, seed
            if self.now == self.killed_at:
                raise Killed
            self.trained.append((*self.now, added(start, self.data)))
            moved = jax.tree.map(lambda x: np.asarray(x) + np.float32(rate), start)
            curves = {"loss": np.ones(2), "tokens": np.ones(2)}
            sound = seed or (objective.row, rate) in self.kl
            return Fitted(moved, curves, -1 if sound else 3, [(1, 0.0), (2, 1.0)])

        return types.SimpleNamespace(fit=fit, peak_bytes=lambda: 8)

    def validation_kl(self, params):
        row, rate, seed = self.now
        return 0.125 if seed else self.kl[row, rate]

    def measure(self, params):
        return {"test_kl": 9.0}

    def measure_teacher(self, chosen, task):
        return [{"seed": 0}]

    def measure_cut(self, task):
        return [{"seed": 0}]


def added(params, data):
    """What was added to each number of the teacher's embedding."""
    found = np.asarray(params["embedding"]) - np.asarray(data.teacher.params["embedding"])
    np.testing.assert_allclose(found, found.mean(), atol=1e-5)
    return round(float(found.mean()), 3)


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A function that trains Students with a KL on validation, and gives (run, data, students)."""
    short_problems.instead(monkeypatch)
    monkeypatch.setattr(objectives, "chosen", lambda config: KINDS)

    def train(kl=KL, learning_rates=RATES, workdir="one", killed_at=()):
        known = Config.PRESETS["smoke"] | {"seeds": 2, "all_objectives": True}
        config = Config(**known | {"learning_rates": learning_rates})
        data = language_model.load(config)
        run = run_folder.Run(str(tmp_path / workdir), "language_model", config.results_key())
        about = {"trained": [], "kl": kl, "killed_at": killed_at}
        students = type("Some", (Students,), about)
        monkeypatch.setattr(language_model, "DecoderStudents", students)
        try:
            language_model.train(config, data, run)
        except Killed:
            run._lock.release()
        return run, data, students

    return train


def units(run):
    """(row, rate, seed) of the records of students, as they were written."""
    return [(r["row"], r["rate"], r["seed"]) for r in run.records() if "rate" in r]


def all_units(chosen):
    """Those of a whole run in which these rates are chosen."""
    return [
        (row, *of)
        for row, best in chosen.items()
        for of in (*((rate, 0) for rate in RATES), (best, 1))
    ]


def are_kept(run, data, chosen):
    """Check that a run holds the students of these rates and no others."""
    for name, row in (("student", FORWARD), ("sft-0", SFT), ("sft-1", SFT)):
        assert added(llama.load(run.path(name))[1], data) == chosen[row]
    folders = {path.name for path in run.folder.iterdir() if path.is_dir()}
    assert folders == {"student", "sft-0", "sft-1", "networks"}
    saved = {(*group.rows, group.where["rate"]) for group in saved_models.groups(run.folder)}
    assert saved == set(chosen.items())
    assert len([path for path in run.path("networks").iterdir() if path.is_dir()]) == 3


def test_each_objective_has_the_rate_of_the_lowest_kl_on_validation(trained):
    """2, 1 and 5.5 nats are the lowest; students restarted at 0.25 diverge. Those begin as SFT's
    students of their seed at 0.5 end, all others as the teacher's layers."""
    run, data, students = trained()
    assert units(run) == all_units(CHOSEN)
    assert students.trained == [
        (*unit, 0.5 if unit[0] == RESTARTED else 0.0) for unit in all_units(CHOSEN)
    ]
    found = {(r["row"], r["rate"], r["seed"]): r for r in run.records() if "rate" in r}
    assert all(found[*unit, 0]["validation_kl"] == nats for unit, nats in KL.items())
    assert found[RESTARTED, 0.25, 0]["diverged"] == 3
    are_kept(run, data, CHOSEN)
    one = saved_models.take(run.folder, RESTARTED, 0, {})  # for export
    assert one.record == found[RESTARTED, 1.0, 0]
    assert added(one.variables["params"], data) == 0.5 + 1.0


def test_a_rate_whose_student_diverged_is_not_chosen_unless_all_did(trained):
    """SFT is left with the worse of its rates, forward KL with none: the first one trains on."""
    kl = {(SFT, 0.5): 9.0, (SFT, 1.0): 8.0, (RESTARTED, 0.25): 1.0, (RESTARTED, 0.5): 1.0}
    chosen = {SFT: 1.0, FORWARD: 0.25, RESTARTED: 0.25}  # of equal ones the first
    run, data, students = trained(kl)
    assert units(run) == all_units(chosen)
    assert {x[3] for x in students.trained if x[0] == RESTARTED} == {1.0}
    are_kept(run, data, chosen)


def test_of_one_rate_nothing_is_chosen(trained):
    run, data, _ = trained(learning_rates=(0.5,))
    assert units(run) == [(row, 0.5, seed) for row in CHOSEN for seed in (0, 1)]
    are_kept(run, data, dict.fromkeys(CHOSEN, 0.5))


def test_the_students_of_the_first_seed_alone_choose():
    found = [
        {"row": "a", "rate": rate, "seed": seed, **measured}
        for rate, seed, measured in (
            (0.25, 1, {"validation_kl": 1.0}), (0.25, 0, {"validation_kl": 4.0}),
            (0.5, 0, {"validation_kl": 3.0}), (1.0, 0, {"diverged": None}),
        )
    ]  # fmt: skip
    assert rates.chosen([*found, {"row": "b", "rate": 1.0, "seed": 0}], "a") == 0.5
    assert rates.validation_kl(found[:2]) == 4.0 and rates.validation_kl(found[:1]) == math.inf


@pytest.mark.parametrize("unit", [(SFT, 0.5, 1), (FORWARD, 0.5, 0), (RESTARTED, 1.0, 1)])
def test_a_run_that_is_killed_before_a_student_goes_on_to_the_same_records(trained, unit):
    whole, *_ = trained(workdir="whole")
    begun, _, before = trained(killed_at=unit)
    assert len(begun.records()) == len(before.trained) + 2
    run, data, after = trained()
    assert run.folder == begun.folder and run.records() == whole.records()
    assert [x[:3] for x in before.trained + after.trained] == all_units(CHOSEN)
    are_kept(run, data, CHOSEN)


@pytest.mark.parametrize("unit", [(SFT, 0.5, 0), (RESTARTED, 1.0, 0), (SFT, 0.5, 1)])
def test_a_better_student_that_was_saved_and_not_recorded_is_trained_again(
    trained, monkeypatch, unit
):
    whole, *_ = trained(workdir="whole")
    append = run_folder.Run.append

    def dies(run, found, by=()):
        if unit == tuple(found[0].get(name) for name in ("row", "rate", "seed")):
            raise Killed
        append(run, found, by)

    with monkeypatch.context() as patch:
        patch.setattr(run_folder.Run, "append", dies)
        _, _, before = trained()
    run, data, after = trained()
    assert before.trained[-1] == after.trained[0] and after.trained[0][:3] == unit
    assert run.records() == whole.records()
    are_kept(run, data, CHOSEN)


def test_validation_is_of_problems_that_no_student_learns_from(monkeypatch):
    """Of 20 the first 8 are learned from, and 4 that follow are validation."""
    short_problems.instead(monkeypatch)
    smoke = Config.PRESETS["smoke"]
    data = language_model.load(Config(**smoke))
    alone = language_model.load(Config(**smoke, validation_only=True))

    def said(texts):
        parts = [(part.ids, part.mask) for part in (texts.prompts, texts.answers)]
        return [ids[mask].tolist() for part in parts for ids, mask in zip(*part)]

    chat, lengths = gsm8k_texts.chat_of(data.model), (96, 48)
    wanted = said(gsm8k_texts.encode(chat, short_problems.TRAIN[8:12], 4, lengths))
    tested = said(gsm8k_texts.encode(chat, short_problems.TEST, 4, lengths))
    assert said(data.validation) == said(alone.validation) == said(alone.test) == wanted
    assert said(data.test) == tested
