"""Scikit-learn's digits, read off its file: the published counts, no import of the package."""

import runpy
import sys

import numpy as np
import pytest

from kd_jax.data import sklearn_digits
from kd_jax.errors import InputError


def test_the_digits_are_those_that_are_published():
    inputs, labels = sklearn_digits.everything()
    assert inputs.shape == (1797, 8, 8) and inputs.dtype == np.float32 and labels.dtype == np.int32
    # of classes 0 to 9, as the description of the test set tells it (optdigits.names of UCI)
    published = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels).tolist() == published
    assert labels[:10].tolist() == list(range(10))
    # the first image, as the guide of scikit-learn prints it, whose pixels go up to 16
    assert (inputs[0, 0] * 16).tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert (inputs[0, 7] * 16).tolist() == [0, 0, 6, 13, 10, 0, 0, 0]
    assert inputs.min() == 0 and inputs.max() == 1


@pytest.mark.slow  # for the import alone
def test_they_are_what_scikit_learn_loads():
    from sklearn.datasets import load_digits

    theirs, (inputs, labels) = load_digits(), sklearn_digits.everything()
    np.testing.assert_array_equal(inputs, theirs.images.astype(np.float32) / 16)
    np.testing.assert_array_equal(labels, theirs.target)


def test_the_package_is_not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    runpy.run_path(sklearn_digits.__file__)["everything"]()
    assert "sklearn" not in sys.modules


def test_without_the_package_one_line_says_which_extra_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r'sklearn is not installed: pip install "kd_jax\[data\]"'):
        runpy.run_path(sklearn_digits.__file__)
