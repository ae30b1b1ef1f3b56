"""The temperature grid: its data, its choices, and the whole of it at its smallest."""

import dataclasses
import functools
import itertools
import json
import threading

import jax
import numpy as np
import optax
import pytest
from in_process import drawn_by_numpy, finished

from experiments.temperature_grid import curves, report
from experiments.temperature_grid import run as temperature_grid
from experiments.temperature_grid.config import Config
from experiments.temperature_grid.curves import of
from kd_jax import experiment
from kd_jax.data import synthetic
from kd_jax.data.dataset import Dataset, Split
from kd_jax.distill import teachers
from kd_jax.errors import InputError
from kd_jax.metrics import examples
from kd_jax.runtime import parallel
from kd_jax.storage import jsonl, manifest, run_folder


def short(workdir):
    """The settings of a run of three units: two data sets in the grid, a width on one of them."""
    shorter = {"teachers": 1, "temperatures": (1.0, 3.0), "epochs": 1, "width_epochs": 1}
    shorter |= {"width_temperatures": (1.0, 3.0), "samples": 1250}
    return Config(**Config.PRESETS["smoke"] | shorter, workdir=str(workdir))


UNITS = temperature_grid.units


def both_parts(config):
    """The units of the grid and of the widths, in one run."""
    parts = (dataclasses.replace(config, part=part) for part in ("grid", "width"))
    return [unit for part in parts for unit in UNITS(part)]


