"""What Hinton, Vinyals and Dean 2015 claim in section 3."""

from kd_jax.metrics import statistics
from kd_jax.report.claims import Claim

PAPER = "Hinton, Vinyals and Dean 2015, section 3 (arXiv 1503.02531)"
LABELS, ERRORS = "vs. labels only [95 %]", "test errors"
CLAIMS = [
    Claim(
        PAPER, "Soft targets pass on what dropout and jitter taught the teacher",
        "146 errors on labels, 74 on soft targets, teacher 67",
        ("All digits", "soft targets, T=20"), LABELS, ERRORS,
    ),
    Claim(
        PAPER, "A student that never saw a 3 gets most of them right once its bias is corrected",
        "98.6 % of the 3s, the bias chosen on the test",
        ("Accuracy?", "no 3", "bias corrected label-free"), "accuracy [95 %]",
    ),
    Claim(
        PAPER, "A student that saw 7s and 8s alone knows the other digits after the correction",
        "86.8 % right, the bias chosen on the test",
        ("Accuracy?", "7 and 8", "bias corrected label-free"), "accuracy [95 %]",
    ),
    Claim(
        PAPER, "With 300 units in a layer all temperatures above 8 give similar results",
        "no number", ("300 units in each layer: errors by temperature", "soft targets, T=20"),
        "against the best on validation", ERRORS, statistics.EQUIVALENT,
    ),
    Claim(
        PAPER, "With 30 units temperatures of 2.5 to 4 work significantly better than others",
        "no number", ("30 units in each layer: errors by temperature", "soft targets, T=2.5"),
        "against the best on validation", ERRORS,
    ),
]  # fmt: skip
