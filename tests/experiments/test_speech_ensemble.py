"""Speech as an experiment: frames and words by hand, its ensembles, a run on recordings."""

import pathlib

import jax
import numpy as np
import pytest
from in_process import by_gradient_descent, drawn_by_numpy, finished
from published import DATA, needed
from scipy import special

from experiments.speech_ensemble import data, metrics, report, setups
from experiments.speech_ensemble import rows as named
from experiments.speech_ensemble import run as speech_ensemble
from experiments.speech_ensemble.config import Config
from kd_jax.data import Dataset, Split
from kd_jax.metrics import examples
from kd_jax.report import contrasts, grouped
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[2]
RANDOM = np.random.default_rng(2)


def frames(count):
    """Frames that are noise, of any state."""
    inputs = RANDOM.normal(size=(count, 26, 40)).astype(np.float32)
    return Split(inputs, RANDOM.integers(30, size=count).astype(np.int32))


SPOKEN = data.Speech(Dataset("noise", 30, frames(40), frames(4), frames(4), "none"), {}, {})


def test_states_are_three_equal_parts_and_context_repeats_the_edges():
    assert data.state(4, 7).tolist() == [12, 12, 12, 13, 13, 14, 14]
    bank = np.arange(3.0)[:, None]
    seen = data.with_context(bank)[:, :, 0]
    assert seen.shape == (3, 26)
    assert seen[1].tolist() == [0] * 20 + [1] + [2] * 5  # the 21st is the frame itself
    assert seen[:, 20].tolist() == [0, 1, 2]


def test_a_word_is_the_digit_with_the_largest_sum_of_log_probabilities():
    logits = np.random.default_rng(1).normal(size=(2, 7, 30)) * 3
    recording, digits = np.array([0, 0, 0, 1, 1, 2, 2]), np.array([3, 5, 9])
    p = special.softmax(logits, -1)
    wrong = []
    for of_network in p:
        scores = np.zeros((3, 10))
        for frame, number in zip(of_network, recording):
            for digit in range(10):
                scores[number, digit] += np.log(frame[3 * digit : 3 * digit + 3].sum())
        wrong.append(int((scores.argmax(1) != digits).sum()))
    assert metrics.word_errors(logits, recording, digits).tolist() == wrong


def test_the_fraction_of_the_gain_that_is_retained():
    def of(*values, ensembles=1):
        return [
            {"teacher_seed": k, "seed": seed, "test_accuracy": x + 2 * k}
            for k in range(ensembles)
            for seed, x in enumerate(values)
        ]

    row, baseline = (72.0, 74.0, 73.0), (70.0, 72.0, 71.0)
    # (73 − 71)/(75 − 71): half of the gain
    assert report.retained(of(*row), of(*baseline), of(75.0)).startswith("50 % [")
    # of two ensembles, the second with everything 2 higher: (74 − 72)/(76 − 72), whichever is drawn
    found = report.retained(*(of(*x, ensembles=2) for x in (row, baseline, (75.0,))))
    assert found == "50 % [50, 50]"


def test_recordings_are_counted_by_their_frames():
    right = np.array([[1, 1, 0, 1, 0, 1, 1], [0, 0, 0, 1, 1, 1, 1]], bool)
    spoken = SPOKEN._replace(recording={"test": np.array([0, 0, 0, 1, 2, 2, 2])})
    texts = metrics.by_recording(spoken, right)
    found = np.array([examples.unpacked(str(text)) for text in texts])
    np.testing.assert_allclose(found, np.array([[2, 1, 2], [0, 1, 3]]) * 3 / 7)
    np.testing.assert_allclose(found.mean(1), right.mean(1))


