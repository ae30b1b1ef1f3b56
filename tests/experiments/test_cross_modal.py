"""Cross-modal distillation: labels that must not leak, teachers of their own, bad settings."""

import types

import jax
import numpy as np
import pytest

from experiments.cross_modal import data, few_labels, report, rows
from experiments.cross_modal import run as cross_modal
from experiments.cross_modal.config import Config
from kd_jax import experiment, models
from kd_jax.data import Split
from kd_jax.distill import methods
from kd_jax.distill.methods import training
from kd_jax.errors import InputError
from kd_jax.report import by_column
from kd_jax.runtime.execution import DEFAULT
from kd_jax.storage import run_folder

LABELS = np.tile(np.arange(5, dtype=np.int32), 12)
ROWS = np.arange(10, 50)  # eight of each class


def a_task():
    random = np.random.default_rng(1)
    split = Split(random.normal(size=(60, 4)).astype("f4"), LABELS)
    lesson = training.Lesson(split, {"teacher": None}, {})
    own = {"teachers": random.normal(size=(2, 60, 1, 5)).astype("f4")}
    shown = np.stack([ROWS, ROWS + 10])
    student = models.functional(models.MLP((6,), 5), (4,))
    order, keys = jax.random.key(0), jax.random.split(jax.random.key(1), 2)
    plan = few_labels.Plan(keys, (0, 1), order, 2, 8, learning_rate=3e-3)
    return few_labels.SemiSupervisedTask("tiny", student, lesson, own, shown, {}, plan)


@pytest.fixture(scope="module")
def members():
    """(pair, own arrays) of two students without any label, two with 5 and two with 20."""
    return few_labels.pair_of(a_task(), (0, 5, 20))


ON_LABELS = methods.labels_only()


def fitted(pair, own, method):
    """The students' parameters; members begin alike in every call."""
    keys = jax.random.split(jax.random.key(1), len(own["labeled"]))
    return jax.tree.leaves(training.fit(pair, method, keys, own=own))


def test_records_are_of_the_students_that_each_seed_chose(monkeypatch):
    task = a_task()
    split = *task.lesson.split, task.rows
    task = task._replace(splits={"validation": split, "test": split})
    saved = []
    monkeypatch.setattr(
        few_labels, "save", lambda task, count, students, unit: saved.append(students)
    )
    monkeypatch.setattr(few_labels, "best_arms", lambda found: np.array([2, 0]))
    soft = methods.Method("soft", weights=(0.1, 1.0, 10.0))
    unit = types.SimpleNamespace(execution=DEFAULT)
    found = few_labels.train(task, soft, (5,), unit)
    assert [(r["seed"], r["labels"], r["weight"]) for r in found] == [(0, 5, 10.0), (1, 5, 0.1)]
    right = few_labels.measure(task.student.apply, saved[0], split)["accuracy"]
    for seed, (r, arm) in enumerate(zip(found, (2, 0))):
        # validation is the test here, so both are of one student: of the arm that was chosen
        assert r["test_accuracy"] == r["validation_accuracy"] == right[seed, 0]
        assert r["validation_errors_by_arm"][arm] == r["test_errors"]
    assert len({r["test_nll"] for r in found}) == 2


def relabeled(pair, labels):
    split = pair.lesson.split._replace(labels=labels)
    return pair._replace(lesson=pair.lesson._replace(split=split))


def same(ours, theirs):
    return all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_labels_that_nobody_has_teach_nothing(members):
    pair, own = members
    assert own["labeled"].sum(1).tolist() == [0, 0, 5, 5, 20, 20]
    known, found = own["labeled"].any(0), fitted(pair, own, ON_LABELS)
    for place, alike in ((~known, True), (known, False)):
        labels = np.where(place, (LABELS + 1) % 5, LABELS)
        assert same(found, fitted(relabeled(pair, labels), own, ON_LABELS)) == alike


def test_without_labels_only_the_teacher_teaches(members):
    pair, own = members

    def unlabeled(pair, method):
        return [x[:2] for x in fitted(pair, own, method)]

    soft = methods.Method("soft", weights=(0.1, 1.0, 10.0))
    found = unlabeled(pair, soft)
    assert same(found, unlabeled(relabeled(pair, LABELS[::-1]), soft))
    # without its logits too nothing moves a student from where it began
    begun = unlabeled(pair._replace(recipe=pair.recipe._replace(epochs=0)), ON_LABELS)
    assert same(begun, unlabeled(pair, ON_LABELS))
    assert not same([x[:, :1] for x in found], begun)


def test_columns_by_hand():
    records = [
        {"row": row, "labels": labels, "seed": seed, "right": right}
        for row, labels, values in (
            ("taught", 200, (7.0, 9.0)), ("labels", 200, (4.0, 5.0)),
            ("taught", 0, (5.0, 6.0)), ("labels", 10, (1.0, 3.0)),
        )
        for seed, right in enumerate(values)
    ]  # fmt: skip
    shown = by_column.spread(records, "labels", "student", "right", 1).splitlines()
    assert [cell.strip() for cell in shown[0].split("|")[1:-1]] == ["student", "0", "10", "200"]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown[2:]]
    assert cells == [
        ["taught", "5.5 ± 0.7", "–", "8.0 ± 1.4"],
        ["labels", "–", "2.0 ± 1.4", "4.5 ± 0.7"],
    ]
    text = by_column.against(records, "labels", "student", "right", "labels", 1)
    # differences 3 and 4: mean 3.5, s.d. √½, half width 12.706 · √½/√2 = 6.35
    assert "+3.5 [−2.9, +9.9] |" in text and "| taught" in text


