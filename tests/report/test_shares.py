"""The share of the way from a baseline to a teacher, by hand."""

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
