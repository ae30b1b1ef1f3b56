"""Learning rates and weights of the labels: the parts by hand, and the whole at its smallest."""

import itertools
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_process import by_gradient_descent, drawn_by_numpy, finished

from experiments.hyperparameters import choices, claims, report, tolerance
from experiments.hyperparameters import rows as named
from experiments.hyperparameters import run as hyperparameters
from experiments.hyperparameters.config import Config
from experiments.hyperparameters.rows import LABELS, SOFT
from experiments.quickstart import run as quickstart
from experiments.quickstart.config import Config as Quickstart
from kd_jax import fingerprint
from kd_jax.distill.objective import NUMBERS, objective
from kd_jax.errors import InputError
from kd_jax.export import saved_models
from kd_jax.metrics import examples, statistics
from kd_jax.report import claims as claimed
from kd_jax.storage import jsonl
from kd_jax.training.state import Batch

IMAGES = 8  # of the test
RATES = 1e-3, 1e-2, 1e-1


def record(row, teacher, rate, errors, wrong=(), **more):
    """A record of a student: its validation errors, and which test images it gets wrong."""
    right = ~np.isin(np.arange(IMAGES), list(wrong))
    weight = next(w for w in Config().label_weights if named.mixed(w) == row)
    return {
        "row": row, "teacher_seed": teacher, "seed": 0, "rate": rate, "label_weight": weight,
        "validation_errors": errors, "validation_nll": 0.5, "test_errors": len(wrong),
        "test_right": str(examples.packed(right)), **more,
    }  # fmt: skip


def test_a_row_is_its_weights_of_labels_and_of_soft_targets():
    config = Config(label_weights=(0.25, 0, 1), temperature=2.0)
    found = {arm.row: (arm.label_weight, arm.weight) for arm in hyperparameters.arms(config)}
    mixed = "soft targets + labels, w=0.25"
    assert found == {"labels only": (1, 0), mixed: (0.25, 0.75), "soft targets": (0, 1)}


@pytest.mark.parametrize(
    "weight, expected",
    [
        (1.0, math.log(2)),
        # T² KL((3/4, 1/4) ‖ (1/2, 1/2)) = 4 (3/4 log 3/2 + 1/4 log 1/2) = 0.523248
        (0.0, 0.523248),
        (0.25, 0.25 * math.log(2) + 0.75 * 0.523248),
    ],
)
def test_the_loss_of_a_row_by_hand(weight, expected):
    """A student of logits (0, 0), and at T = 2 a teacher of probabilities (3/4, 1/4)."""
    config = Config(label_weights=(0, 0.25, 1), temperature=2.0)
    arm = next(x for x in hyperparameters.arms(config) if x.label_weight == weight)
    numbers = {name: jnp.float32(getattr(arm, name)) for name in NUMBERS} | {"source": 0}
    teachers = jnp.array([[[2 * math.log(3), 0]]])  # [B, K, C]
    rows = {"inputs": jnp.zeros((1, 2)), "labels": jnp.array([0]), "teachers": teachers}

    def apply(variables, inputs, train, key):
        return (inputs, {}), {}

    variables = {"params": {"student": {}, "extra": {}}, "state": {}}
    found = objective(apply)(variables, Batch(rows, numbers), jax.random.key(0))
    assert float(found.loss) == pytest.approx(expected, rel=1e-5)


def test_the_teachers_are_those_of_the_quickstart():
    """A workdir that has them restores them."""
    ours = hyperparameters.teacher_recipe(Config(), 3000, 3)
    theirs = quickstart.teacher_recipe(Quickstart(), 3000, 3)
    assert fingerprint.value(ours) == fingerprint.value(theirs)
    other = hyperparameters.teacher_recipe(Config(base_seed=1), 3000, 3)
    assert fingerprint.value(ours) != fingerprint.value(other)


