"""Cross-modal distillation: labels that must not leak, teachers of their own, runs and tables."""

import itertools
import json

import jax
import numpy as np
import pytest
from published import DATA, needed

from experiments.cross_modal import data, few_labels, report, rows
from experiments.cross_modal import run as cross_modal
from experiments.cross_modal.config import Config
from kd_jax import experiment, losses, models
from kd_jax.data import Split
from kd_jax.distill import methods
from kd_jax.distill.methods import training
from kd_jax.errors import InputError
from kd_jax.export import saved_models
from kd_jax.report import by_column
from kd_jax.storage import jsonl, run_folder

LABELS = np.tile(np.arange(5, dtype=np.int32), 12)
ROWS = np.arange(10, 50)  # eight of each class


def a_task():
    random = np.random.default_rng(1)
    arrays = {"inputs": random.normal(size=(60, 4)).astype("f4"), "labels": LABELS}
    own = {"teacher": {"logits": random.normal(size=(2, 60, 5)).astype("f4"), "features": {}}}
    shown = np.stack([ROWS, ROWS + 10])
    student = models.functional(models.MLP((6,), 5), (4,))
    order, keys = jax.random.key(0), jax.random.split(jax.random.key(1), 2)
    plan = few_labels.Plan(keys, (0, 1), order, 2, 8, learning_rate=3e-3, multiples=(0.1, 1.0, 10))
    return few_labels.SemiSupervisedTask("tiny", student, arrays, own, shown, {}, plan)


@pytest.fixture(scope="module")
def members():
    """(pair, own arrays) of two students without any label, two with 5 and two with 20."""
    return few_labels.pair_of(a_task(), (0, 5, 20))


ON_LABELS = methods.without_teacher()[0]


def fitted(pair, own, method):
    """The students' parameters; members begin alike in every call."""
    keys = jax.random.split(jax.random.key(1), len(own["labeled"]))
    return jax.tree.leaves(training.fit(pair, method, keys, own=own)["student"])


def relabeled(pair, labels):
    return pair._replace(arrays={**pair.arrays, "labels": labels})


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

    soft = methods.Method("soft", 1.0, methods.on_logits(losses.soft_targets))
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
    assert "+3.5 [−2.9, +9.9] INCONCLUSIVE" in text and "| taught" in text


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
        permuted, paired = task.own["permuted_logits"], task.own["teacher"]["logits"]
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


