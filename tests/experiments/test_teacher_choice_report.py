"""Tables of the choice of a teacher, from records by hand, and the cells that its claims name."""

import dataclasses
import json

import numpy as np
import pytest

from experiments.teacher_choice import choices, claims, report
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.config import Config
from experiments.teacher_choice.scaling_law import Cells
from kd_jax.distill.students import arms
from kd_jax.metrics import examples
from kd_jax.report import claims as claimed
from kd_jax.report import markdown_blocks
from kd_jax.storage import jsonl

CONFIG = Config()
RANDOM = np.random.default_rng(11)
IMAGES = 200  # of the test


def record(part, row, teacher, seed=0, errors=100, **more):
    """A record whose wrong images are drawn."""
    right = np.ones(IMAGES, bool)
    right[RANDOM.permutation(IMAGES)[:errors]] = False
    found = {
        "part": part, "row": row, "teacher_seed": teacher, "seed": seed, "test_errors": errors,
        "test_right": str(examples.packed(right)), "test_accuracy": 1 - errors / IMAGES,
        "validation_errors": errors, "validation_nll": 0.5,
    }  # fmt: skip
    shared = dict.fromkeys(("test_nll", "test_kl", "test_ece"), 0.25)
    shared |= dict.fromkeys(("test_agreement", "train_agreement", "train_accuracy"), 0.75)
    return found | shared | more


def family(part, source, temperatures, teacher, errors):
    """Records of a student at each temperature, the last with the fewest errors."""
    return [
        record(part, arm.row, teacher, family=source, temperature=arm.temperature, errors=x)
        for arm, x in zip(arms(source, temperatures), range(errors + len(temperatures), 0, -1))
    ]


def of_teacher(part, row, teacher, students, errors=20):
    return record(part, row, teacher, students=[arm.row for arm in students], errors=errors)


def of_size(teacher):
    part, widest, found = named.SIZE, max(CONFIG.teacher_widths), []
    sources = [named.of_units(width) for width in CONFIG.teacher_widths]
    sources += [named.stopped(widest, epochs) for epochs in CONFIG.early_epochs]
    sources += [named.through(widest, CONFIG.assistant_width)]
    for number, source in enumerate(sources):
        soft = named.of_source(source)
        of = arms(soft, CONFIG.size_temperatures)
        found += [of_teacher(part, f"teacher of {source}", teacher, of, 10 + number)]
        found += family(part, soft, CONFIG.size_temperatures, teacher, 60 + 5 * number)
    return found


def of_smoothing(teacher):
    part, found = named.SMOOTHING, []
    for errors, x in ((50, 0.0), (70, CONFIG.smoothing)):
        of = arms(named.of_smoothing(x), CONFIG.smoothing_temperatures)
        found += [of_teacher(part, named.taught_with(x), teacher, of)]
        source = named.of_smoothing(x)
        found += family(part, source, CONFIG.smoothing_temperatures, teacher, errors)
    return [*found, record(part, named.smoothed(CONFIG.smoothing), teacher, errors=90)]


def of_sizes(teacher):
    part, found = named.TRANSFER_SET, [record(named.TRANSFER_SET, named.TEACHER, teacher, size=0)]
    for agreement, n in zip((0.6, 0.8, 0.9), CONFIG.transfer_set_sizes):
        known = {"size": n, "test_agreement": agreement + 0.001 * teacher}
        found += [record(part, row, teacher, **known) for row in (named.LABELS, named.HARD)]
        more = known | {"test_agreement": agreement + 0.05 + 0.002 * teacher}
        found += [record(part, named.SOFT, teacher, **more)]
    return found


def of_few(teacher):
    part, curves = named.FEW_LABELS, {"train_curve": [0.5, 0.6], "test_curve": [0.4, 0.3]}
    rows = named.STOPPED, named.smoothed(CONFIG.smoothing), named.HARD
    found = [record(part, row, teacher, epoch=2, **curves) for row in rows]
    found += family(part, named.SOFT, CONFIG.few_labels_temperatures, teacher, 40)
    found += family(part, named.PERMUTED, CONFIG.few_labels_temperatures[::-1], teacher, 120)
    return [*found, record(part, named.TEACHER, teacher, errors=10)]


