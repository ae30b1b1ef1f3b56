"""What Hinton, Vinyals and Dean 2015 say of learning rates and of the weight of the labels."""

from experiments.hyperparameters import rows as named
from kd_jax.metrics.statistics import SUPPORTED
from kd_jax.report.claims import Claim, measured

INTRODUCTION = "Hinton, Vinyals and Dean 2015, section 1 (arXiv 1503.02531)"
DISTILLATION = "Hinton, Vinyals and Dean 2015, section 2 (arXiv 1503.02531)"
PAIRED = "difference [95 %]"


def against(row: str, other: str) -> tuple[str, ...]:
    """Where the table of what is compared says which of two rows has fewer errors."""
    return named.FEWER, named.PART, row, other


CLAIMS = measured("errors", [
    Claim(
        INTRODUCTION, "Soft targets allow a higher learning rate: their best one is higher",
        "“much higher”, no number", (named.BEST_RATE, named.SOFT), "ratio [95 %]",
        expected=SUPPORTED, unit="×",
    ),
    Claim(
        INTRODUCTION,
        "Soft targets allow a higher learning rate: 3 times that of labels harms them less",
        "no number", (named.COST, named.HIGHER), PAIRED,
    ),
    Claim(
        INTRODUCTION, "Soft targets beat labels where each has its best learning rate",
        "no number", against(named.SOFT, named.LABELS), PAIRED,
    ),
    Claim(
        DISTILLATION, "Labels beside the soft targets help", "no number",
        against(named.CHOSEN, named.SOFT), PAIRED,
    ),
    Claim(
        DISTILLATION, "Best is a considerably lower weight of the labels (0.1 against 0.5)",
        "no number", against(named.SMALL, named.HALF), PAIRED,
    ),
])  # fmt: skip
