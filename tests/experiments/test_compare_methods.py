"""Comparison of methods: what follows from the base seed, and units that prepare a teacher once."""

import dataclasses
import json
import pathlib
import types

import jax.numpy as jnp
import numpy as np
import pytest

import kd_jax as kd
from experiments.compare_methods import own, pairs, panels, report, rows, run, tuning
from experiments.compare_methods.config import Config
from experiments.compare_methods.rows import KD, LABELS, NAMES, TEACHER
from kd_jax import experiment
from kd_jax.data import Dataset, Split
from kd_jax.distill import methods
from kd_jax.distill.methods import Outputs
from kd_jax.errors import InputError
from kd_jax.report import figures
from kd_jax.training.state import Batch

DIGITS = Config.PRESETS["smoke"]


def images(per_class):
    random = np.random.default_rng(3)
    labels = np.tile(np.arange(10, dtype=np.int32), per_class)
    return Split(random.random((len(labels), 28, 28)).astype(np.float32), labels)


SPLITS = images(30), images(2), images(2)
DATA = Dataset("generated", 10, *SPLITS, digest="none")
SMALL = {"teacher_batch_size": 10, "labels_per_class": 3, "images_per_class": 5}


def batches(spec):
    """The first epoch of a teacher's batches."""
    return np.asarray(spec.teacher.sampler(spec.seed, 0)).ravel()


def test_every_draw_of_a_pair_follows_from_the_base_seed_and_its_teacher():
    found = {
        (base, teacher): (
            pairs.mnist_few_labels(config, DATA, teacher), pairs.fashion(config, DATA, teacher)
        )
        for base in (0, 1)
        for config in [Config(base_seed=base, **SMALL)]
        for teacher in (0, 1)
    }  # fmt: skip
    labels = {few.labeled.tobytes() for few, _ in found.values()}
    rows = {fashion.rows.tobytes() for _, fashion in found.values()}
    orders = {batches(fashion).tobytes() for _, fashion in found.values()}
    assert len(labels) == len(rows) == len(orders) == 4
    for few, fashion in found.values():
        assert np.bincount(DATA.train.labels[few.labeled]).tolist() == [3] * 10
        assert np.bincount(DATA.train.labels[fashion.rows]).tolist() == [5] * 10
        assert few.labeled[batches(few)].all()  # a teacher sees labeled rows alone
        assert few.name == "MNIST, 30 labels"
    one, other = (pairs.load_digits(Config(base_seed=base)) for base in (0, 1))
    assert (one.test.labels[:50] != other.test.labels[:50]).any()


