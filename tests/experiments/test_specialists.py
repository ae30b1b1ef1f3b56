"""Specialists on pairs of digits: their metrics by hand, units of their own, a run."""

import json
import types

import jax
import numpy as np
import pytest
from in_process import by_gradient_descent, drawn_by_numpy, finished

from experiments.specialists import data as two_digits
from experiments.specialists import generalists, metrics, report
from experiments.specialists import rows as named
from experiments.specialists import run as experiment
from experiments.specialists.config import Config
from experiments.specialists.networks import equal_epochs, parameters, wider
from kd_jax.data import Dataset, Split
from kd_jax.runtime.execution import DEFAULT
from kd_jax.storage import jsonl
from kd_jax.training import keys


def test_conditional_accuracy_and_coverage_by_hand():
    # classes 0 and 1 belong to one specialist, 1 and 2 to the other
    logits = np.full((1, 4, 100), -9.0, np.float32)
    logits[0, [0, 1, 2, 3], [0, 2, 2, 7]] = 9  # the answers 0, 2, 2, 7
    logits[0, 1, 1] = 5
    labels, sets = np.array([0, 1, 2, 7]), np.array([[0, 1], [1, 2]])
    test, seen = Split(np.zeros((4, 1)), labels), Split(np.zeros((2, 1)), np.array([0, 1]))
    data = Dataset("digits", 100, seen, seen, test, "")
    outputs = {"test": logits, "validation": logits[:, :2]}  # of 0, 2, whose labels are 0, 1
    (found,) = metrics.examine("x", outputs, data, sets, part="digits")
    assert found["validation_accuracy"] == 0.5
    assert found["part"] == "digits"
    # the first covers images 0 and 1 and gets both right (of 0 and 1, 1 is likelier); the second
    # covers images 1 and 2: it predicts 2 both times
    assert found["conditional_accuracy"] == pytest.approx(3 / 4)
    # none covers image 3, one each image 0 and 2, two image 1, which is wrong
    assert found["examples_by_coverage"] == [1, 2, 1]
    assert found["correct_by_coverage"] == [1, 2, 0]
    assert found["test_errors"] == 1


def test_controls_cost_as_much_as_the_specialists():
    # 3 inputs, 2 units, 4 classes: 3·2 + 2, 2·2 + 2, 2·4 + 4
    assert parameters(3, 2, 4) == 8 + 6 + 12
    split = Split(np.zeros((8, 3)), np.arange(8) % 4)
    data = Dataset("four", 4, split, split, split, "")
    config = Config(width=2, specialists=5, special_classes=1, special_epochs=6)
    # 26 and five of 8 + 6 + 2·2 + 2 are 126; seven units have 28 + 56 + 32, eight 32 + 72 + 36
    assert wider(config, data) == 8
    # an epoch of a specialist shows 2 of 8 rows and 2 more, half of the rows: 5 · 6 / 2
    assert equal_epochs(config, data) == 15


def test_one_number_of_specialists_has_no_slope():
    assert np.isnan(report.slope(np.array([3, 5, 0]), np.array([3, 6, 0])))
    assert np.isnan(report.slope(np.array([3, 0, 0]), np.array([3, 0, 0])))


def test_growth_with_coverage_is_a_weighted_slope_from_one_specialist_on():
    # +1 % at one (weight 100), +3 % at two and at three (weights 100, 200), 0 examples at four
    before, after = np.array([50, 100, 100, 200, 0]), np.array([99, 101, 103, 206, 0])
    x, y = np.array([1, 2, 3, 3]), np.array([1.0, 3, 3, 3])  # as four alike
    assert report.slope(before, after) == pytest.approx(np.polyfit(x, y, 1)[0])


