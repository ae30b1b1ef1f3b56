"""Metrics of generalist and specialists: conditional accuracy, correct answers by coverage."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from kd_jax.data import Dataset
from kd_jax.metrics import classification, examples, records


def examine(
    row: str,
    outputs: Mapping[str, Float[np.ndarray, "S N C"]],
    data: Dataset,
    sets: Int[np.ndarray, "K size"],
    **known: Any,
) -> list[dict]:
    """Records of a row of one generalist, one per seed.

    Args:
        row: its name.
        outputs: {split: logits}, on the validation and on the test examples.
        data: whose examples these are.
        sets: the special classes of its K specialists.
        **known: fields that all its records share.
    """
    logits, labels = outputs["test"], data.test.labels
    of_validation = classification.measure(outputs["validation"], data.validation.labels)
    measured = classification.measure(logits, labels)
    found = {f"test_{name}": np.asarray(x) for name, x in measured.items()}
    found[f"test_{examples.RIGHT}"] = classification.right(logits, labels)
    right = classification.most_probable(logits) == labels
    member = (sets[:, :, None] == labels).any(1)  # [K, N]
    coverage, length = member.sum(0), len(sets) + 1
    counts = np.bincount(coverage, minlength=length)
    conditional, correct = [], []
    for scores, hits in zip(logits, right):
        chosen = np.stack([c[scores[:, c].argmax(1)] for c in sets])
        conditional.append(np.mean((chosen == labels)[member]))
        correct.append(np.bincount(coverage, hits, length).astype(int))
    found |= {"conditional_accuracy": np.array(conditional)}
    found |= {"validation_accuracy": np.asarray(of_validation["accuracy"])}
    found |= {"correct_by_coverage": np.array(correct)}
    return records.seed_records(row, found, **known, examples_by_coverage=counts.tolist())