@pytest.mark.parametrize("times", [1, 3])
def test_perturbed_frames_are_moved_by_a_filter_at_most_with_gain_and_noise(times):
    frames = np.tile(np.float32(np.arange(40.0)) * 100, (26, 1))
    keys = jax.random.split(jax.random.key(3), 400)
    perturbed = speech_ensemble.perturbation(float(times))
    found = np.asarray(jax.vmap(perturbed, (0, None))(keys, frames))
    inside = slice(times, -times)  # what moves in from an edge is left out
    moves = np.round((found[:, 0, inside] - frames[0, inside]).mean(1) / 100)
    assert set(moves) == set(range(-times, times + 1))
    rest = found[:, :, inside] - frames[:, inside] - 100 * moves[:, None, None]
    gains = rest.mean((1, 2))
    assert 0.25 * times < gains.std() < 0.35 * times  # 0.3, of 400 draws
    assert 0.29 * times < (rest - gains[:, None, None]).std() < 0.31 * times
    down = found[moves == -1]  # what moves in from the edge is the outermost filter
    assert abs((down[:, :, 0] - frames[0, 0]).mean()) < 0.1 * times


class Units:
    """A run that takes units of work and does none."""

    known: list = []

    def uses(self, **facts):
        self.facts = facts

    def each(self, units):
        self.known = [*self.known, *(known for known, _ in units)]


def test_each_ensemble_has_units_and_orders_of_its_own(monkeypatch):
    monkeypatch.setattr(speech_ensemble, "load", lambda config: SPOKEN)
    units = Units()
    speech_ensemble.run(Config(teachers=2), units)
    parts = [setup.name for setup in setups.SETUPS]
    expected = [(part, k) for k in (0, 1) for part in (parts[0], named.FEW, *parts[1:])]
    assert [(x["part"], x["teacher_seed"]) for x in units.known] == expected
    taken = {}
    monkeypatch.setattr(
        speech_ensemble.teachers, "together", lambda *given, **_: taken.setdefault(base, given)
    )
    for base, ensemble in ((0, 0), (0, 1), (1, 0)):
        config, base = Config(base_seed=base, batch_size=2), (base, ensemble)
        speech_ensemble.train_ensemble(config, SPOKEN, ensemble, None, True, 0.0)
    assert all(given[1].epochs == 6 and len(given[2]) == 10 for given in taken.values())
    orders = {np.asarray(given[1].sampler(0, 0)).tobytes() for given in taken.values()}
    assert len(orders) == 3
    firsts = {str(jax.random.key_data(given[2])) for given in taken.values()}
    assert len(firsts) == 3


def test_members_of_perturbed_frames_are_a_preset_beside_those_of_plain_ones(monkeypatch):
    monkeypatch.setattr(speech_ensemble, "load", lambda config: SPOKEN)
    config, units = Config(**Config.PRESETS["perturbed"] | {"teachers": 2}), Units()
    speech_ensemble.run(config, units)
    wanted = setups.setups_of(config)
    expected = [(setup.name, k) for k in (0, 1) for setup in wanted]
    assert [(x["part"], x["teacher_seed"]) for x in units.known] == expected
    plain, *others = wanted
    assert not plain.perturbed
    assert all(setup.perturbed and setup.of_perturbed and setup.times == 1 for setup in others)
    given = []
    monkeypatch.setattr(
        speech_ensemble.teachers, "together", lambda *found, **_: given.append(found[1])
    )
    for perturbed in (0.0, 3.0):
        speech_ensemble.train_ensemble(config, SPOKEN, 0, None, False, perturbed)
    assert given[0].augment is None
    assert given[1].augment is speech_ensemble.perturbation(3.0)


def test_rows_are_named_by_the_numbers_of_the_settings():
    config = Config(label_weight=0.2, temperature=3.0, smoothing=0.3, temperatures=(4.0, 1.0, 2.0))
    first, *_, unlabeled = setups.SETUPS
    rows = [arm.row for arm in speech_ensemble.arms(config, first)]
    assert rows == [
        "labels only", "label smoothing 0.3",
        *(f"soft targets + 0.2 labels, T={t}" for t in (1, 2, 4)),
        "soft targets, T=3", "soft targets + 0.2 labels of the geometric mean, T=3",
        "soft targets + 0.2 labels of a permuted teacher, T=3",
    ]  # fmt: skip
    chief = [arm.row for arm in speech_ensemble.arms(config, unlabeled)]
    assert chief == [named.PSEUDO_LABELS, rows[2], rows[3], rows[5]]
    few = [arm.row for arm in speech_ensemble.arms_of_few(config)]
    assert few[1:3] == ["label smoothing 0.3, last epoch", "soft targets, T=3, last epoch"]
    assert named.Names.of(config.results_key()) == named.Names(0.2, 3.0, 0.3)