def shapes(rows, seed):
    """A Split of 8 classes, two by two alike."""
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(8, dtype=np.int32), rows // 8)
    inputs = random.normal(size=(rows, 2, 4)).astype(np.float32)
    inputs[np.arange(rows), 0, labels // 2] += 3
    inputs[np.arange(rows), 1, labels // 2] += 2 * (labels % 2)
    return Split(inputs, labels)


def test_an_ensemble_is_the_mean_of_networks_that_began_differently(monkeypatch):
    """Two that are not trained, beside a generalist of eight classes that knows nothing."""

    def untrained(made, arms, split, teachers, keys, *, adjust, label, execution):
        assert len(arms) == 2 and len(keys) == 1
        return {"params": adjust(None), "state": {}}, {}

    monkeypatch.setattr(generalists.students, "fit", untrained)
    parts = {"train": shapes(80, 0), "validation": shapes(16, 1), "test": shapes(24, 2)}
    data, config = Dataset("shapes", 8, **parts, digest=""), Config(specialists=2, width=4)
    logits = {name: np.zeros((1, len(split.labels), 8)) for name, split in parts.items()}
    taught = types.SimpleNamespace(logits=logits)
    found = generalists.ensemble(config, data, taught, 3, DEFAULT)
    model = experiment.whole_recipe(config, data, 1, "ensemble", 3).model
    for name in ("validation", "test"):
        each = [
            jax.nn.softmax(model.apply(model.init(key), parts[name].inputs)[0][0])
            for key in keys.keys(0, "ensemble", 3, count=2)
        ]
        assert np.abs(each[0] - each[1]).max() > 0.01
        mean = (each[0] + each[1] + 1 / 8) / 3
        np.testing.assert_allclose(np.exp(found[name][0]), mean, rtol=1e-4)


class Units:
    """A run that takes units of work and does none."""

    def uses(self, **facts):
        self.facts = facts

    def each(self, units):
        self.known = [known for known, _ in units]


def test_each_generalist_is_a_unit_with_keys_of_its_own(monkeypatch):
    data = Dataset("shapes", 8, shapes(480, 0), shapes(80, 1), shapes(160, 2), digest="shapes")
    monkeypatch.setattr(experiment, "load", lambda config: (named.DIGITS, data, []))
    units = Units()
    experiment.run(Config(teachers=2), units)
    assert units.known == [{"part": named.DIGITS, "teacher_seed": k} for k in (0, 1)]
    orders = {
        experiment.whole_recipe(Config(base_seed=base), data, 1, what, k).sampler(0, 0).tobytes()
        for base in (0, 1)
        for what in ("teacher", "student", "longer")
        for k in (0, 1)
    }
    assert len(orders) == 2 * 3 * 2


def test_pairs_of_digits_are_drawn_by_the_base_seed_and_none_is_in_two_splits(monkeypatch):
    # an image's pixel says which digit of which split it is
    def numbered(count, first):
        inputs = np.arange(first, first + count, dtype=np.float32)[:, None, None]
        return Split(inputs, np.arange(count) % 10)

    whole = Dataset("mnist", 10, numbered(200, 0), numbered(0, 0), numbered(100, 200), "none")
    monkeypatch.setattr(two_digits.mnist, "load", lambda *where: whole)
    per_class = {"train": 4, "validation": 1, "test": 2}
    found = [two_digits.load(per_class=per_class, held_out=5, base_seed=base) for base in (0, 0, 1)]
    for data in found:
        parts = [set(split.inputs.ravel()) for split in (data.train, data.validation, data.test)]
        assert not parts[0] & parts[1] and min(parts[2]) >= 200 > max(parts[0] | parts[1])
        for split, count in zip((data.train, data.validation, data.test), (4, 1, 2)):
            assert np.bincount(split.labels).tolist() == [count] * 100
            tens, ones = split.inputs[:, 0, :].T
            assert (10 * (tens % 10) + ones % 10 == split.labels).all()
    assert found[0].digest == found[1].digest != found[2].digest
    np.testing.assert_array_equal(found[0].train.inputs, found[1].train.inputs)
    assert (found[0].test.inputs != found[2].test.inputs).any()


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_smoke_run_has_every_row_of_every_seed(tmp_path, monkeypatch, count):
    data = Dataset("shapes", 8, shapes(480, 0), shapes(80, 1), shapes(160, 2), digest="shapes")
    drawn_by_numpy(monkeypatch)
    by_gradient_descent(monkeypatch)
    known = named.DIGITS, data, list("abcdefgh")
    monkeypatch.setattr(experiment, "load", lambda config: known)
    preset = Config.PRESETS["smoke"] | {"teachers": count}
    if count == 1:  # all generalists of one width are one program
        epochs = equal_epochs(Config(**preset), data)
        preset |= {"epochs": epochs, "plateau_epochs": epochs, "student_epochs": epochs}
    folder = finished("specialists", Config(**preset, preset="smoke", workdir=str(tmp_path)))
    assert folder.parent == tmp_path / "specialists"
    found = jsonl.records(folder)
    rows = {r["row"] for r in found}
    assert len(rows) == 12 and len(found) == count * len(rows)
    assert {r["part"] for r in found} == {named.DIGITS}
    assert {(r["teacher_seed"], r["seed"]) for r in found} == {(k, 0) for k in range(count)}
    joined, *_ = (r for r in found if r["row"] == named.JOINED)
    assert np.shape(joined["special"]) == (3, 4) and set(sum(joined["special"], [])) <= set(
        "abcdefgh"
    )
    assert (folder / "two_digits.svg").stat().st_size > 5000
    assert json.loads((folder / "manifest.json").read_text())["data"] == {named.DIGITS: "shapes"}
    assert report.table(folder) == (folder / "table.md").read_text()
