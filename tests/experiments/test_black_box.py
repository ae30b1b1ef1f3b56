"""Black-box distillation as an experiment: targets, teachers, units, settings, runs and tables."""

import itertools
import json

import numpy as np
import pytest
from in_process import by_gradient_descent, drawn_by_numpy
from scipy import special

from experiments.black_box import queries, report, rows
from experiments.black_box import run as black_box
from experiments.black_box.config import Config
from kd_jax import experiment
from kd_jax.data import out_of_domain
from kd_jax.errors import InputError
from kd_jax.export import saved_models
from kd_jax.storage import jsonl, run_folder

OUTPUTS = (
    rows.LABEL, "top-3 labels, ranked", "top-3 probabilities", "probabilities, 1 decimal",
    rows.ALL, rows.PERMUTED,
)  # fmt: skip
P = np.array([0.16, 0.04, 0.5, 0.24, 0.06])


def test_targets_are_those_of_the_outputs_and_the_control_keeps_the_label():
    logits = np.random.default_rng(2).normal(size=(40, 10)).astype("f4") * 3
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    found, shown = black_box.restricted(Config(), logits, 0), black_box.outputs_of(Config())
    assert tuple(found) == OUTPUTS
    targets = special.softmax(np.stack([*found.values()], axis=1), -1)
    assert targets.shape == (40, len(OUTPUTS), 10)
    for number, output in enumerate(shown.values()):
        np.testing.assert_allclose(targets[:, number], output(p), atol=1e-5)
    np.testing.assert_allclose(targets[:, -1].max(-1), p.max(-1), atol=1e-6)
    np.testing.assert_allclose(np.sort(targets[:, -1]), np.sort(p), atol=1e-6)
    assert np.abs(targets[:, -1] - p).max() > 0.01


def test_teachers_draw_and_begin_differently_and_a_base_seed_changes_all():
    def drawn(config, teacher):
        """Bytes of every draw of a teacher's world."""
        logits = np.random.default_rng(5).normal(size=(30, 10)).astype("f4")
        images = np.random.default_rng(6).random((30, 4, 4), np.float32)
        pools = black_box.pools_of(config, images, images, teacher)
        sampler = black_box.teacher_recipe(config, 300, teacher).sampler
        asked = queries.random(black_box.draws(config, teacher), 30, 20)
        assert len({line.tobytes() for line in asked}) == config.seeds
        arrays = {
            "order": sampler(teacher, 0), "queries": asked, "mixes": pools[rows.MIXES](),
            "noise": pools[rows.NOISE](),
            "permuted": black_box.restricted(config, logits, teacher)[rows.PERMUTED],
        }  # fmt: skip
        return {name: np.asarray(x).tobytes() for name, x in arrays.items()}

    first, again, other = Config(seeds=2), Config(seeds=2), Config(seeds=2, base_seed=1)
    worlds = [drawn(first, 0), drawn(first, 1), drawn(other, 0), drawn(other, 1)]
    for name in worlds[0]:
        assert len({world[name] for world in worlds}) == 4, name
    assert drawn(again, 1) == worlds[1]


def test_every_teacher_has_units_of_its_own():
    one, two = (black_box.units_of(Config(teachers=n), None, None, None) for n in (1, 2))
    known = [unit for unit, _ in two]
    assert known[: len(one)] == [unit for unit, _ in one] and len(two) == 2 * len(one)
    assert [unit["teacher_seed"] for unit in known] == [0] * len(one) + [1] * len(one)
    of_second = [unit | {"teacher_seed": 0} for unit in known[len(one) :]]
    assert of_second == known[: len(one)]


def test_out_of_domain_images_have_the_size_of_mnist():
    name, images, _ = out_of_domain.load(mnist_5k=True)
    assert name == "scikit-learn's digits" and images.shape == (1797, 28, 28)
    np.testing.assert_array_equal(images[:, 2:26:3, 2:26:3], images[:, 4:26:3, 4:26:3])
    assert images[:, :2].max() == images[:, :, 26:].max() == 0 and images.max() == 1


@pytest.mark.parametrize(
    "flag, text",
    [
        ("--budgets=150", "150 is no multiple of 100 that divides the 6000 examples of 60 steps"),
        ("--budgets=600,300", "expected ascending numbers"),
        ("--rounds=", "--rounds is empty"),
        ("--steps=0", "--steps=0: expected at least 1"),
        ("--budgets=6000", "--budgets: 6000 queries, but there are 1797 images"),
    ],
)
def test_bad_settings_are_one_line(tmp_path, flag, text):
    command = ["black_box", "--preset=smoke", f"--workdir={tmp_path}", flag]
    with pytest.raises(InputError) as error:
        config = experiment.parse(Config, command)
        black_box.run(config, run_folder.Run(tmp_path, "black_box", config.results_key()))
    assert text in str(error.value) and "\n" not in str(error.value)


