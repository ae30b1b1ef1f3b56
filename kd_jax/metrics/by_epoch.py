"""Accuracies after every epoch of a training, and records of one epoch, such as the best one."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from kd_jax.metrics import classification, records


def accuracies(model: Any, variables: Any, arrays: dict[str, dict]) -> dict[str, Float[Array, ""]]:
    """The accuracy of one network on several splits.

    Args:
        model: A models.Model.
        variables: Of one network.
        arrays: {split: {"inputs", "labels"}}.
    """
    chosen = {
        name: classification.most_probable(model.logits(variables, split["inputs"]))
        for name, split in arrays.items()
    }
    return {name: jnp.mean(x == arrays[name]["labels"]) for name, x in chosen.items()}


def at_epochs(
    row: str, curves: dict[str, Float[np.ndarray, "S epochs"]], epochs: Int[np.ndarray, " S"]
) -> list[dict]:
    """Records of a row, each at an epoch of its training.

    Args:
        row: Its name.
        curves: {split: the accuracies by epoch}, which the records keep as `split_curve`.
        epochs: Which epoch of each seed, counted from 0; records count from 1.
    """
    each = np.arange(len(epochs)), epochs
    metrics = {f"{name}_accuracy": x[each] for name, x in curves.items()}
    metrics |= {f"{name}_curve": x for name, x in curves.items()} | {"epoch": epochs + 1}
    return records.seed_records(row, metrics)
