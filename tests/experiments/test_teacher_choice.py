"""The choice of a teacher: its parts by hand, and the whole at its smallest."""

import collections
import json

import jax
import numpy as np
import pytest
from in_process import finished, untrained

from experiments.teacher_choice import (
    common,
    few_labels,
    patience,
    size,
    transfer_set,
)
from experiments.teacher_choice import rows as named
from experiments.teacher_choice import run as teacher_choice
from experiments.teacher_choice.common import Place
from experiments.teacher_choice.config import Config
from kd_jax.data.dataset import Dataset, Split
from kd_jax.distill import students, teachers
from kd_jax.errors import InputError
from kd_jax.metrics import examples
from kd_jax.storage import jsonl

LABELS = np.repeat(np.arange(10), 300)
DATA = Dataset("mnist", 10, *[Split(np.zeros((3000, 28, 28), np.float32), LABELS)] * 3, "")


def test_views_and_their_targets_are_mixed_by_the_same_shares():
    """Digits that lie away from the border keep their sum when moved: it tells the shares."""
    net = common.network(5)
    params = untrained(net)
    teacher = teachers.Teachers("t", net, jax.tree.map(lambda x: x[None], params), {}, "", 0.0)
    random = np.random.default_rng(1)
    images = np.zeros((64, 28, 28), np.float32)
    images[:, 4:24, 4:24] = random.random((64, 20, 20)) * (1 + 9 * random.random((64, 1, 1)))
    kept, labels = random.normal(size=(64, 10)).astype(np.float32), random.integers(10, size=64)
    said = np.stack([np.zeros((64, 10), np.float32), kept, common.certain(labels)], axis=1)
    batch = {"inputs": images, "labels": labels, "teachers": said}
    seen = jax.jit(patience.views(teacher))(batch, jax.random.key(3))
    before = np.arange(64) - 1
    sums = images.sum((1, 2), dtype=float)
    share = (np.asarray(seen["inputs"], float).sum((1, 2)) - sums[before]) / (sums - sums[before])
    assert -1e-3 < share.min() and share.max() < 1 + 1e-3 and np.ptp(share) > 0.8
    probabilities = np.exp(kept) / np.exp(kept).sum(-1, keepdims=True)
    for number, p in ((patience.KEPT, probabilities), (patience.TRUTH, np.eye(10)[labels])):
        expected = share[:, None] * p + (1 - share[:, None]) * p[before]
        found = np.exp(np.asarray(seen["teachers"][:, number], float))
        np.testing.assert_allclose(found, expected, atol=2e-3)
    asked = net.logits(params, seen["inputs"])
    np.testing.assert_allclose(seen["teachers"][:, patience.ASKED], asked, rtol=1e-4, atol=1e-5)


def test_a_certain_teacher_gives_the_cross_entropy_of_its_classes():
    classes, logits = np.array([2, 0]), np.array([[0.0, 1.0, 3.0], [2.0, 0.0, 1.0]])
    certain = common.certain(classes, 3)
    assert certain.tolist() == [[-np.inf, -np.inf, 0], [0, -np.inf, -np.inf]]
    found = students.evaluate(
        Given(logits), {"params": np.zeros((1, 1)), "state": {}}, Split(classes, classes), certain
    )
    by_hand = -(3 - np.log(np.exp([0, 1, 3]).sum()) + 2 - np.log(np.exp([2, 0, 1]).sum())) / 2
    np.testing.assert_allclose(found["kl"], [[by_hand]], rtol=1e-6)


class Given:
    """A model whose logits are given."""

    def __init__(self, logits):
        self.apply = lambda variables, inputs: (
            (np.asarray(logits, np.float32) + 0 * variables["params"], {}),
            {},
        )


def place(**settings):
    return Place(Config(**settings), DATA, None, 0)


def test_rows_are_drawn_evenly_and_a_smaller_draw_is_part_of_a_larger_one():
    here = place()
    few, more = (here.rows(LABELS, count, "images") for count in (100, 500))
    assert np.bincount(LABELS[few]).tolist() == [10] * 10
    assert np.bincount(LABELS[more]).tolist() == [50] * 10
    assert set(few) < set(more)
    others = here._replace(teacher=1), here._replace(config=Config(base_seed=1))
    assert all(set(x.rows(LABELS, 100, "images")) != set(few) for x in others)
    assert len(here.rows(LABELS, 60_000, "images")) == 3000