def test_students_have_batches_and_rates_as_the_settings_say():
    config = Config(student_batch_size=20, student_learning_rate=0.5, **SMALL)
    recipe = pairs.student_recipe(config, pairs.mnist_few_labels(config, DATA, 0))
    assert recipe.sampler(0, 0).shape == ((300 - 30) // 10, 20)  # half of each is unlabeled
    recipe = pairs.student_recipe(config, pairs.fashion(config, DATA, 0))
    assert recipe.sampler(0, 0).shape == (2, 20)
    params = {"w": np.ones(1, np.float32)}
    updates, _ = recipe.optimizer.update(params, recipe.optimizer.init(params), params)
    assert float(updates["w"][0]) == pytest.approx(-0.5, rel=1e-3)  # Adam's first step: its rate


def test_the_units_of_two_teachers_are_named_apart_and_ask_for_no_teacher():
    config = Config(**DIGITS | {"teachers": 2})
    data = pairs.load_digits(config)
    specs = [pairs.digits(config, data, seed) for seed in (0, 1)]
    of_rows = run.steps_by_row(config, specs[0])
    units = [run.units_of(config, spec, of_rows, prepared=pytest.fail) for spec in specs]
    known = [known for of_teacher in units for known, _ in of_teacher]
    assert len({tuple(x.values()) for x in known}) == len(known) == 2 * len(units[0])
    assert [x["row"] for x in known[:1]] == [TEACHER] and {x["pair"] for x in known} == {"digits"}
    assert {x["teacher_seed"] for x in known if x["row"] == LABELS} == {0, 1}
    assert (batches(specs[0]) != batches(specs[1])).any()
    assert specs[0].student is specs[1].student  # so that they share programs


def settings_of(method):
    return [(arm.temperature, arm.weight) for arm in method.arms()]


def test_every_method_has_a_grid_of_as_many_settings():
    """Thirds of a decade around the usual weight, at four temperatures where there is one."""
    config = Config(**SMALL)
    found = run.steps_by_row(config, pairs.fashion(config, DATA, 0))
    methods = [step.method for steps in found.values() for step in steps]
    of_weight = [method for method in methods if any(method.weights)]
    assert {len(method.arms()) for method in of_weight} == {28}
    assert [m.row for m in methods if not any(m.weights)] == [
        rows.BORN_AGAIN[:-7] + "0 (BAN)",
        LABELS,
    ]
    ((kd,), (hint,)) = (found[row] for row in (KD, "hint (FitNet)"))
    weights = (0.9, 1.935, 4.176, 9, 19.35, 41.76, 90)  # 9 · 10^(k/3), k from −3 to 3
    expected = [(t, weight) for t in (1, 2, 4, 8) for weight in weights]
    np.testing.assert_allclose(settings_of(kd.method), expected, rtol=1e-2)
    np.testing.assert_allclose(settings_of(hint.method)[0], (1, 100 * 10 ** (-14 / 3)), rtol=1e-2)
    assert settings_of(hint.method)[14] == (1, 100)


def test_a_confirmation_takes_what_the_exploration_chose():
    """Of each row of a pair its own, a generation of a chain too; a row that lacks is named."""
    kd, again, labels = (
        methods.Method(KD, temperature=(1.0, 2.0), weights=(9.0,)),
        methods.Method("born again", weights=(9.0,)),
        methods.labels_only(),
    )
    explored = tuning.chosen([
        {"pair": "one", "row": KD, "temperature": 2.0, "weight": 41.8},
        {"pair": "two", "row": KD, "temperature": 1.0, "weight": 0.9},
        {"pair": "one", "row": "born again", "temperature": 4.0, "weight": 9.0},
        {"pair": "one", "row": TEACHER},
    ])  # fmt: skip
    assert settings_of(tuning.at(kd, "one", explored)) == [(2.0, 41.8)]
    assert settings_of(tuning.at(kd, "two", explored)) == [(1.0, 0.9)]
    assert settings_of(tuning.at(again, "one", explored)) == [(4.0, 9.0)]
    assert tuning.at(labels, "three", explored) == labels
    with pytest.raises(InputError, match="--explored: the exploration has no 'born again' of two"):
        tuning.at(again, "two", explored)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"base_seed": 0}, "--base_seed=0: the exploration chose at it"),
        ({"student_epochs": 9}, "--student_epochs=9: the exploration chose its settings at 3"),
        ({"held_out": 7}, "--held_out=7: the exploration chose its settings at 500"),
    ],
)
def test_choices_are_not_taken_to_networks_that_train_otherwise(given, said, tmp_path, monkeypatch):
    config = Config(base_seed=1, explored=True, student_epochs=3)
    of_it = dataclasses.asdict(config) | {"base_seed": 0, "tried": 5}
    kept = {name: of_it[name] for name in ("base_seed", "student_epochs", "held_out", "tried")}
    (tmp_path / "config.json").write_text(json.dumps(kept))
    monkeypatch.setattr(tuning, "EXPLORATION", tmp_path)
    tuning.check(config)
    with pytest.raises(InputError, match=said):
        run.run(dataclasses.replace(config, **given), None)


