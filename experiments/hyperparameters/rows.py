"""The rows of the tables on hyperparameters, and what is compared with what."""

TEACHER, LABELS, SOFT, MIXED = "teacher", "labels only", "soft targets", "soft targets + labels"
CHOSEN = f"{MIXED}, chosen w"
# titles of tables
BY_RATE, BEST_RATE, COST = (
    "Test errors by peak learning rate",
    "Is the best learning rate of soft targets higher?",
    "What another learning rate costs",
)
BY_WEIGHT, FEWER, GRID = (
    "Test errors by weight of the labels, each at its best learning rate",
    "Fewer errors?",
    "Test errors by weight of the labels and peak learning rate",
)
# (how many times, of whose best rate: its own or that of labels only); of the grid the nearest
FACTORS = {
    "a third of its best": (1 / 3, SOFT),
    "3 times its best": (3.0, SOFT),
    "10 times its best": (10.0, SOFT),
    f"3 times the best of {LABELS}": (3.0, LABELS),
    f"10 times the best of {LABELS}": (10.0, LABELS),
}
HIGHER = f"3 times the best of {LABELS}"
PART = "best rates"  # of FEWER


def mixed(weight: float) -> str:
    """The row of students of labels with a weight w, and soft targets with 1 − w."""
    return {0.0: SOFT, 1.0: LABELS}.get(weight, f"{MIXED}, w={weight:g}")


SMALL, HALF = mixed(0.1), mixed(0.5)
COMPARED = [(SOFT, LABELS), (CHOSEN, LABELS), (CHOSEN, SOFT), (SMALL, HALF)]