def run_short(workdir):
    """The folder of a finished run of `short`, without the second width."""
    with pytest.MonkeyPatch.context() as patch:
        drawn_by_numpy(patch)
        patch.setattr(temperature_grid, "adam", functools.cache(lambda config: optax.sgd(0.01)))
        patch.setattr(temperature_grid, "units", lambda config: both_parts(config)[:3])
        return finished("temperature_grid", short(workdir))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a finished run."""
    return run_short(tmp_path_factory.mktemp("runs"))


def test_a_run_has_every_record_table_and_figure(folder):
    records = jsonl.records(folder)
    grid, widths = of(records, part="grid"), of(records, part="width")
    # two data sets × (teacher, labels, 2 temperatures, smoothing, permuted)
    assert len(grid) == 2 * 6
    # one data set × one width × (teacher, labels, 2 temperatures)
    assert len(widths) == 4
    assert (folder / "table.md").read_text() == report.table(folder)
    for name in ("test_errors_by", "errors_by_width_and"):
        assert (folder / f"{name}_temperature.svg").read_text().count("<svg") == 1
    # all widths share a teacher
    taught = {r["dataset"]: r["test_nll"] for r in of(grid, row="teacher")}
    assert len(set(taught.values())) == len(taught) == 2
    for r in of(widths, row="teacher"):
        assert r["test_nll"] == taught[r["dataset"]]
    # and every student is another network
    losses = [r["test_nll"] for r in records if r["row"] != "teacher"]
    assert len(set(losses)) == len(losses)
    # which rows of a draw of its own were right is told of none: no other network has these rows
    assert not any("test_right" in r for r in records)


def test_a_teacher_and_its_students_learn_from_a_draw_of_their_own(monkeypatch):
    """Of the clusters; all networks on MNIST have the one that there is."""
    drawn = []
    monkeypatch.setattr(synthetic, "load", lambda *about: drawn.append(about))
    monkeypatch.setattr(temperature_grid.mnist, "load", lambda *about: drawn.append(about))
    config, sets = Config(base_seed=3), ("sep 1, informative 1", "MNIST")
    for name, teacher in itertools.product(sets, (0, 1)):
        temperature_grid.load(config, name, teacher)
        temperature_grid.load(config, name, teacher)  # as its students ask after their teacher
    temperature_grid.drawn.cache_clear()
    first, second, *on_mnist = drawn
    assert first[:3] == second[:3] == (1.0, 1.0, 50_000) and first[3] != second[3]
    assert on_mnist == [("mnist", "", "")]


def test_an_interrupted_run_goes_on_to_the_same_records(folder, capsys):
    """As after a kill before the last unit of three was written: those before it are there."""
    path = folder / "records.jsonl"
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:-4]))
    (folder / "manifest.json").unlink()
    assert run_short(folder.parents[1]) == folder
    printed = capsys.readouterr().out
    # of the two data sets only the one whose students are left needs its teacher
    assert ": trained in " not in printed and printed.count(": restored (") == 1
    assert sorted(path.read_text().splitlines(keepends=True)) == sorted(whole)
    assert manifest.finished(folder)
    assert (folder / "table.md").read_text() in printed


@pytest.mark.slow
def test_the_whole_smoke_has_every_teacher_of_every_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(temperature_grid, "units", both_parts)
    config = Config(**Config.PRESETS["smoke"], workdir=str(tmp_path))
    records = jsonl.records(finished("temperature_grid", config))
    # two data sets × 2 teachers × (teacher, labels, 3 temperatures, smoothing, permuted)
    grid, widths = of(records, part="grid"), of(records, part="width")
    assert len(grid) == 2 * 2 * 7 and len(widths) == 2 * 2 * 5
    taught = {(r["dataset"], r["teacher_seed"]): r["test_nll"] for r in of(grid, row="teacher")}
    assert len(set(taught.values())) == len(taught) == 4
    for r in of(widths, row="teacher"):
        assert r["test_nll"] == taught[r["dataset"], r["teacher_seed"]]


def test_teachers_begin_with_keys_of_their_own(monkeypatch):
    monkeypatch.setattr(teachers, "one", lambda row, recipe, key, data, run, *, seed: (key, seed))
    data = Dataset("clusters", 10, *[Split(np.zeros((100, 100)), np.zeros(100, int))] * 3, "")
    asked = []
    monkeypatch.setattr(
        temperature_grid, "drawn", lambda config, name, draw: asked.append((name, draw)) or data
    )
    found = {
        (base, teacher): temperature_grid.teach(Config(base_seed=base), "clusters", None, teacher)
        for base in (0, 1)
        for teacher in (0, 1)
    }
    assert [seed for _, seed in found.values()] == [0, 1, 0, 1]
    assert asked == [("clusters", 0), ("clusters", 1)] * 2  # and learn from draws of their own
    assert len({bytes(jax.random.key_data(key)) for key, _ in found.values()}) == 4


@pytest.mark.parametrize("name, draw", [("clusters", 3), ("MNIST", 0)])
def test_students_learn_from_the_draw_of_their_teacher(monkeypatch, name, draw):
    class Asked(Exception):
        pass

    def drawn(config, *which):
        raise Asked(which)

    monkeypatch.setattr(temperature_grid, "drawn", drawn)
    task = run_folder.Task(None, {"dataset": name, "teacher_seed": 3}, None)
    with pytest.raises(Asked) as asked:
        temperature_grid.train(Config(), lambda: None, task)
    assert asked.value.args[0] == (name, draw)


def test_every_choice_follows_from_the_base_seed_and_the_teacher():
    found = both_parts(Config(seeds=3))
    assert len({json.dumps(unit) for unit in found}) == len(found) == 9 * 10 + 3 * 4 * 10
    on_mnist = temperature_grid.units(Config(part="MNIST"))
    assert len(on_mnist) == 3 * 6 and of(on_mnist, part="width", dataset="MNIST") == on_mnist
    split = Split(np.zeros((200, 4)), np.zeros(200, int))
    drawn = []
    for base_seed, teacher in ((0, 0), (0, 1), (1, 0)):
        config = Config(base_seed=base_seed)
        unit = {"dataset": "", "width": 8, "epochs": 1, "teacher_seed": teacher}
        recipes = [
            temperature_grid.student_recipe(config, unit, split),
            temperature_grid.cluster_recipe(config, 200, teacher),
            temperature_grid.mnist_recipe(config, 200, teacher),
        ]
        drawn.append([np.asarray(recipe.sampler(0, 0)).tolist() for recipe in recipes])
    assert all(a != b for xs in zip(*drawn) for a, b in itertools.combinations(xs, 2))
    names = ["sep 0.2, informative 0.5", "sep 0.6, informative 0.5"]
    digests = {
        temperature_grid.load(Config(samples=1000, base_seed=base_seed), name, teacher).digest
        for base_seed in (0, 1)
        for name in names
        for teacher in (0, 1)
    }
    assert len(digests) == 8


def test_a_curve_of_several_teachers_is_of_their_means():
    """Two students each of two teachers: errors 1 and 3, 6 and 8 at T = 1, and 10 more at T = 2."""
    errors = {(0, 0): 1, (0, 1): 3, (1, 0): 6, (1, 1): 8}
    records = [
        {"family": "soft targets", "temperature": t, "test_errors": count + 10 * (t - 1)}
        | {"teacher_seed": teacher, "seed": seed}
        for t in (2.0, 1.0)
        for (teacher, seed), count in errors.items()
    ]
    found, temperatures = curves.curve(records[::-1])
    assert temperatures == [1, 2] and found.tolist() == [[2, 12], [7, 17]]
    found, _ = curves.curve(of(records, teacher_seed=1))
    assert found.tolist() == [[6, 16], [8, 18]]


def test_the_head_says_whether_each_teacher_has_a_draw_of_its_own():
    def head(dataset, seeds, **more):
        labels = [
            {"dataset": dataset, "width": 8, "epochs": 3, "row": "labels only", "seed": seed}
            | {"teacher_seed": teacher, **more}
            for teacher in (0, 1)
            for seed in range(seeds)
        ]
        soft = {**labels[0], "row": "soft targets, T=2", "family": "soft targets"}
        found = report.notes([*labels, {**soft, "temperature": 2.0}], {"samples": 50_000})
        return found.split("T_opt")[0]

    judged = "verdicts are corrected for all of a table (Holm).\n"
    trained = "Students of 8 units in each layer,\n3 epochs; temperatures that were tried: 2.\n"
    assert head("clusters", 1) == (
        "Errors of 10,000, mean ± s.d. over 2 students, each of a teacher of its own, on each data "
        f"set; paired. {trained}Each teacher and its students have a draw of the data set of their "
        "own: other clusters, other rows to learn from, other\nrows for the test.\n"
        f"[95 %]: of the paired difference, for other draws, teachers and students; {judged}"
    )
    right = str(examples.packed(np.array([True, False, True])))
    assert head("MNIST", 2, test_right=right) == (
        "Errors of 3, mean ± s.d. over 2 students of each of 2 teachers, on each data set; "
        f"paired. {trained}[95 %]: of the paired difference, for other teachers and their students "
        f"and test examples; {judged}"
    )


@pytest.mark.parametrize(
    "flag",
    [
        "--part=third",
        "--widths=5",
        "--widths=5,5",
        "--mnist_widths=0,1",
        "--samples=10",
        "--informative=2",
        "--class_seps=0",
        "--class_seps=1,1",
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(flag):
    with pytest.raises(InputError, match=flag.split("=")[0]):
        experiment.parse(Config, ["x", flag])


def test_clusters_are_balanced_standardized_and_drawn_by_their_seed():
    data = synthetic.load(0.6, 0.8, samples=5000, seed=205)
    assert data.train.inputs.shape == (4000, 100) and data.test.inputs.shape == (1000, 100)
    assert data.train.inputs.dtype == np.float32 and data.train.labels.dtype == np.int32
    np.testing.assert_allclose(data.train.inputs.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.inputs.std(0), 1, atol=1e-5)
    # the test is standardized by the training rows, so it is near 0 and 1 but not at it
    assert 1e-4 < abs(data.test.inputs.mean(0)).max() < 0.2
    counts = np.bincount(np.concatenate([data.train.labels, data.test.labels]))
    assert len(counts) == 10 and abs(counts - 500).max() < 25
    assert len(data.validation.labels) == 0
    assert synthetic.load(0.6, 0.8, samples=5000, seed=205).digest == data.digest
    assert synthetic.load(0.6, 0.5, samples=5000, seed=205).digest != data.digest
    assert synthetic.load(0.6, 0.8, samples=5000, seed=206).digest != data.digest


def test_only_a_fraction_of_the_features_is_informative():
    """The redundant features are linear combinations of the rest: the rank tells how many."""
    inputs = synthetic.load(0.2, 0.5, samples=2000, seed=205).train.inputs
    singular = np.linalg.svd(inputs, compute_uv=False)
    assert (singular[:50] > 1).all() and (singular[50:] < 1e-2).all()


def test_jobs_run_side_by_side():
    """Two jobs that each wait for the other end only if both run."""
    meeting = threading.Barrier(2, timeout=30)
    found = parallel.results(lambda item: (meeting.wait(), item)[1], [1, 2], workers=2)
    assert sorted(found) == [1, 2]


def test_a_failed_job_stops_the_others():
    started = threading.Event()

    def job(item):
        if item == "fails":
            started.wait(30)
            raise InputError("bad")
        started.set()
        while True:
            parallel.check()

    with pytest.raises(InputError, match="bad"):
        list(parallel.results(job, ["endless", "fails"], workers=2))
    parallel.check()  # what comes after is not stopped