def test_the_fewest_validation_errors_choose_then_the_lower_nll():
    found = [record(SOFT, 0, 0.1, 5), record(SOFT, 1, 0.1, 7), record(SOFT, 0, 0.2, 6)]
    assert choices.best("rate", found) == 0.1  # 0.2 lost a student: it is out in spite of its mean
    found += [record(SOFT, 1, 0.2, 6, validation_nll=0.3)]  # means 6 and 6, NLL 0.5 and 0.4
    assert choices.best("rate", found) == 0.2
    assert choices.by_teacher(found) == [0.1, 0.2]


def test_a_mixture_is_chosen_of_rows_that_mix_at_the_best_rate_of_each():
    few, more = named.mixed(0.1), named.mixed(0.5)
    found = [record(SOFT, 0, 0.1, 3), record(LABELS, 0, 0.1, 4), record(few, 0, 0.1, 9)]
    found += [record(few, 0, 0.2, 5), record(more, 0, 0.1, 6), record(more, 0, 0.2, 7)]
    rates = choices.rates(found)
    assert rates == {SOFT: 0.1, LABELS: 0.1, few: 0.2, more: 0.1}
    kept = choices.at(found, rates)
    assert [r["validation_errors"] for r in kept] == [3, 4, 5, 6]
    assert choices.mixture(kept) == few and choices.best("label_weight", kept) == 0


@pytest.mark.parametrize(
    "wanted, found", [(3e-3, 3e-3), (10 * 3e-3, 3e-2), (1e-3 / 3, 3e-4), (0.3, None), (1e-4, None)]
)
def test_a_multiple_of_the_best_rate_is_the_nearest_that_was_tried(wanted, found):
    assert choices.nearest(wanted, [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]) == found


def test_the_ratio_of_the_best_rates_is_that_of_each_teacher():
    """Logarithms 1, 1 and 0: mean 2/3 ± 4.3027 · 0.57735 / √3 = 2/3 ± 1.4342."""
    found = []
    for teacher, (labels, soft) in enumerate([(1e-3, 1e-2), (1e-3, 1e-2), (1e-2, 1e-2)]):
        for rate in (1e-3, 1e-2):
            found += [record(LABELS, teacher, rate, 3 + (rate != labels))]
            found += [record(SOFT, teacher, rate, 3 + (rate != soft))]
    ratio = tolerance.log_ratio(found)
    assert ratio[:3] == pytest.approx((2 / 3, 2 / 3 - 1.4342, 2 / 3 + 1.4342), abs=1e-3)
    assert report.times(ratio) == "4.64 [0.17, 126.15]"
    shown = report.best_rates(found, [1e-3, 1e-2])
    assert "| labels only  | 0.0022         | 3 of 3" in shown and "UNDECIDED" in shown
    assert "of equally many the one with the lower validation NLL" in shown
    alike = [r for r in found if r["teacher_seed"] == 2]
    assert report.times(tolerance.log_ratio(alike)) == "1.00 [–]"


def of_costs():
    """Teachers whose students of labels lose 2, 3 and 3 images at 10 times the rate, soft 1."""
    found = []
    for teacher in range(3):
        found += [record(LABELS, teacher, 0.01, 1, {0}), record(SOFT, teacher, 0.01, 1, {1})]
        lost = {0, 2, 3} | ({4} if teacher else set())
        found += [record(LABELS, teacher, 0.1, 2, lost), record(SOFT, teacher, 0.1, 2, {1, 2})]
    return found


