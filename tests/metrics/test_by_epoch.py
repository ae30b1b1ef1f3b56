"""Records of one epoch of a training, by hand."""

import jax.numpy as jnp
import numpy as np

from kd_jax import models
from kd_jax.metrics import by_epoch


def test_a_record_has_the_accuracies_of_its_epoch_and_the_whole_curves():
    curves = {"train": np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]), "test": np.zeros((2, 3))}
    first, second = by_epoch.at_epochs("row", curves, np.array([2, 0]))
    assert (first["train_accuracy"], first["epoch"], first["seed"]) == (0.3, 3, 0)
    assert (second["train_accuracy"], second["epoch"], second["seed"]) == (0.4, 1, 1)
    assert second["train_curve"] == [0.4, 0.5, 0.6] and second["row"] == "row"


def test_an_accuracy_is_the_fraction_of_examples_whose_largest_logit_is_their_label():
    model = models.Model(None, lambda variables, x, **_: ((x * variables, {}), {}))
    split = {
        "inputs": jnp.array([[1.0, 2.0], [3.0, 1.0], [0.0, 1.0]]),
        "labels": jnp.array([1, 0, 0]),
    }
    found = by_epoch.accuracies(model, 1.0, {"test": split})
    np.testing.assert_allclose(found["test"], 2 / 3, rtol=1e-6)