def of_ensemble(teacher):
    part = named.ENSEMBLE_PART
    found = [record(part, named.MEMBER, teacher, seed) for seed in range(3)]
    found += [record(part, named.ENSEMBLE, teacher, errors=20)]
    found += family(part, named.MIXED, CONFIG.ensemble_temperatures, teacher, 29)
    found += family(part, named.SOFT, CONFIG.ensemble_temperatures[::-1], teacher, 39)
    found += [record(part, f"{named.PERMUTED_ENSEMBLE}, T=2", teacher, errors=120)]
    return [*found, record(part, named.smoothed(CONFIG.smoothing), teacher, errors=90)]


def of_patience(teacher):
    rows = named.CONSISTENT, named.KEPT_OF_VIEWS, named.LABELS_OF_VIEWS, named.CLEAN, named.LABELS
    return [record(named.PATIENCE, named.TEACHER, teacher, epochs=0, errors=5)] + [
        record(named.PATIENCE, row, teacher, epochs=n, errors=80 + 10 * number - n // 4)
        for number, row in enumerate(rows)
        for n in CONFIG.patience_epochs
    ]


def of_generations(chain):
    names = map(named.generation, range(1, CONFIG.born_again_generations + 1))
    return [record(named.BORN_AGAIN, row, chain, errors=90 - n) for n, row in enumerate(names)]


def of_scaling(teacher):
    """Losses that the law of a teacher's loss has made."""
    part, soft = (
        named.SCALING,
        [named.of_source(named.of_units(w)) for w in CONFIG.teacher_widths[1:]],
    )
    losses = dict(zip(soft, (0.12, 0.08 + 0.001 * teacher, 0.06)))
    at_rest, found = {"width": 0, "amount": 0}, []
    for row, loss in losses.items():
        name = row.replace(named.SOFT, named.TEACHER)
        found += [record(part, name, teacher, test_nll=loss, **at_rest)]
    for width in CONFIG.scaling_widths:
        for amount in CONFIG.scaling_images:
            known, size = {"width": width, "amount": amount}, 2 / width + (500 / amount) ** 0.5
            found += [record(part, named.LABELS, teacher, test_nll=0.1 + size, **known)]
            for row, loss in losses.items():
                found += [record(part, row, teacher, test_nll=loss + 0.5 * size, **known)]
    return found


MADE = (
    of_size, of_smoothing, of_generations, of_sizes, of_few, of_ensemble, of_patience, of_scaling,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run folder of invented records: students of five teachers in every part."""
    found = [r for make in MADE for teacher in range(5) for r in make(teacher)]
    for part in set(named.PARTS) - {named.TRANSFER_SET, named.PATIENCE, named.SCALING}:
        curves = {"train_curve": [0.9, 1.0], "test_curve": [0.5, 0.4], "epoch": 2}
        known = {"temperature": 1.0, "family": named.LABELS} | curves
        found += [record(part, named.LABELS, t, errors=100 + t, **known) for t in range(5)]
    folder = tmp_path_factory.mktemp("run")
    folder.joinpath("records.jsonl").write_text(jsonl.text(found))
    settings = json.dumps(dataclasses.asdict(CONFIG))
    folder.joinpath("config.json").write_text(settings)
    return folder


@pytest.fixture(scope="module")
def text(folder):
    return report.table(folder)


def rows_below(text, title):
    """{first cells: the cells} of the first table below a title."""
    blocks = markdown_blocks.parse(text)
    start = next(i for i, x in enumerate(blocks) if x == ("title", title))
    table = next(x.content for x in blocks[start:] if x.kind == "table")
    return {row[0]: dict(zip(table.header, row)) for row in table.rows}


def test_every_claim_finds_its_cell(text):
    found = {claim.says: claimed.answer(claim, text) for claim in claims.CLAIMS}
    assert len(found) == len(claims.CLAIMS) == 11
    results = [claimed.result(claim, found[claim.says]) for claim in claims.CLAIMS]
    assert results.count(claimed.REPRODUCED) >= 4


def test_a_family_stands_at_the_temperature_that_validation_chose(text):
    rows = rows_below(text, named.TITLES[named.SIZE])
    assert len(rows) == 1 + 4 + 3 + 1  # labels, sizes, early ones, the assistant
    row = rows[named.of_source(named.of_units(8))]
    assert row["T"] == "8 (edge)" and row["test errors"].startswith("61.0")
    assert row["teacher's errors"] == "10.0"
    assert rows[named.LABELS]["test errors"] == "102.0 ± 1.6"  # 100, …, 104


def test_a_control_stands_at_the_temperature_chosen_for_the_soft_targets(text):
    """Soft targets are best at T = 32, where the control, best at T = 2, has 125 errors."""
    rows = rows_below(text, named.TITLES[named.FEW_LABELS])
    assert rows[named.SOFT]["T"] == "32 (edge)"
    controls = {row: x for row, x in rows.items() if row.startswith(named.PERMUTED)}
    assert [*controls] == ["permuted teacher, T=32"]
    assert controls["permuted teacher, T=32"]["test errors"].startswith("125.0")


def test_a_control_of_an_older_record_stands_at_the_temperature_that_it_has(text):
    rows = rows_below(text, named.TITLES[named.ENSEMBLE_PART])
    assert rows[named.MIXED]["T"] == "10 (edge)" and rows[named.SOFT]["T"] == "1 (edge)"
    assert rows["permuted ensemble, T=2"]["test errors"].startswith("120.0")


def test_the_share_of_an_ensembles_gain_is_that_of_errors(text):
    """Labels 100 to 104, ensemble 20, its students 30: a mean of 72 in one of 82."""
    (cell,) = [
        x["ours [95 %]"] for n, x in rows_below(text, named.SHARES).items() if n == named.MIXED
    ]
    assert cell.startswith(f"{100 * 72 / 82:.0f} % [")


def test_fidelity_is_in_percent_and_compared_in_points(text):
    agreement = rows_below(text, named.AGREEMENT)[named.SOFT]
    assert agreement["1,000"].startswith("65.40") and agreement["60,000"].startswith("95.40")
    found = rows_below(text, named.FAITHFUL)[named.TRANSFER_SET]
    assert "[" in found["difference [95 %]"]


def test_choices_are_those_of_the_records_that_are_to_choose():
    ours = family("part", "soft", (1.0, 4.0), 0, 50)
    others = [{**r, "validation_errors": 200 - r["validation_errors"]} for r in ours]
    for choosing, chosen in ((ours, 4.0), (others, 1.0)):
        found = choices.students(choices.with_choices(ours, choosing))
        assert [(r["row"], r["temperature"], r["temperatures"]) for r in found] == [
            ("soft", chosen, [1.0, 4.0])
        ]


def test_figures_are_drawn_of_all_parts_with_curves(folder):
    report.draw(folder)
    drawn = {path.stem for path in folder.glob("*.svg")}
    assert drawn == {
        named.SIZE, named.SMOOTHING, named.TRANSFER_SET, named.FEW_LABELS, named.PATIENCE
    }  # fmt: skip


def test_a_law_is_held_against_the_first_teacher_by_teacher(monkeypatch):
    """R² 0.90, 0.80, 0.70 and 0.92, 0.83, 0.74: differences 0.02, 0.03, 0.04, s.d. 0.01, half the
    interval 4.3027 · 0.01/√3 = 0.0248."""
    explained = {6: [0.9, 0.8, 0.7], 9: [0.92, 0.83, 0.74]}
    monkeypatch.setattr(
        report.scaling_law, "determination", lambda law, count, cells: explained[count][cells.fold]
    )
    cells = [Cells(np.ones(60), *[None] * 4, fold=seed) for seed in range(3)]
    first, second = report.of_laws(cells).splitlines()[2:]
    assert [x.strip() for x in first.split("|")[5:7]] == ["–", "–"]
    assert [x.strip() for x in second.split("|")[5:7]] == ["+0.030 [+0.005, +0.055]", "BEATS"]