def test_a_small_run_asks_for_every_output_and_chooses_queries(tmp_path, monkeypatch):
    """One pool and one output of active learning."""
    drawn_by_numpy(monkeypatch)
    by_gradient_descent(monkeypatch)
    (_, active), part = list(rows.ACTIVE.items())[1], rows.POOLS[0]
    monkeypatch.setattr(black_box, "POOLS", (part,))
    monkeypatch.setattr(black_box, "ACTIVE", {rows.ALL: active})
    small = {"steps": 12, "teacher_width": 16, "teacher_epochs": 1}
    config = Config(**Config.PRESETS["smoke"] | small, preset="smoke")
    run = run_folder.Run(tmp_path, "black_box", config.results_key())
    black_box.run(config, run)
    records = [json.loads(x) for x in run.path("records.jsonl").read_text().splitlines()]
    found = [(r["part"], r["row"], r.get("queries"), r["teacher_seed"], r["seed"]) for r in records]
    each = [(0, 0), (0, 1)]
    expected = {
        (rows.TEACHER, rows.TEACHER, None, 0, 0),
        *((part, o, 300, *s) for o in OUTPUTS for s in each),
        *((active, c, n, *s) for c in rows.STRATEGIES for n in (200, 600) for s in each),
    }
    assert len(found) == len(expected) and set(found) == expected
    nll = [
        [[r["test_nll"] for r in records if (r["row"], r.get("queries")) == (row, count)]
         for row in rows.STRATEGIES]
        for count in (200, 600)
    ]  # fmt: skip
    np.testing.assert_allclose(*nll[0], rtol=1e-5)  # both begin with the same queries
    assert not np.isclose(*nll[1], rtol=1e-5).any()
    saved = {tuple(group.rows) for group in saved_models.groups(run.folder)}
    assert saved == {(rows.TEACHER,), OUTPUTS, *((row,) for row in rows.STRATEGIES)}


def test_the_table_and_both_figures_of_records_by_hand(tmp_path):
    known = {"experiment": "black_box", "teacher_seed": 0}
    taught = {"part": rows.TEACHER, "row": rows.TEACHER, "seed": 0, "test_accuracy": 0.9}
    written = [known | taught]
    parts = {part: OUTPUTS for part in rows.POOLS} | dict.fromkeys(
        rows.ACTIVE.values(), rows.STRATEGIES
    )
    for p, (part, shown) in enumerate(parts.items()):
        for (n, row), count, seed in itertools.product(enumerate(shown), (300, 600), (0, 1)):
            right = 0.5 + 0.05 * p + 0.01 * n + count / 6000 + 0.01 * seed
            measured = {"test_accuracy": right, "test_agreement": right - 0.1, "queries": count}
            written.append(known | measured | {"part": part, "row": row, "seed": seed})
    (tmp_path / "records.jsonl").write_text(jsonl.text(written))
    settings = Config(**Config.PRESETS["smoke"]).results_key()
    (tmp_path / "config.json").write_text(json.dumps(settings))
    table = report.table(tmp_path)
    assert "2 students of one teacher (90.00 % accuracy)" in table
    cells = [[x.strip() for x in line.strip("|").split("|")] for line in table.splitlines()]
    # all probabilities are the fifth output: 50 + 4 + 5 and 10 points, 4 above the hard label
    assert [rows.ALL, "59.50 ± 0.71", "64.50 ± 0.71"] in cells
    assert [rows.ALL, "49.50 ± 0.71", "54.50 ± 0.71"] in cells  # agreement
    (against, *_) = (x for x in cells if x[0] == rows.ALL and x[1].startswith("+4.00 ["))
    assert against[2].startswith("+4.00 [")
    # one point more by margin, in both rounds of both outputs
    active = [x for x in cells if len(x) == 7 and x[3].startswith("+1.00 [")]
    assert [x[0] for x in active] == ["300", "600"] * 2
    report.draw(tmp_path)
    for name in ("by_queries.svg", "active.svg"):
        assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.slow
def test_a_smoke_run_has_every_output_of_every_pool(tmp_path):
    config = Config(**Config.PRESETS["smoke"], preset="smoke")
    run = run_folder.Run(tmp_path, "black_box", config.results_key())
    black_box.run(config, run)
    run.conclude(report.table, report.draw)
    records = [json.loads(x) for x in run.path("records.jsonl").read_text().splitlines()]
    found = [(r["part"], r["row"], r.get("queries"), r["teacher_seed"], r["seed"]) for r in records]
    each = [(0, 0), (0, 1)]
    expected = {
        (rows.TEACHER, rows.TEACHER, None, 0, 0),
        *((p, o, n, *s) for p in rows.POOLS for o in OUTPUTS for n in (300,) for s in each),
        *((p, c, n, *s) for p in rows.ACTIVE.values() for c in rows.STRATEGIES for n in (200, 600)
          for s in each),
    }  # fmt: skip
    assert len(found) == len(expected) and set(found) == expected
    for part in rows.ACTIVE.values():  # both strategies begin with the same queries
        first = [r for r in records if r["part"] == part and r["queries"] == 200]
        of_row = [[r["test_nll"] for r in first if r["row"] == row] for row in rows.STRATEGIES]
        np.testing.assert_allclose(*of_row, rtol=1e-5)
    assert {path.name for path in run.folder.glob("*.svg")} == {"by_queries.svg", "active.svg"}
    assert "2 students of one teacher (" in run.path("table.md").read_text()


def test_expectations_of_several_teachers_are_of_their_means():
    def students(row, values):
        return [
            {"row": row, "queries": count, "teacher_seed": teacher, "seed": seed,
             "test_accuracy": value + more, "test_agreement": 98.0}
            for count, more in ((1000, 0), (20000, 5))
            for (teacher, seed), value in zip(np.ndindex(2, 2), values)
        ]  # fmt: skip

    taught = [{"test_accuracy": x} for x in (98.0, 99.0)]
    found = students(rows.ALL, (20, 30, 40, 50)) + students(rows.LABEL, (1, 2, 3, 4))
    parts = dict.fromkeys(rows.POOLS, found) | {rows.TEACHER: taught}
    assert report.students(parts, 2) == "2 students of each of 2 teachers (98.50 % accuracy)"
    noise = next(x for x in report.claims(parts).splitlines() if rows.NOISE in x)
    # means 25 and 45 of the teachers, and 5 more: 40 ± 14.1, whereas four students are 40 ± 12.9
    assert "| 40.00 ± 14.14 |" in noise