@pytest.mark.parametrize(
    "chosen, shown",
    [
        ((1.0, 9.0), ("9", "1*")),
        ((4.0, 0.9), ("0.9*", "4")),
        ((8.0, 41.8), ("41.8*", "8*")),
    ],
)
def test_a_choice_at_the_edge_of_its_grid_is_marked(chosen, shown):
    grid = {"weights": [0.9, 9.0, 41.8], "temperatures": [1.0, 4.0, 8.0]}
    record = {"temperature": chosen[0], "weight": chosen[1], **grid}
    assert tuple(report.marked(record, n, record) for n in report.SETTING) == shown
    alone = {"temperature": 1.0, "temperatures": [1.0], "weight": 0.0, "weights": [0.0]}
    assert [report.marked(alone, n, alone) for n in report.SETTING] == ["–", "–"]


def test_a_confirmation_shows_its_own_settings_whatever_exploration_lies_there():
    own = records_of(KD, [10, 12, 11], weights=[0.9], temperatures=[8.0], weight=0.9, temperature=8)
    kept, later = (records_of(KD, [9], weights=[0.9, 9.0], **x) for x in ({"weight": 0.9}, {}))
    kept[0] |= {"temperature": 8.0}
    assert report._of_what(own, kept, True) == " of the exploration at base seed 0"
    assert "another has come" in report._of_what(own, later, True)
    assert report._of_what(own, own, False) == ""
    assert report.marked(own[0], "weight", later[0]) == "0.9*"
    assert report.marked(own[0], "temperature", later[0]) == "8"


def records_of(row, errors, **more):
    known = {"pair": "p", "row": row, "weights": [9.0], "temperatures": [1.0, 4.0]}
    chosen = {"temperature": 4.0, "weight": 9.0, "validation_errors": 5}
    return [
        {**known, **chosen, "seed": seed, "test_errors": x, **more} for seed, x in enumerate(errors)
    ]


def test_every_row_has_a_verdict_against_pseudo_labels():
    """A row of five errors fewer than pseudo-labels in every seed beats them, and KD does not."""
    found = [
        *records_of(LABELS, [20, 21, 22], weights=[0.0], weight=0.0),
        *records_of(rows.PSEUDO, [10, 11, 12]),
        *records_of(KD, [10, 12, 11]),
        *records_of("DIST", [5, 6.1, 7]),
    ]
    table = report.of_pair(found, report.chosen_on(found, "p"))
    header, _, *lines = [[x.strip() for x in line.split("|")] for line in table.splitlines()[:6]]
    place = header.index("vs. pseudo-labels [95 %]")
    assert {line[1]: line[place].split()[-1] for line in lines} == {
        "DIST": "BEATS", KD: "INCONCLUSIVE", rows.PSEUDO: "–", LABELS: "WORSE",
    }  # fmt: skip


def test_two_classes_have_no_column_of_rank_correlations():
    found = [*records_of(LABELS, [20, 21], test_nll=0.5), *records_of(KD, [1, 2], test_nll=0.5)]
    title = report.of_pair(found, {}).splitlines()[0]
    assert "NLL" in title and "rank correlation" not in title
    three = [{**record, "test_rank_correlation": 0.25} for record in found]
    assert "| 0.250" in report.of_pair(three, {})


def test_methods_of_maps_are_for_pairs_with_maps():
    config = Config(**SMALL)
    vectors, maps = (
        run.steps_by_row(config, spec)
        for spec in (pairs.mnist_few_labels(config, DATA, 0), pairs.fashion(config, DATA, 0))
    )
    added = {"attention transfer (AT)", "flow (FSP)", "factor transfer (FT)"}
    assert added <= maps.keys() and not added & vectors.keys()
    assert vectors.keys() < maps.keys()