def test_what_a_higher_rate_costs_is_paired_by_teacher_and_image():
    found, rates, tried = of_costs(), {LABELS: 0.01, SOFT: 0.01}, [0.01, 0.1]
    added = tolerance.added(found, rates, tried, 10)
    rate, errors = added[LABELS]
    assert rate == 0.1
    # a mean over images is the number of errors: one is IMAGES of its image
    assert (errors / IMAGES).tolist() == [[0, 0, 1, 1, k, 0, 0, 0] for k in (0, 1, 1)]
    assert (added[SOFT][1] / IMAGES).tolist() == [[0, 0, 1, 0, 0, 0, 0, 0]] * 3
    test = tolerance.less(added)
    assert test().mean == pytest.approx((-1 - 2 - 2) / 3)
    assert tolerance.added(found, rates, tried, 3) == {}
    *_, third, three, ten = report.costs(found, rates, tried).splitlines()
    assert ten.startswith("| 10 times the best of labels only ") and "| +2.7 at 0.1 " in ten
    assert "| +1.0 at 0.1 " in ten and "| −1.7 [" in ten  # their best rates are one
    assert {cell.strip() for x in (third, three) for cell in x.split("|")[2:-1]} == {"–"}
    apart = {LABELS: 0.01, SOFT: 0.1}  # the best of soft targets is 10 times that of labels already
    at_one = tolerance.added(found, apart, tried, 10, LABELS)
    assert [rate for rate, _ in at_one.values()] == [0.1, 0.1] and not at_one[SOFT][1].any()
    assert [*tolerance.added(found, apart, tried, 10)] == [LABELS]
    assert "| 10 times its best " in report.costs(found, apart, tried)
    fewer = [r for r in found if (r["row"], r["teacher_seed"], r["rate"]) != (SOFT, 1, 0.1)]
    lost = tolerance.added(fewer, rates, tried, 10)
    assert [*lost] == [LABELS] and tolerance.less(lost) is None


def of_run():
    """Records of a run: labels are best at 1e-3, an edge, soft targets and mixtures at 1e-2."""
    random, found = np.random.default_rng(5), []
    for teacher, rate, weight in itertools.product(range(3), RATES, Config().label_weights):
        other = rate != (1e-3 if weight == 1 else 1e-2)
        wrong = random.permutation(IMAGES)[: 1 + round(3 * weight) + other]
        errors = 4 + 4 * abs(weight - 0.25) + other
        found += [record(named.mixed(weight), teacher, rate, errors, wrong)]
    return found


def written(folder, records, base_seed, rates=RATES):
    """The folder, with records and settings of a run."""
    folder.mkdir(parents=True)
    (folder / "records.jsonl").write_text(jsonl.text(records), encoding="utf-8")
    settings = {"learning_rates": rates, "temperature": 16, "student_epochs": 20}
    (folder / "config.json").write_text(json.dumps({**settings, "base_seed": base_seed}))
    return folder


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """The folder of a run whose records are made by hand."""
    return written(tmp_path_factory.mktemp("by hand") / "run", of_run(), 0)


def below(text, title):
    """The lines of the table below a title, without its head."""
    return text.split(f"{title}\n\n")[1].split("\n\n")[0].splitlines()[2:]


def test_tables_mark_what_was_chosen_and_edges(by_hand):
    text = report.table(by_hand)
    low, middle, high = below(text, named.BY_RATE)
    assert low.startswith("| 0.001 ") and low.count("* (chosen)") == low.count("chosen") == 1
    assert middle.startswith("| 0.01 ") and middle.count(" (chosen)") == 1 and "*" not in middle
    assert "chosen" not in high
    cells = [
        [cell.strip() for cell in line.split("|")[2:4]] for line in below(text, named.BY_WEIGHT)
    ]
    assert cells == [
        ["1", "0.001*"], ["0.9", "0.01"], ["0.75", "0.01"], ["0.5", "0.01"],
        ["0.25 (chosen)", "0.01"], ["0.1", "0.01"], ["0", "0.01"],
    ]  # fmt: skip


def test_the_chosen_mixture_is_compared_as_a_row_of_its_own(by_hand):
    errors = {
        row: np.mean([r["test_errors"] for r in of_run() if (r["row"], r["rate"]) == (row, 0.01)])
        for row in (named.mixed(0.25), SOFT)
    }
    shown = f"{errors[named.mixed(0.25)] - errors[SOFT]:+.1f}".replace("-", "−")
    found = [" ".join(line.split()) for line in below(report.table(by_hand), named.FEWER)]
    assert f"{named.CHOSEN} | {SOFT} | {shown} [" in found[2]
    assert len(found) == len(named.COMPARED)


