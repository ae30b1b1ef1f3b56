"""Metrics of generalist and specialists: conditional accuracy, correct answers by coverage."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from kd_jax.data import Dataset
from kd_jax.metrics import classification, examples, records


def examine(
    row: str,
    outputs: Mapping[str, Float[np.ndarray, "S N C"]],
    data: Dataset,
    special: Int[np.ndarray, "K size"],
    names: np.ndarray,
) -> list[dict]:
    """Records of a row of one generalist, one per seed.

    Args:
        row: its name.
        outputs: {split: logits}, on the validation and on the test examples.
        data: whose examples these are.
        special: the special classes of its K specialists.
        names: of all classes.
    """
    logits, labels = outputs["test"], data.test.labels
    of_validation = classification.measure(outputs["validation"], data.validation.labels)
    measured = classification.measure(logits, labels)
    found = {f"test_{name}": np.asarray(x) for name, x in measured.items()}
    found[f"test_{examples.RIGHT}"] = classification.right(logits, labels)
    right = classification.most_probable(logits) == labels
    member = (special[:, :, None] == labels).any(1)  # [K, N]
    coverage, length = member.sum(0), len(special) + 1
    counts = np.bincount(coverage, minlength=length)
    conditional, correct = [], []
    for scores, hits in zip(logits, right):
        chosen = np.stack([c[scores[:, c].argmax(1)] for c in special])
        conditional.append(np.mean((chosen == labels)[member]))
        correct.append(np.bincount(coverage, hits, length).astype(int))
    found |= {"conditional_accuracy": np.array(conditional)}
    found |= {"validation_accuracy": np.asarray(of_validation["accuracy"])}
    found |= {"correct_by_coverage": np.array(correct)}
    known = {"special": names[special].tolist(), "examples_by_coverage": counts.tolist()}
    return records.seed_records(row, found, **known)
