"""Metrics of generalist and specialists: conditional accuracy, correct answers by coverage."""

import numpy as np
from jaxtyping import Float, Int

from kd_jax.metrics import classification, examples, records


def examine(
    row: str,
    logits: Float[np.ndarray, "S N C"],
    labels: Int[np.ndarray, " N"],
    special: Int[np.ndarray, "K size"],
    names: np.ndarray,
) -> list[dict]:
    """Records of a row of one generalist, one per seed.

    Args:
        row: its name.
        logits: on the test examples.
        labels: of them.
        special: the special classes of its K specialists.
        names: of all classes.
    """
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
    found |= {"correct_by_coverage": np.array(correct)}
    known = {"special": names[special].tolist(), "examples_by_coverage": counts.tolist()}
    return records.seed_records(row, found, **known)