def test_networks_of_logits_alone_have_the_rows_that_need_no_more(capsys):
    bare = kd.Model(
        lambda key: {"w": jnp.zeros((64, 10))},
        lambda params, x: x.reshape(len(x), 64) @ params["w"],
    )
    images = np.zeros((60, 8, 8), np.float32)
    network = kd.models.fitted(bare, images[:2], 10, "the network")
    split = Split(images, np.arange(60, dtype=np.int32) % 10)
    found = own.Own(Dataset("own", 10, split, split, split, digest="none"), network, network)
    config = Config(**DIGITS)
    spec = own.pair(config, found, 0)
    of_rows = run.steps_by_row(config, spec)
    run.check(spec, of_rows)
    assert {LABELS, KD, "DIST", "mutual learning (DML)"} <= of_rows.keys()
    assert not {"hint (FitNet)", "similarity preserving (SP)"} & of_rows.keys()
    assert not capsys.readouterr().out
    named = dataclasses.replace(config, methods=("labels", "hint", "at", "dist"))
    assert {*run.steps_by_row(named, spec)} == {LABELS, KD, "DIST"}
    said = "own: no row of hint (FitNet), attention transfer (AT), which do not fit its networks"
    assert capsys.readouterr().out == f"{said}\n"


def test_temperature_smoothing_and_weights_are_settings():
    config = Config(temperatures=(2.0,), smoothing=0.5, tried=2, **SMALL)
    found = run.steps_by_row(config, pairs.mnist_few_labels(config, DATA, 0))
    ((kd,), (smoothed,)) = (found[row] for row in ("soft targets (KD)", "label smoothing"))
    assert kd.method.weights == pytest.approx((9 / 10 ** (1 / 3), 9), rel=1e-2)
    assert kd.method.temperatures == (2.0,)
    # logits (2, 0) and teacher (0, 0): T² KL of (½, ½) to softmax(1, 0) at T = 2
    student, teacher = (Outputs(np.array([z]), {}) for z in ([2.0, 0.0], [0.0, 0.0]))
    q = np.exp([1.0, 0.0]) / np.exp([1.0, 0.0]).sum()
    expected = 4 * np.sum(0.5 * np.log(0.5 / q))
    rows = {"labels": np.array([0]), "labeled": np.array([True])}
    batch = Batch(rows, {"temperature": 2.0})
    assert float(kd.method.term(student, teacher, batch, {})) == pytest.approx(expected, rel=1e-5)
    # ε = ½ of two classes: ¾ on the label, ¼ on the other; log-softmax of (2, 0)
    log_q = np.array([2.0, 0.0]) - np.log(np.exp(2) + 1)
    expected = -(0.75 * log_q[0] + 0.25 * log_q[1])
    assert float(smoothed.method.term(student, teacher, batch, {})) == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize("flag", ["--temperatures=0", "--smoothing=1", "--tried=0", "--held_out=0"])
def test_settings_out_of_range_are_refused_by_name(flag):
    with pytest.raises(InputError, match=flag.split("=")[0]):
        experiment.parse(Config, ["x", flag])


OWN = """
import kd_jax as kd

METHODS = kd.Method("mine", lambda student, teacher, batch, extra: 0.0, weights=(2.0,))
"""


def test_rows_are_chosen_and_a_file_adds_a_method(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "dist.py").write_text(OWN.replace('"mine"', '"DIST"'))
    config = Config(methods=("dist",), plugin=str(tmp_path / "mine.py"), **DIGITS)
    spec = pairs.digits(config, pairs.load_digits(config), 0)
    found = run.steps_by_row(config, spec)
    assert {*found} == {LABELS, KD, "DIST", "mine"}
    (step,) = found["mine"]
    assert len(step.method.weights) == config.tried and 2.0 in step.method.weights
    with pytest.raises(InputError, match="a method DIST, as there is: name it otherwise"):
        run.steps_by_row(dataclasses.replace(config, plugin=str(tmp_path / "dist.py")), spec)
    with pytest.raises(InputError, match="--methods=dits: expected one of labels, kd"):
        Config(methods=("dits",))


