"""What Hinton, Vinyals and Dean 2015 claim in section 5."""

from experiments.specialists import rows as named
from kd_jax.report.claims import Claim, measured

PAPER = "Hinton, Vinyals and Dean 2015, section 5 (arXiv 1503.02531)"
ADDED = "What specialists add, beside the paper's on other data"
PAIRS = "Paired differences in test accuracy, in percentage points"
GAIN, GROWTH = "relative gain in % [95 %]", "its growth per further specialist [95 %]"
RECORDS = {named.DIGITS: "records", named.QUESTIONS: "records_banking77"}


def _of_both(says, published, column, of_questions=""):
    """A Claim about each of the data sets; of BANKING77 with what must be said of it."""
    further = {named.QUESTIONS: of_questions}
    return [
        Claim(
            PAPER, f"{says}{further.get(part, '')} ({part})", published, (ADDED, part), column,
            record=record,
        )
        for part, record in RECORDS.items()
    ]  # fmt: skip


def _against(says, row):
    """A Claim about each of the data sets: what other generalists lack of it, in points."""
    return [
        Claim(
            PAPER, f"Specialists improve a generalist {says} ({part})", "no number",
            (PAIRS, part, named.JOINED, row), "difference [95 %]", record=record, unit="points",
        )
        for part, record in RECORDS.items()
    ]  # fmt: skip


CLAIMS = measured("%", [
    *_of_both(
        "Specialists improve a generalist", "+4.4 % relative, of other data", GAIN,
        of_questions=" that has not converged",
    ),
    *_against("more than longer training does, in equal compute", named.LONGER),
    *_against("beyond the plateau of its training", named.PLATEAU),
    *_of_both("Each further specialist that covers the true class adds to it", "+1.49 %", GROWTH),
])  # fmt: skip
