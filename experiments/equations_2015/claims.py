"""What Hinton, Vinyals and Dean 2015 derive in section 2."""

from kd_jax.metrics.statistics import EQUIVALENT
from kd_jax.report import judges
from kd_jax.report.claims import Claim, measured

PAPER = "Hinton, Vinyals and Dean 2015, section 2 (arXiv 1503.02531)"
GRADIENTS, TRAININGS, LIMIT = "T", "method", "relative error, limit of equation 4"
CLAIMS = measured("errors", [
    Claim(
        PAPER, "The gradient of soft targets is (q − p) / T: error of 0.0001 at most, T = 1",
        "equation 2", (GRADIENTS, "T=1"), "relative error, equation 2", judge=judges.at_most(1e-4),
    ),
    Claim(
        PAPER, "It becomes that of logit matching as T grows: error of 0.02 at most, T = 100",
        "equation 4", (GRADIENTS, "T=100"), LIMIT, judge=judges.at_most(0.02),
    ),
    Claim(
        PAPER, "The same: error of 0.002 at most, T = 1000", "equation 4",
        (GRADIENTS, "T=1000"), LIMIT, judge=judges.at_most(0.002),
    ),
    Claim(
        PAPER, "Students at T = 100 make as many errors as students of logit matching",
        "no number", (TRAININGS, "soft targets, T=100"), "vs. logit matching [95 %]",
        "test errors of 1,500", EQUIVALENT,
    ),
])  # fmt: skip
