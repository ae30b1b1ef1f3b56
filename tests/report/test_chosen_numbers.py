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


def swept(family, errors):
    """Records of a family at temperatures, with the validation errors of each of its seeds."""
    return [
        {
            "row": f"{family}, T={t}", "family": family, "temperature": float(t), "seed": seed,
            "validation_errors": n, "validation_nll": 0.5,
        }
        for t, of_row in errors.items()
        for seed, n in enumerate(of_row)
    ]  # fmt: skip


def test_a_control_stands_at_the_temperature_that_was_chosen_for_what_it_controls():
    """T = 4 errs 6 times in the mean, T = 2 and T = 8 seven times; the control's own best is 8."""
    soft, control = swept("soft", {2: [6, 8], 4: [5, 7], 8: [4, 10]}), {2: [9, 9], 4: [8, 8]}
    labels = [{"row": "labels only", "seed": seed} for seed in (0, 1)]
    every = [*labels, *soft, *swept("permuted", control | {8: [1, 1]})]
    found = chosen_numbers.controlled(every, every, "soft", ["permuted"])
    assert found == [*labels, *soft, *swept("permuted", {4: [8, 8]})]
    # chosen on other records, where T = 2 is best
    others = swept("soft", {2: [1, 1], 4: [2, 2], 8: [2, 2]})
    found = chosen_numbers.controlled(every, others, "soft", ["permuted"])
    assert found == [*labels, *soft, *swept("permuted", {2: [9, 9]})]
    # a record that has it at another temperature alone shows that
    old = [*labels, *soft, *swept("permuted", {8: [9, 9]})]
    assert chosen_numbers.controlled(old, old, "soft", ["permuted"]) == old
