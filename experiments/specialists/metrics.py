"""Metrics of generalist and specialists: conditional accuracy, correct answers by coverage."""

import numpy as np
from jaxtyping import Float, Int

from kd_jax.metrics import classification, records


def examine(
    row: str,
    logits: Float[np.ndarray, "S N C"],
    labels: Int[np.ndarray, " N"],
    special: Int[np.ndarray, "S K size"],
    names: np.ndarray,
) -> list[dict]:
    """Records of a row, one per seed.

    Args:
        row: its name.
        logits: on the test examples.
        labels: of them.
        special: the special classes of each seed's K specialists.
        names: of all classes.
    """
    measured = classification.measure(logits, labels)
    found = {f"test_{name}": np.asarray(x) for name, x in measured.items()}
    right = logits.argmax(-1) == labels
    conditional, correct, counts = [], [], []
    for scores, hits, classes in zip(logits, right, special):
        member = (classes[:, :, None] == labels).any(1)  # [K, N]
        chosen = np.stack([c[scores[:, c].argmax(1)] for c in classes])
        conditional.append(np.mean((chosen == labels)[member]))
        coverage, length = member.sum(0), len(classes) + 1
        correct.append(np.bincount(coverage, hits, length).astype(int))
        counts.append(np.bincount(coverage, minlength=length))
    found |= {"conditional_accuracy": np.array(conditional), "special": names[special]}
    found |= {"correct_by_coverage": np.array(correct), "examples_by_coverage": np.array(counts)}
    return records.seed_records(row, found)