def test_choices_are_those_of_the_exploration_where_it_has_the_same_rates(tmp_path, monkeypatch):
    monkeypatch.setattr(choices.confirmed, "ROOT", tmp_path)
    written(tmp_path / "experiments" / "hyperparameters" / "exploration", of_run(), 0)
    other = [{**r, "validation_errors": 100 * r["rate"]} for r in of_run()]  # 0.001 is best for all
    text = report.table(written(tmp_path / "same", other, 1))
    assert "of the exploration at base seed 0" in text
    assert "| 0.25 (chosen) | 0.01 " in text
    fewer = [r for r in other if r["rate"] < 0.1]
    text = report.table(written(tmp_path / "fewer", fewer, 1, RATES[:2]))
    assert "of the exploration" not in text and "| 0.001* " in text
    assert choices.rates(choices.choosing(tmp_path / "fewer"))[SOFT] == 0.001


def test_a_rate_at_which_all_students_of_labels_diverge_is_left_out(tmp_path):
    kept = [r for r in of_run() if (r["row"], r["rate"]) != (LABELS, 0.1)]
    text = report.table(written(tmp_path / "run", kept, 0))
    assert [line.split()[1] for line in below(text, named.BY_RATE)] == ["0.001", "0.01"]
    assert below(text, named.GRID)[0].split("|")[-2].strip() == "–"


def test_every_claim_is_answered_by_the_tables(by_hand):
    text = report.table(by_hand)
    answers = [
        claimed.answer(claim, text) for claim in claims.CLAIMS if named.COST not in claim.where
    ]
    known = {statistics.SUPPORTED, statistics.CONTRADICTED, statistics.UNDECIDED}
    known |= {statistics.BEATS, statistics.WORSE, statistics.INCONCLUSIVE}
    assert len(answers) == 4 and {x.verdict for x in answers} <= known
    assert answers[0].number == "10.00 [10.00, 10.00] ×"  # each teacher's students by one step
    assert answers[0].verdict == statistics.SUPPORTED
    (three,) = [claim for claim in claims.CLAIMS if named.COST in claim.where]
    others = [
        {**r, "rate": 0.003} if r["rate"] == 0.01 else {**r, "rate": 0.01} for r in of_costs()
    ]
    costs = report.costs(others, {LABELS: 0.003, SOFT: 0.003}, [0.003, 0.01])
    assert claimed.answer(three, f"{named.COST}\n\n{costs}").difference.startswith("−1.7 [")


def test_figures_are_drawn_of_records_by_hand(by_hand):
    report.draw(by_hand)
    for name in ("errors_by_rate.svg", "errors_by_weight.svg"):
        assert (by_hand / name).read_text().count("<svg") == 1


@pytest.mark.parametrize("weights", [(0.0, 0.5), (0.0, 1.0), (0.0, 1.0, 1.5), (-0.1, 0.0, 1.0)])
def test_weights_are_shares_and_hold_both_ends(weights):
    with pytest.raises(InputError, match="--label_weights"):
        Config(label_weights=weights)


def test_a_run_at_its_smallest(tmp_path, monkeypatch):
    drawn_by_numpy(monkeypatch)
    by_gradient_descent(monkeypatch)
    config = Config(
        preset="smoke", teachers=2, seeds=2, learning_rates=(0.01, 0.1), label_weights=(0, 0.5, 1),
        teacher_width=8, teacher_epochs=1, student_width=5, student_epochs=1, workers=1,
        workdir=str(tmp_path / "runs"),
    )  # fmt: skip
    folder = finished("hyperparameters", config)
    records = jsonl.records(folder)
    assert len(records) == 2 * (1 + 2 * 3 * 2)  # teachers, and rates, weights, seeds of each
    students = choices.students(records)
    places = {(r["teacher_seed"], r["rate"], r["label_weight"], r["seed"]) for r in students}
    assert len(places) == len(students) == 24
    assert all(r["row"] == named.mixed(r["label_weight"]) for r in students)
    assert all(f"{x}_errors" in r for r in records for x in ("validation", "test"))
    assert (folder / "table.md").is_file() and len([*folder.glob("*.svg")]) == 2
    saved = saved_models.groups(folder)
    assert {group.where["teacher_seed"] for group in saved} == {0} and len(saved) == 1 + 2
