"""What a person would want to know of a teacher's outputs before students learn from them."""

import numpy as np
from jaxtyping import Float, Int

NEARLY = 0.99  # the share of training rows that a teacher is right on, from which a note is made


def notes(
    who: str,
    logits: Float[np.ndarray, "N C"],
    labels: Int[np.ndarray, " N"] | None,
    classes: list[str],
    *,
    fresh: str | None,
    learned_little: str = "",
) -> list[str]:
    """Lines about a teacher that says nothing, little more than the labels, or less than they do.

    Args:
        who: The teacher, as a sentence begins.
        logits: On the training rows.
        labels: Of these; None: unknown.
        classes: Their names.
        fresh: What to do about soft targets that are nearly labels; None: it is being done.
        learned_little: What to do where one class is right more often; by default the order of the
            teacher's columns is doubted.

    Returns:
        One line, or none.
    """
    excluded = logits == -np.inf
    seen = np.where(excluded, 0, logits - logits.max(-1, keepdims=True))
    same = (excluded == excluded[0]).all() and np.ptp(seen, axis=0).max() < 1e-6
    if len(logits) > 1 and same:
        return [
            f"{who} says the same of all {len(logits):,} training rows: nothing of one row "
            "can be learned from it"
        ]
    if labels is None:
        return []
    right = int((np.argmax(logits, -1) == labels).sum())
    of_all = f"{right:,} of {len(labels):,} training rows ({right / len(labels):.1%})"
    if right >= NEARLY * len(labels):
        nearly = (
            f"{who} is right on {of_all}: its soft targets are nearly the labels there; {fresh}"
        )
        return [nearly] if fresh else []
    counts = np.bincount(labels, minlength=len(classes))
    if right < counts.max():
        largest = f"{classes[int(counts.argmax())]} alone is {counts.max() / len(labels):.1%}"
        order = ", ".join(classes[:6]) + (", …" if len(classes) > 6 else "")
        doubt = learned_little or f"check that its columns are in the order {order}"
        return [f"{who} is right on {of_all}, and the class {largest}: {doubt}"]
    return []
