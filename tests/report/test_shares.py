"""The share of the way from a baseline to a teacher, by hand."""

import numpy as np
import pytest

from kd_jax.metrics import examples, statistics
from kd_jax.report import shares
from kd_jax.report.published import Published


def test_the_share_of_the_way_is_of_the_teachers_lead():
    """Labels 140 and 130, row 100 and 110, teacher 60: 40 of 80 and 20 of 70 errors."""
    errors = {"labels only": [140, 130], "soft": [100, 110], "teacher": [60]}
    records = [
        {"row": row, "seed": seed, "test_errors": x}
        for row, of_row in errors.items()
        for seed, x in enumerate(of_row)
    ]
    paper = {
        "labels only": Published(146), "teacher": Published(67), "soft": Published(74),
    }  # fmt: skip
    *_, line = shares.table(records, "labels only", "teacher", paper).strip().splitlines()
    method, published, ours = [x.strip() for x in line.strip("|").split("|")]
    assert (method, published) == ("soft", "91 %")  # 72 of 79
    # gains 40 and 20, leads 80 and 70: 30 of 75, whose variances of the mean are 100, 50, 25 (with
    # each other, and the lead's); t² = 161.45; (75² − 25 t²) θ² − 2 (2250 − 50 t²) θ + 900 − 100 t²
    # = 0: 1588.8 θ² + 11645 θ − 15245 = 0 has the roots −8.463 and 1.134
    assert ours == "40 % [−846, 113]"


def test_without_published_numbers_there_is_no_column_of_them():
    records = [
        {"row": row, "seed": 0, "test_errors": x}
        for row, x in (("labels only", 100), ("soft", 75), ("ensemble", 50))
    ]
    head, _, line = shares.table(records, "labels only", "ensemble").strip().splitlines()
    assert [x.strip() for x in head.strip("|").split("|")] == ["method", "ours [95 %]"]
    assert [x.strip() for x in line.strip("|").split("|")] == ["soft", "50 %"]


def test_of_no_lead_there_is_no_share():
    rows = {"labels only": (100, 100), "soft": (75, 75), "ensemble": (100, 100)}
    records = [
        {"row": row, "seed": seed, "test_errors": x}
        for row, of_row in rows.items()
        for seed, x in enumerate(of_row)
    ]
    *_, line = shares.table(records, "labels only", "ensemble").strip().splitlines()
    assert line.strip("| ").split(" | ")[-1].strip() == "–"


def test_of_a_teacher_behind_the_baseline_there_is_no_share():
    """Gain −10 of a lead of −20: "50 %" would read as half of what the teacher is ahead."""
    assert shares.kept([-10.0, -10.0], [-20.0, -20.0]) == "–"


def test_where_examples_are_known_the_interval_is_for_others_too():
    """Three teachers with a student per row on 60 examples: the ends by a search of the grid."""
    random = np.random.default_rng(4)
    hard = random.random(60)
    right = {
        row: (hard + 0.2 * random.random((3, 60)) < level).astype(float)
        for row, level in (("labels only", 0.5), ("soft", 0.8), ("teacher", 0.95))
    }
    records = {
        row: [
            {"row": row, "seed": 0, "teacher_seed": k, "test_errors": 60 - bits.sum()}
            | {"test_right": str(examples.packed(bits == 1))}
            for k, bits in enumerate(of_row)
        ]
        for row, of_row in right.items()
    }
    gains, leads = (right[row] - right["labels only"] for row in ("soft", "teacher"))
    grid = np.linspace(-1, 3, 4001)
    tests = [statistics.crossed(gains - share * leads) for share in grid]
    held = [share for share, test in zip(grid, tests) if test.low <= 0 <= test.high]
    value, low, high = gains.mean() / leads.mean(), held[0], held[-1]
    found = shares.of_way(
        records["soft"], records["labels only"], records["teacher"], "test_errors"
    )
    assert found == f"{100 * value:.0f} % [{100 * low:.0f}, {100 * high:.0f}]".replace("-", "−")
    of_students = shares.kept(gains.mean(1), leads.mean(1))
    assert of_students != found  # of the students alone


@pytest.mark.parametrize("metric", ["test_accuracy", "test_errors"])
def test_more_right_and_fewer_errors_are_the_same_way(metric):
    sign = 1 if metric == "test_accuracy" else -1
    rows = [[{"seed": 0, metric: sign * x}] for x in (25, 10, 40)]
    assert shares.of_way(*rows, metric) == "50 %"
