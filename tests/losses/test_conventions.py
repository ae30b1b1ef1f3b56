"""Other libraries' conventions are reached by the words of docs/losses.md."""

import jax
import numpy as np
import pytest

from .golden import DOCUMENT, ENTRIES, inputs
from .quick import Compiled

losses = Compiled()


def test_other_conventions_are_reached_as_the_docs_say():
    """EasyDeL's beta runs the other way, in the mixture only; see docs/losses.md."""
    others = {entry["name"]: entry["value"] for entry in DOCUMENT["other_conventions"]}
    with jax.enable_x64(True):
        arrays = inputs(ENTRIES["forward_kl/T1"])
        call, where = (arrays["student"], arrays["teacher"]), np.asarray(arrays["labels"]) != -100
        for beta in (0.0, 0.1, 0.5, 0.9, 1.0):
            skewed = (
                losses.skew_kl(*call, alpha=1 - beta),
                losses.skew_reverse_kl(*call, alpha=beta),
            )
            value = beta * skewed[0] + (1 - beta) * skewed[1]
            if beta in (0.0, 1.0):
                value = losses.jensen_shannon(*call, beta=1 - beta)
            found = float(np.mean(np.asarray(value)[where]))
            assert found == pytest.approx(others[f"jsd_easydel_beta{beta:g}"], rel=1e-9, abs=1e-11)
    assert others["kd_without_T2"] * 16 == pytest.approx(ENTRIES["soft_targets/T4"]["value"])
    assert others["kd_mean_over_classes"] * 5 == pytest.approx(ENTRIES["soft_targets/T4"]["value"])