def test_validation_is_held_out_of_mnist_alone(monkeypatch):
    none = Split(DATA.train.inputs[:0], LABELS[:0])
    loaded = DATA._replace(train=Split(np.arange(3000)[:, None, None], LABELS), validation=none)
    monkeypatch.setattr(common.mnist, "images", lambda *_: loaded)
    found = common.digits(Config(held_out=20))
    assert np.bincount(found.validation.labels).tolist() == [20] * 10
    rows = [set(x.inputs.ravel()) for x in (found.train, found.validation)]
    assert rows[0] | rows[1] == set(range(3000)) and not rows[0] & rows[1]
    monkeypatch.setattr(common.mnist, "images", lambda *_: DATA)
    assert common.digits(Config()) is DATA


def test_teachers_of_every_kind_teach_at_every_temperature(monkeypatch):
    made = []

    def asked(row, recipe, *rest, seed, **more):
        made.append((row, recipe.model, recipe.epochs))
        logits = {name: np.zeros((1, 3000, 10)) for name in ("train", "validation", "test")}
        return teachers.Teachers(row, recipe.model, {}, logits, "", 0.0)

    monkeypatch.setattr(teachers, "one", asked)
    monkeypatch.setattr(size.assistants, "one", asked)
    config = {
        "teacher_widths": (8, 600), "early_epochs": (1, 5), "size_temperatures": (1.0, 4.0)
    }  # fmt: skip
    found = list(size.taught_by(place(**config)))
    assert [row for row, *_ in made] == [
        "teacher of 8 units", "teacher of 600 units", "teacher of 600 units after 1 epoch",
        "teacher of 600 units after 5 epochs", "assistant of 64 units, T=1",
        "assistant of 64 units, T=4",
    ]  # fmt: skip
    assert [epochs for *_, epochs in made] == [25, 25, 1, 5, 25, 25]
    assert [model for _, model, _ in made[1:4]] == [common.network(600)] * 3
    arms = [arm for _, of in found for arm in of]
    assert all(arm.teacher == teacher.row for teacher, of in found for arm in of)
    assert [arm.row for arm in arms[-2:]] == [
        f"soft targets of 600 units through 64, T={t}" for t in (1, 4)
    ]
    assert len({arm.row for arm in arms}) == len(arms) == 5 * 2


def test_students_take_as_many_steps_on_every_transfer_set(monkeypatch):
    steps = {}

    def noted(place, of, arms, taught, task, *, split, splits):
        steps[len(split.labels)] = of.epochs * jax.eval_shape(of.sampler, 0, 0).shape[0]

    monkeypatch.setattr(common, "trained", noted)
    monkeypatch.setattr(transfer_set, "teacher_of", lambda place: None)
    monkeypatch.setattr(transfer_set, "outputs", lambda teacher, split: {})
    for count in (500, 1000, 6000):  # of 3,000 and 3,000 for validation
        transfer_set.train(place(transfer_set_steps=940), count, None)
    assert steps == {500: 939, 1000: 938, 6000: 920}


def test_a_record_of_an_early_epoch_says_what_was_right_then():
    right = np.zeros((2, 3, 4), bool)  # students, epochs, images
    right[0, 1, :3], right[1, 2, 0] = True, True
    curves = {name: np.arange(6.0).reshape(2, 3) for name in few_labels.SEEN}
    curves |= {"test_right": right}
    first, second = few_labels.at_epochs("row", curves, np.array([1, 2]))
    assert (first["test_errors"], second["test_errors"]) == (1, 3)
    assert examples.unpacked(first["test_right"]).tolist() == [True, True, True, False]
    assert (first["validation_accuracy"], second["validation_accuracy"]) == (1.0, 5.0)


def test_every_choice_follows_from_the_base_seed_and_the_teacher():
    drawn = []
    for base_seed, teacher in ((0, 0), (0, 1), (1, 0)):
        here = Place(Config(base_seed=base_seed), DATA, None, teacher)
        made = [here.key("teacher"), here.key("student", "order"), here.students()]
        drawn.append([np.asarray(jax.random.key_data(x)).tolist() for x in made])
    assert all(len({json.dumps(x) for x in xs}) == 3 for xs in zip(*drawn))