@pytest.mark.parametrize(
    "term, said",
    [
        ("jnp.mean(s.logits, -1)", r"method mine has a term that gives float32 .4.: expected one"),
        ("s.logits @ jnp.zeros(77)", "method mine does not fit these networks: TypeError: dot_gen"),
        ("batch.rows['soft']", "KeyError: 'soft'; batch.rows are features, inputs, labeled"),
        (
            "s.features['hidden']",
            "KeyError: 'hidden'; features of the student are hidden_1, hidden_2",
        ),
        (
            "t.features['hidden']",
            "KeyError: 'hidden'; features of the teacher are hidden_1, hidden_2",
        ),
        ("jnp.log(-1.0) * jnp.mean(s.logits)", "method mine has a term that is nan on whatever"),
        ("0.0, weights=(float('nan'),)", r"method mine has weights=\(nan,\): expected finite"),
        ("0.0, teacher='other'", "the teacher other, which is not given: expected one of teacher"),
    ],
)
def test_a_term_that_fails_is_refused_before_a_teacher_is_trained(tmp_path, term, said):
    body = f"METHODS = [kd.Method('mine', lambda s, t, batch, extra: {term})]"
    (tmp_path / "own.py").write_text(f"import jax.numpy as jnp\nimport kd_jax as kd\n{body}\n")
    config = Config(methods=("dist",), plugin=str(tmp_path / "own.py"), **DIGITS)
    noted = types.SimpleNamespace(uses=lambda **_: None)  # a run that cannot train
    with pytest.raises(InputError, match=said) as error:
        run.run(config, noted)
    assert "\n" not in str(error.value)


def test_all_methods_of_the_pairs_fit_their_networks():
    config = Config(**SMALL)
    for spec in (pairs.mnist_few_labels(config, DATA, 0), pairs.fashion(config, DATA, 0)):
        run.check(spec, run.steps_by_row(config, spec))


def test_the_head_says_how_many_settings_a_method_of_ones_own_brings():
    def record(row, *weights, temperatures=(1.0,)):
        more = {"weights": list(weights), "temperatures": list(temperatures), "seed": 0}
        return {"row": row, "weight": weights[0], "teacher_seed": 0, **more}

    found = [record(LABELS, 0.0), record("hint", *range(1, 9)), record("cosine", 0.1, 1, 10)]
    soft = record(KD, 1, 2, temperatures=(1.0, 2.0, 4.0, 8.0))
    assert "of 8 settings of every method (3 of cosine: what it brings) those" in (
        report._of_choice([*found, soft], "")
    )
    assert "of 8 settings of every method those" in report._of_choice([*found[:2], soft], "")


def test_maps_of_ones_own_networks_in_another_order_are_refused():
    def apply(params, x):
        logits = x.reshape(len(x), -1) @ params["w"]
        return logits, {"map": jnp.ones((len(x), 5, 8, 8)) * logits.sum()}

    config, images = Config(methods=("at",), **DIGITS), np.zeros((60, 8, 8), np.float32)
    network = kd.models.fitted(
        kd.Model(lambda key: {"w": jnp.zeros((64, 10))}, apply), images[:2], 10, "the network"
    )
    split = Split(images, np.arange(60, dtype=np.int32) % 10)
    found = own.Own(Dataset("own", 10, split, split, split, digest="none"), network, network)
    spec = own.pair(config, found, 0)
    with pytest.raises(InputError, match=r"feature map map \[4, 5, 8, 8\], which seems to be"):
        run.check(spec, run.steps_by_row(config, spec))


