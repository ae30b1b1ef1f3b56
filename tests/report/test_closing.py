"""The sentence that says what a table found."""

import pytest

from kd_jax.report import closing, tables

PAIRS = [
    ["50 problems", "chains", "answers", "−0.3 [−3.2, +2.6]", "INCONCLUSIVE"],
    ["1,000 problems", "chains", "answers", "+88.9 [+86.8, +91.0]", "BEATS"],
    ["1,000 problems", "chains", "solutions", "+1,083.4 [+77.6, +1,200.0]", "BEATS"],
    ["1,000 problems", "solutions", "chains", "−1,083.4 [−1,200.0, −77.6]", "WORSE"],
]
HEADER = ["part", "method", "against", "difference [95 %]", "verdict"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            PAIRS,
            "2 of 4 comparisons are won; most: chains against solutions, 1,000 problems "
            "(+1,083.4).",
        ),
        (PAIRS[:1], "0 of 1 comparisons are won."),
        ([[*PAIRS[1][:4], "–"]], ""),
    ],
)
def test_a_table_of_pairs_is_the_finding_where_no_row_is_compared_with_a_baseline(rows, expected):
    errors = tables.markdown(["method", "right, %"], [["chains", "99.8 ± 0.2"]])
    assert closing.headline(f"{errors}\n{tables.markdown(HEADER, rows)}") == expected


def test_a_baseline_comes_before_pairs():
    rows = [["labels only", "9.0", "–", "–"], ["soft", "7.0", "−2.0 [−3.0, −1.0]", "BEATS"]]
    against = tables.markdown(["method", "errors", "vs. labels only [95 %]", "verdict"], rows)
    pairs = tables.markdown(HEADER, PAIRS)
    expected = "The one row beats labels only; most: soft (−2.0)."
    assert closing.headline(f"{pairs}\n{against}") == expected


def test_elsewhere_verdicts_are_counted():
    rows = [["top 3", "−25.9 [−26.9, −24.9] WORSE", "+0.1 [−0.2, +0.4] INCONCLUSIVE"]]
    rows += [["all", "−1.9 [−2.9, −0.9] WORSE", "–"]]
    assert closing.headline(tables.markdown(["output", "1,000", "60,000"], rows)) == (
        "3 verdicts: 2 worse, 1 inconclusive."
    )
    assert closing.headline(tables.markdown(["network", "bytes"], [["teacher", "8"]])) == ""