def test_units_differ_and_parts_are_chosen_by_name():
    known = [known for known, _ in teacher_choice.units(Config(), DATA, None)]
    assert len({json.dumps(x) for x in known}) == len(known)
    count = collections.Counter(x["part"] for x in known)
    assert count == {
        named.SIZE: 10, named.SMOOTHING: 10, named.BORN_AGAIN: 10, named.TRANSFER_SET: 10 * 4,
        named.FEW_LABELS: 10, named.ENSEMBLE_PART: 10, named.PATIENCE: 10 * 4,
        named.SCALING: 10 * (1 + 5 * 4),
    }  # fmt: skip
    found = teacher_choice.units(Config(part="patience", teachers=1), DATA, None)
    assert [x["epochs"] for x, _ in found] == [0, 160, 40, 10]
    with pytest.raises(InputError, match="part"):
        Config(part="sizes")


def by_chance(recipe, keys, split, **options):
    """Teachers in the place of trained ones."""
    return untrained(recipe.model, len(keys))


def students_by_chance(recipe, arms, split, sources, keys, *, epoch_metrics=None, **options):
    """Students in the place of trained ones; of the teachers each row is there."""
    assert {arm.teacher for arm in arms if arm.weight} <= set(sources)
    assert all(x.shape == (len(split.labels), 10) for x in sources.values())
    grid = len(keys), len(arms)
    curves = {"diverged": np.full(grid, -1)}
    if epoch_metrics:
        images = len(epoch_metrics.arrays["test"]["labels"])
        curves |= {name: np.zeros((recipe.epochs, *grid)) for name in few_labels.SEEN}
        curves["test_right"] = np.zeros((recipe.epochs, *grid, images), bool)
    return untrained(recipe.model, *grid), curves


def smoke(workdir, **more):
    return Config(**Config.PRESETS["smoke"] | more, workdir=str(workdir))


def check(folder, config):
    """Every row of every part, of each seed."""
    records = jsonl.records(folder)
    of = {part: [r for r in records if r["part"] == part] for part in named.PARTS}
    temperatures, sizes = len(config.size_temperatures), len(config.transfer_set_sizes)
    sources = len(config.teacher_widths) + len(config.early_epochs) + 1
    teachers_of_size = sources - 1 + temperatures  # an assistant for each temperature
    expected = {
        named.SIZE: teachers_of_size + config.seeds * (1 + sources * temperatures),
        named.SMOOTHING: 2 + config.seeds * 2 * (1 + len(config.smoothing_temperatures)),
        named.BORN_AGAIN: 1 + config.born_again_generations,
        named.TRANSFER_SET: 1 + config.seeds * 3 * sizes,
        named.FEW_LABELS: 1 + config.seeds * (3 + 1 + 2 * len(config.few_labels_temperatures)),
        named.ENSEMBLE_PART: config.ensemble_members
        + 1
        + config.seeds * (2 + 3 * len(config.ensemble_temperatures)),
        named.PATIENCE: 1 + config.seeds * 5 * len(config.patience_epochs),
        named.SCALING: 2
        + config.seeds * 3 * len(config.scaling_widths) * len(config.scaling_images),
    }
    assert {part: len(found) for part, found in of.items()} == expected
    assert all(r["test_errors"] > 0 for r in records)
    taught = [r for r in records if r["part"] != named.SCALING]
    assert all("test_right" in r for r in taught)
    text = (folder / "table.md").read_text()
    assert all(title in text for title in [*named.TITLES.values(), *named.FEWER.values()])
    return of


def test_a_run_has_every_row_of_every_part(tmp_path, monkeypatch):
    monkeypatch.setattr(teachers, "fit", by_chance)
    monkeypatch.setattr(students, "fit", students_by_chance)
    config = smoke(tmp_path, saved_seeds=0)
    check(finished("teacher_choice", config), config)


@pytest.mark.slow
def test_the_whole_smoke_trains_every_part(tmp_path):
    config = smoke(tmp_path)
    found = check(finished("teacher_choice", config), config)
    rows = {r["row"]: r["test_errors"] for r in found[named.FEW_LABELS]}
    assert rows[named.TEACHER] < 1000
