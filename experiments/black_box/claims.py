"""What Orekondy, Schiele and Fritz 2019 claim of knockoff networks."""

from kd_jax.metrics.statistics import EQUIVALENT
from kd_jax.report.claims import Claim, measured

PAPER = "Orekondy, Schiele and Fritz 2019 (knockoff nets, arXiv 1812.02766)"
AGAINST, FEW, MANY = "Accuracy vs. hard label [95 %]", "1,000", "60,000"
CLAIMS = measured("points", [
    Claim(
        PAPER, "With few queries all probabilities teach more than the label alone", "no number",
        (AGAINST, "all probabilities"), FEW,
    ),
    Claim(
        PAPER, "Three probabilities teach more than the label alone", "no number",
        (AGAINST, "top-3 probabilities"), FEW,
    ),
    Claim(
        PAPER, "With many queries the label alone costs little", "no number",
        (AGAINST, "all probabilities"), MANY, expected=EQUIVALENT,
    ),
    Claim(
        PAPER, "Queries chosen by the student's margin serve better than random ones",
        "adaptive sampling ahead", ("Active learning, all probabilities", "2,000"),
        "difference [95 %]",
    ),
])  # fmt: skip
