"""Collections are seldom within a block, and as they were after it, whatever happened there."""

import gc

import pytest

from kd_jax.runtime import collector


@pytest.fixture
def threshold():
    """Sets the threshold, until the test ends."""
    before = gc.get_threshold()
    yield gc.set_threshold
    gc.set_threshold(*before)


def test_a_block_has_few_collections_and_leaves_the_threshold_as_it_was(threshold):
    threshold(700, 10, 10)
    with pytest.raises(KeyError), collector.seldom():
        counted = gc.get_stats()[0]["collections"]
        kept = [[] for _ in range(collector.OBJECTS // 2)]
        assert gc.get_stats()[0]["collections"] <= counted + 1 and kept
        raise KeyError
    assert gc.get_threshold() == (700, 10, 10)


def test_a_threshold_of_ones_own_that_is_higher_stays(threshold):
    threshold(10**6, 10, 10)
    with collector.seldom():
        assert gc.get_threshold()[0] == 10**6