def test_data_and_networks_of_a_file_are_a_pair(tmp_path, monkeypatch):
    page = (pathlib.Path(__file__).parents[2] / "docs/methods.md").read_text(encoding="utf-8")
    code = page.split("<!-- example: wine.py -->\n```python\n")[1].split("```")[0]
    (tmp_path / "wine.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    config = Config(**{**DIGITS, "pairs": ("wine.py:pair",)})
    found = own.load("wine.py:pair", config)
    sizes = [len(split.labels) for split in found.data[2:5]]
    assert sum(sizes) == 178 and sizes == [125, 18, 35]  # of 59, 71, 48: 0.7, 0.1 and 0.2
    spec = own.pair(config, found, 0)
    assert spec.student is found.student and spec.labeled.all()
    assert "hint (FitNet)" in run.steps_by_row(config, spec)
    assert own.few_steps(config, spec) == [  # of 125 rows two batches of 50
        "The teacher takes 4 steps: more epochs (--teacher_epochs) may train it better.",
        "Each student takes 4 steps: more epochs (--student_epochs) may train all of them better.",
    ]
    epochs = {"teacher_epochs": 300, "student_epochs": 300}
    many = dataclasses.replace(config, **epochs)
    assert own.few_steps(many, own.pair(many, found, 0)) == []
    other = own.load("wine.py:pair", dataclasses.replace(config, base_seed=1))
    assert (other.data.test.inputs != found.data.test.inputs).any()


def test_the_seed_of_a_file_is_one_that_scikit_learn_takes(tmp_path):
    (tmp_path / "own.py").write_text("def pair(seed):\n    raise ValueError(f'seed {seed}')\n")
    seeds = set()
    for base_seed in range(20):
        with pytest.raises(InputError, match=r"seed \d+") as error:
            own.load(f"{tmp_path}/own.py:pair", Config(base_seed=base_seed))
        seeds.add(int(str(error.value).rpartition("seed ")[2].rstrip(")")))
    assert len(seeds) == 20 and max(seeds) < 2**32


@pytest.mark.parametrize(
    "body, said",
    [
        ("return 5", "gives 5: expected .data, teacher, student.: kd.Split"),
        ("return kd.Split([[1.0]], [0]), 1, 2", "train"),
        ("return {'test': 1}, 1, 2", "gives the parts test: expected"),
        ("return kd.Split([[0.0], [1.0]] * 20, [0, 1] * 20), 1, 2", "gives the teacher 1: exp"),
        ("return kd.Split([[0.0], [1.0]] * 20, None), 1, 2", "has no labels"),
        ("raise KeyError('x')", "fails .KeyError"),
    ],
)  # fmt: skip
def test_what_is_no_pair_is_refused_in_a_line(tmp_path, body, said):
    (tmp_path / "own.py").write_text(f"import kd_jax as kd\n\ndef pair(seed):\n    {body}\n")
    with pytest.raises(InputError, match=said) as error:
        own.load(f"{tmp_path}/own.py:pair", Config())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("pairs", ["", "dogits", "mnist,dogits", "dogits,own.py:pair"])
def test_pairs_that_there_are_not_are_refused(pairs):
    with pytest.raises(InputError, match="--pairs"):
        experiment.parse(Config, ["x", f"--pairs={pairs}"])


def test_controls_are_named_where_accuracy_stands_by_agreement(tmp_path):
    names = ["method 0", "method 1", "permuted teacher", "method 3", LABELS, "method 5", "method 6"]
    found = enumerate([*names, KD, "method 8", "method 9"])
    values = {row: [{"test_agreement": n, "test_accuracy": n}] for n, row in found}
    with figures.figure(tmp_path / "a.svg") as axes:
        panels.agreement(axes, values)
        named = {text.get_text() for text in axes.texts}
    assert {"permuted teacher", LABELS, KD, "method 0"} < named and "method 3" not in named


def test_every_row_has_a_short_name():
    config = Config(**SMALL)
    found = run.steps_by_row(config, pairs.fashion(config, DATA, 0)).keys()
    later = {"through an assistant (TAKD)"}  # of the chain that the assistant begins
    assert found - later <= {*NAMES.values()}
    assert len({*NAMES.values()}) == len(NAMES)