def test_a_member_stands_in_no_comparison(monkeypatch):
    """Its seeds are members: no verdict is corrected for it, no size is of it."""
    kept = jsonl.records(ROOT / "experiments" / "speech_ensemble" / "records")
    records = [grouped.in_percent(r) for r in kept if r["part"] == named.AS_PAPER]
    rows, compare, seen = list(grouped.by_row(records)), contrasts.compare_each, []
    monkeypatch.setattr(contrasts, "compare_each", lambda x: seen.append(x) or compare(x))
    lines = report.setup_table(records).splitlines()[2 : 2 + len(rows)]
    assert [line.split("|")[1].strip() for line in lines] == rows and named.MEMBER in rows
    (found,) = seen
    for contrast in found.values():
        assert set(rows) - {r["row"] for r in contrast.records} == {named.MEMBER}


def stopped_where_validation_was_best(records):
    """Of the students of few recordings; the first of equals."""
    few = [r for r in records if r["part"] == named.FEW]
    stopped = [r for r in few if r["row"] == named.STOPPED]
    for r in stopped:
        assert r["epoch"] == 1 + int(np.argmax(r["validation_curve"]))
        assert r["test_accuracy"] == r["test_curve"][r["epoch"] - 1]


def recorded(tmp_path, **settings):
    """(Config, records, folder) of a finished smoke run, every set-up with all of its rows."""
    where = {"workdir": str(tmp_path), "manual_dir": str(needed(DATA / "fsdd").parent)}
    config = Config(**Config.PRESETS["smoke"] | settings, **where)
    folder = finished("speech_ensemble", config)
    assert folder.parent == tmp_path / "speech_ensemble"
    records = jsonl.every_record(folder)
    for setup in setups.SETUPS:
        rows = {r["row"] for r in records if r["part"] == setup.name}
        taught = {arm.row for arm in speech_ensemble.arms(config, setup)}
        assert rows == taught | {named.LABELS, named.MEMBER, named.ENSEMBLE, named.GEOMETRIC}
    stopped_where_validation_was_best(records)
    assert {path.name for path in folder.glob("*.svg")} == {
        "accuracy_by_temperature.svg", "few_recordings.svg",
    }  # fmt: skip
    return config, records


def test_a_small_run_on_real_recordings(tmp_path, monkeypatch):
    drawn_by_numpy(monkeypatch)
    by_gradient_descent(monkeypatch)
    monkeypatch.setattr(setups, "SETUPS", setups.SETUPS[:1])
    monkeypatch.setattr(data, "TAKES", {**data.TAKES, "test": range(1), "validation": range(5, 6)})
    config, records = recorded(tmp_path, takes=1)
    members = [r for r in records if r["row"] == named.MEMBER and r["part"] != named.FEW]
    assert len(members) == config.members
    soft = [r["seed"] for r in records if r["row"] == named.Names.of(config.results_key()).alone]
    assert soft == [0, 1]


@pytest.mark.slow
def test_a_smoke_run_on_real_recordings(tmp_path, monkeypatch):
    first, *_, unlabeled = setups.SETUPS
    monkeypatch.setattr(setups, "SETUPS", (first, unlabeled))
    _, records = recorded(tmp_path, takes=2)
    on_labels = [r["test_errors"] for r in records if r["row"] == named.LABELS]
    # beside students of twice the frames labels only take two epochs, and make fewer errors
    assert all(longer < once for longer, once in zip(on_labels[-2:], on_labels[:2], strict=True))
