"""The rows of the encoder's tables."""

TEACHER = "teacher"
CUT, DISTILLED = "cut", "distilled from the cut"
EMBEDDINGS, RANDOM = "distilled from the cut, embeddings only", "distilled from random layers"
TRAINED = DISTILLED, EMBEDDINGS, RANDOM


def row_name(layers, arm=""):
    """What tables call students of so many layers, or an arm of them."""
    return f"{layers} layer{'s' * (layers > 1)}{', ' * bool(arm)}{arm}"
