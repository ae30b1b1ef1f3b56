"""A chosen weight is shown as a multiple of the method's own, in plain digits, edges are marked."""

import pytest

from kd_jax.report import chosen_numbers


@pytest.mark.parametrize(
    "number, shown",
    [(1000.0, "1000"), (0.0123456, "0.0123"), (2.5, "2.5"), (1e-7, "1e-07"), (123456.0, "123000")],
)
def test_numbers_have_three_digits_and_no_exponent_that_could_be_spared(number, shown):
    assert chosen_numbers.rounded(number) == shown


def test_a_weight_is_a_multiple_of_the_method_s_own():
    record = {"weight": 1000.0, "own_weight": 1000.0, "weights": [10.0, 100.0, 1000.0]}
    assert chosen_numbers.weight(record) == "1000 = 1 × 1000 (edge)"
    assert chosen_numbers.weight({**record, "weight": 100.0}) == "100 = 0.1 × 1000"
    assert chosen_numbers.weight({**record, "own_weight": None, "weight": 100.0}) == "100"
    assert chosen_numbers.weight({"weights": ()}) == "–"