def test_teachers_draw_and_begin_differently_and_a_base_seed_changes_all():
    audio = data.SpokenDigits(
        np.zeros((1200, 20, 40), "f4"),
        np.tile(np.arange(10), 120),
        np.repeat(np.arange(6), 200),
        "",
    )
    images = Split(np.zeros((300, 28, 28), "f4"), np.tile(np.arange(10, dtype=np.int32), 30))
    logits = np.random.default_rng(5).normal(size=(300, 10)).astype("f4")

    def drawn(config, teacher, monkeypatch):
        """Bytes of every draw of a teacher's world."""
        monkeypatch.setattr(cross_modal, "outputs", lambda *_: (logits, {"last": logits}))
        task = cross_modal.audio_task(config, audio, images, None, teacher)
        few = [few_labels.labeled_rows(audio.labels, task.rows[0], 50, n) for n in task.plan.draws]
        paired, permuted = np.moveaxis(task.own["teachers"], 2, 0)
        pairs = [spoken.tobytes() for spoken in paired]
        assert len(set(pairs)) == config.seeds == len({own.tobytes() for own in few})
        arrays = {
            "students": jax.random.key_data(task.plan.keys), "labels": few[0], "pairs": paired,
            "permuted": permuted, "order": jax.random.key_data(task.plan.order),
            "teacher's order": cross_modal.teacher_recipe(config, rows.AUDIO, 300, teacher).sampler(
                teacher, 0
            ),
        }  # fmt: skip
        return {name: np.asarray(x).tobytes() for name, x in arrays.items()}

    with pytest.MonkeyPatch.context() as patch:
        worlds = [
            drawn(Config(seeds=2, base_seed=base), k, patch) for base in (0, 1) for k in (0, 1)
        ]
        assert drawn(Config(seeds=2), 1, patch) == worlds[1]
    for name in worlds[0]:
        assert len({world[name] for world in worlds}) == 4, name


def test_the_parts_of_the_images_are_drawn_by_the_base_seed(monkeypatch):
    monkeypatch.setattr(cross_modal.spoken, "load", lambda *_: None)
    smoke = Config.PRESETS["smoke"]
    one, same, other = (
        cross_modal.load(Config(**smoke, base_seed=base))[1].students.inputs for base in (0, 0, 1)
    )
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_every_teacher_has_units_of_its_own():
    both = [
        [known for known, _ in cross_modal.units_of(Config(), rows.AUDIO, teacher, None, None)]
        for teacher in range(2)
    ]
    assert [x["row"] for x in both[0]] == [*rows.ordered(4)][:-1]
    assert {x["teacher_seed"] for x in both[0]} == {0}
    assert both[1] == [known | {"teacher_seed": 1} for known in both[0]]


def test_what_was_expected_of_several_teachers_is_of_their_means():
    values = {(rows.SOFT, 0): (60, 70, 80, 90), (rows.LABELS, 200): (50,) * 4}
    values[rows.LABELS, 2000] = (70,) * 4
    records = [
        {"row": row, "labels": labels, "teacher_seed": teacher, "seed": seed, "test_accuracy": x}
        for (row, labels), of_row in values.items()
        for (teacher, seed), x in zip(np.ndindex(2, 2), of_row)
    ]
    _, _, few, everything = report.claims(records).splitlines()
    # 15 and 35 points: mean 25, s.d. 10√2, half width 12.706 · 10√2/√2 = 127.1; from seeds: 20.5
    assert "+25.0 [−102.1, +152.1]" in few and "4 of 4" in few
    assert "+5.0 [−122.1, +132.1]" in everything and "3 of 4" in everything


@pytest.mark.parametrize(
    "flag, text",
    [
        ("--labels=", "--labels is empty"),
        ("--temperature=1", "--temperature=1: soft targets at 1 are a row already"),
        ("--temperature=1.0000001", "--temperature=1: soft targets at 1 are a row already"),
        ("--labels=50,10", "--labels=50,10: expected ascending numbers"),
        ("--labels=10,15", "15 is no multiple of 10 from 1 to 99"),
        ("--labels=200", "200 is no multiple of 10 from 1 to 99"),
        ("--epochs=0", "--epochs=0: expected at least 1"),
        ("--images=2500", "--images, --validation are 3100 rows in all: there are 3000"),
    ],
)
def test_bad_settings_are_one_line(tmp_path, flag, text):
    command = ["cross_modal", "--preset=smoke", f"--workdir={tmp_path}", flag]
    with pytest.raises(InputError) as error:
        config = experiment.parse(Config, command)
        cross_modal.run(config, run_folder.Run(tmp_path, "cross_modal", config.results_key()))
    assert text in str(error.value) and "\n" not in str(error.value)
