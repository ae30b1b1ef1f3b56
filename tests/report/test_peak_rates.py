"""Rows at the peak rate that is best for each, marked at the edge of what was tried."""

import pytest

from kd_jax.report import peak_rates


def test_each_row_has_the_records_of_its_best_rate_in_the_order_of_its_seeds():
    """Of a the sums are 5 and 4, of b 1 and 1, where the lower rate is taken."""
    numbers = {
        ("a", 0.1): (2, 3), ("a", 0.2): (4, 0), ("b", 0.2): (1, 0), ("b", 0.1): (0, 1)
    }  # fmt: skip
    records = [
        {"row": row, "rate": rate, "seed": seed, "n": both[seed]}
        for seed in (1, 0)
        for (row, rate), both in numbers.items()
    ]
    teacher = {"row": "t", "seed": 0, "n": 9}
    found = peak_rates.at_best([teacher, *records], lambda of: sum(r["n"] for r in of))
    assert [(r["row"], r["rate"], r["seed"], r["n"]) for r in found] == [
        ("t", None, 0, 9), ("a", 0.2, 0, 4), ("a", 0.2, 1, 0), ("b", 0.1, 0, 0), ("b", 0.1, 1, 1)
    ]  # fmt: skip
    assert all(r["rates"] == [0.1, 0.2] for r in found)


def test_a_rate_at_which_a_student_diverged_is_not_chosen():
    """Of the higher rate one of two students is left, with the fewest."""
    left = [(0.1, 0, 5), (0.1, 1, 7), (0.2, 1, 1)]
    records = [{"row": "a", "rate": rate, "seed": seed, "n": n} for rate, seed, n in left]
    found = peak_rates.at_best(records, lambda of: sum(r["n"] for r in of) / len(of))
    assert [(r["rate"], r["n"]) for r in found] == [(0.1, 5), (0.1, 7)]


@pytest.mark.parametrize(
    "rate, rates, shown",
    [
        (1e-3, [1e-3, 2e-3, 4e-3], "0.001*"), (2e-3, [1e-3, 2e-3, 4e-3], "0.002"),
        (4e-3, [1e-3, 2e-3, 4e-3], "0.004*"), (2.5e-5, [2.5e-5], "2.5e-05"), (None, [1e-3], "–"),
    ],
)  # fmt: skip
def test_the_lowest_and_the_highest_of_several_are_marked(rate, rates, shown):
    assert peak_rates.cell({"rate": rate, "rates": rates}) == shown


def test_what_was_tried_is_listed():
    assert peak_rates.tried([2.5e-4, 1e-3]) == "0.00025, 0.001 (*: at the edge of these)"
