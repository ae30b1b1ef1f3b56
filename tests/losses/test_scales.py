"""Features of any size: losses that are free of scale stay so, and NaN is never taken for a 0."""

import numpy as np
import pytest

from .contract import ROWS
from .harness import assert_near, compiled, normal

FREE = [
    "attention_transfer", "attention_transfer_paper", "factor_transfer", "neuron_selectivity",
    "probabilistic_transfer", "relational_angle", "relational_distance", "similarity_preserving",
]  # fmt: skip


@pytest.mark.parametrize("name", FREE)
@pytest.mark.parametrize("exponent", [66, 100, 124])  # 7e19, 1e30, 2e37
def test_a_loss_free_of_scale_is_the_same_of_huge_features(name, exponent):
    arrays = ROWS[name].make(normal(7))
    want, slopes = compiled(name)(arrays)
    found, gradients = compiled(name)([np.ldexp(x, exponent) for x in arrays])
    assert_near(found, want)
    if exponent < 124:  # where gradients are no longer normal numbers
        assert_near(np.ldexp(np.float64(gradients[0]), exponent), slopes[0])


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if row.result != "array"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_shows_in_its_example_alone(name, value):
    row, arrays = ROWS[name], ROWS[name].make(normal(9))
    want = np.asarray(compiled(name)(arrays)[0])
    for place in {0, *row.teacher} - set(row.shared):
        given = [np.array(x) for x in arrays]
        given[place][2].flat[0] = value
        found = np.asarray(compiled(name)(given)[0])
        if row.result == "batch":
            found, want = found[None], want[None]
        lost = found[2 if row.result == "example" else 0]
        assert np.isnan(lost) or (value == np.inf and np.isinf(lost)), place
        if row.result == "example":
            np.testing.assert_array_equal(np.delete(found, 2), np.delete(want, 2))