def tones(count):
    """Recordings of six speakers: the frames of a digit are its own, and noise."""
    random, labels = np.random.default_rng(3), np.tile(np.arange(10, dtype=np.int32), count // 10)
    inputs = random.normal(size=(10, 20, 40))[labels] + random.normal(size=(count, 20, 40))
    speaker = np.repeat(np.arange(6), count // 6)
    return data.SpokenDigits(inputs.astype("f4"), labels, speaker, "tones")


def test_a_small_run_teaches_sounds_by_images(tmp_path, monkeypatch):
    monkeypatch.setattr(cross_modal.spoken, "load", lambda *_: tones(600))
    monkeypatch.setattr(cross_modal, "PARTS", (rows.AUDIO,))
    sizes = ((6,), (28, 28)), ((4,), (20, 40))
    networks = [models.functional(models.MLP(hidden, 10), shape) for hidden, shape in sizes]
    monkeypatch.setattr(cross_modal, "networks", lambda: {rows.AUDIO: networks})
    *_, (hint, few) = cross_modal.methods_of(Config(labels=(50,)), rows.AUDIO)
    monkeypatch.setattr(cross_modal, "methods_of", lambda *_: [(hint, (0, *few))])
    small = {"teacher_images": 500, "teacher_epochs": 1, "images": 200, "multiples": (1.0, 10.0)}
    config = Config(**Config.PRESETS["smoke"] | small, preset="smoke")
    run = run_folder.Run(tmp_path, "cross_modal", config.results_key())
    cross_modal.run(config, run)
    records = [json.loads(x) for x in run.path("records.jsonl").read_text().splitlines()]
    found = [(r["row"], r.get("labels"), r["seed"]) for r in records]
    students = {(rows.HINT, n, s) for n in (0, 50, 400) for s in range(2)}
    expected = {(rows.TEACHER, None, 0), *students}
    assert len(found) == len(expected) and set(found) == expected
    for r in records:
        assert r["part"] == rows.AUDIO and r["teacher_seed"] == 0 and 0 <= r["test_accuracy"] <= 1
        if r["row"] != rows.TEACHER:
            assert r["weight"] in r["weights"] and 0 <= r["validation_accuracy"] <= 1
    saved = {(*group.rows, group.where.get("labels")) for group in saved_models.groups(run.folder)}
    assert saved == {(row, n) for row, n, _ in found}


def test_a_smaller_convnet_learns_from_its_own_images_and_their_outputs(monkeypatch):
    random = np.random.default_rng(4)
    labels = np.tile(np.arange(10, dtype=np.int32), 3)
    split = Split(random.normal(size=(30, 28, 28)).astype("f4"), labels)
    whole = cross_modal.Dataset("images", 10, split, Split(*(x[:20] for x in split)), split, "x")
    logits, maps = random.normal(size=(30, 10)), {"block 1": random.normal(size=(30, 2, 2, 3))}
    monkeypatch.setattr(cross_modal, "outputs", lambda *_: (logits, maps))
    task = cross_modal.image_task(Config(seeds=2), cross_modal.Images(whole, split), None, 0)
    assert task.name == rows.IMAGES and task.arrays["inputs"] is split.inputs and not task.own
    assert task.arrays["teacher"] == {"logits": logits, "features": maps}
    assert task.rows.tolist() == [list(range(30))] * 2
    shown = {name: (len(x), seen.shape) for name, (x, _, seen) in task.splits.items()}
    assert shown == {"validation": (20, (2, 20)), "test": (30, (2, 30))}
    for part, taught in ((rows.AUDIO, 5), (rows.IMAGES, 4)):
        found = cross_modal.methods_of(Config(labels=(50,)), part)
        assert [method.row for method, _ in found] == [
            row for row in rows.ordered(4)[1:] if part == rows.AUDIO or row not in
            (rows.SOFT, "permuted teacher, T=4")
        ][:taught]  # fmt: skip
        of_logits = {method.row for method, few in found if few == (0, 50)}
        assert of_logits == (set(rows.ordered(4)[2:5]) if part == rows.AUDIO else set())
        assert all(few == (50,) for method, few in found if method.row not in of_logits)


def test_the_table_and_the_figure_of_records_by_hand(tmp_path):
    known = {"experiment": "cross_modal", "teacher_seed": 0}
    written, order = [], rows.ordered(4.0)[1:]
    for p, part in enumerate(rows.PARTS):
        written.append(known | {"part": part, "row": rows.TEACHER, "seed": 0, "test_accuracy": 0.9})
        for (n, row), labeled, seed in itertools.product(enumerate(order), (0, 50, 400), (0, 1)):
            if labeled or row in order[1:4]:  # of logits
                right = 0.4 + 0.1 * p + 0.02 * n + labeled / 4000 + 0.01 * seed
                measured = {"labels": labeled, "test_accuracy": right}
                written.append(known | measured | {"part": part, "row": row, "seed": seed})
    (tmp_path / "records.jsonl").write_text(jsonl.text(written))
    settings = Config(**Config.PRESETS["smoke"]).results_key()
    (tmp_path / "config.json").write_text(json.dumps(settings))
    table = report.table(tmp_path)
    assert f"vs. {rows.LABELS} with" in table
    cells = [[x.strip() for x in line.strip("|").split("|")] for line in table.splitlines()]
    assert [rows.SOFT, "42.5 ± 0.7", "43.8 ± 0.7", "52.5 ± 0.7"] in cells
    # without labels 42 and 43 %, with 50 labels 41.25 and 42.25 %: 0.75 more, not 10
    (line,) = (x for x in cells if x[:2] == [rows.SOFT, "50 labels"])
    assert line[2].startswith("+0.8 [") and line[3:5] == ["+10", "0 of 2"]
    report.draw(tmp_path)
    assert (tmp_path / "by_labels.png").stat().st_size > 5000


@pytest.mark.slow
def test_a_smoke_run_on_real_recordings(tmp_path):
    where = {"manual_dir": str(needed(DATA / "fsdd").parent)}
    config = Config(**Config.PRESETS["smoke"], preset="smoke", **where)
    run = run_folder.Run(tmp_path, "cross_modal", config.results_key())
    cross_modal.run(config, run)
    run.conclude(report.table, report.draw)
    records = [json.loads(x) for x in run.path("records.jsonl").read_text().splitlines()]
    assert {r["teacher_seed"] for r in records} == {0}
    found = [(r["part"], r["row"], r.get("labels"), r["seed"]) for r in records]
    of_logits = rows.SOFT, "soft targets, T=4", "permuted teacher, T=4"
    alike = rows.LABELS, "soft targets, T=4", rows.HINT, rows.ATTENTION
    expected = {
        *((part, rows.TEACHER, None, 0) for part in rows.PARTS),
        *((rows.AUDIO, row, n, s) for row in (rows.LABELS, rows.HINT, *of_logits)
          for n in (50, 2000) for s in range(2)),
        *((rows.AUDIO, row, 0, s) for row in of_logits for s in range(2)),
        *((rows.IMAGES, row, n, s) for row in alike for n in (50, config.images) for s in range(2)),
    }  # fmt: skip
    assert len(found) == len(expected) and set(found) == expected
    assert all(r["weight"] in r["weights"] for r in records if "weight" in r)
    assert {path.name for path in run.folder.glob("*.png")} == {"by_labels.png"}
    assert "vs. labels only with" in run.path("table.md").read_text()
