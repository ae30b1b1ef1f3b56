"""What Hinton, Vinyals and Dean 2015 derive in section 2."""

from kd_jax.metrics.statistics import EQUIVALENT
from kd_jax.report import judges
from kd_jax.report.claims import Claim, measured

PAPER = "Hinton, Vinyals and Dean 2015, section 2 (arXiv 1503.02531)"
GRADIENTS, TRAININGS, LIMIT = "T", "method", "relative error, limit of equation 4"
WITH = "norm with T²"


def _balance(says, norm, least, most):
    """A Claim about the quotient of the gradients' norms at T = 50 and at T = 20."""
    return Claim(
        PAPER, f"{says}: between {least:g} and {most:g}", "gradients scale as 1 / T²",
        (GRADIENTS, "T=50"), norm, norm, EQUIVALENT, judges.quotient(least, most), beside="T=20",
    )  # fmt: skip


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
    _balance("Times T² the gradients are as large at T = 50 as at T = 20", WITH, 0.9, 1.1),
    _balance("Without it they fall as 1 / T², to 0.16 of them", "norm without T²", 0.14, 0.18),
    Claim(
        PAPER, "Students at T = 100 make as many errors as students of logit matching",
        "no number", (TRAININGS, "soft targets, T=100"), "vs. logit matching [95 %]",
        "test errors of 1,500", EQUIVALENT,
    ),
])  # fmt: skip
