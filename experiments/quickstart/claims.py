"""What papers claim of similar classes and of a student's cost, on the quickstart's digits."""

from kd_jax.report import judges
from kd_jax.report.claims import Claim, measured

CONFIRMED = "records_confirm"
COSTS = "What they cost"


def _cheaper(says, measure):
    """A Claim about the teacher's cost divided by the student's."""
    return Claim(
        "Hinton, Vinyals and Dean 2015, section 1 (arXiv 1503.02531)", says, "no number",
        (COSTS, "ratio"), measure, judge=judges.above(1),
    )  # fmt: skip


CLAIMS = measured("errors", [
    _cheaper("A student is cheaper than its teacher: fewer multiply-adds", "multiply-adds"),
    _cheaper("It takes less time for one image", "ms for 1"),
    _cheaper("It takes less time for 128 images at once", "ms for 128"),
    Claim(
        "Tang et al. 2020 (arXiv 2002.03532)",
        "A teacher with permuted likenesses of classes teaches less (5,000 digits)",
        "no number", ("Fewer errors?", "digits", "soft targets, T=16", "permuted teacher, T=16"),
        "difference [95 %]", record=CONFIRMED,
    ),
])  # fmt: skip
