"""What Hinton, Vinyals and Dean 2015 claim in section 5."""

from kd_jax.report.claims import Claim, measured

PAPER = "Hinton, Vinyals and Dean 2015, section 5 (arXiv 1503.02531)"
ADDED = "What specialists add, beside the paper's on other data"
GAIN, GROWTH = "relative gain in % [95 %]", "its growth per further specialist [95 %]"
RECORDS = {"two digits": "records", "BANKING77": "records_banking77"}


def _of_both(says, published, column):
    """A Claim about each of the data sets."""
    return [
        Claim(PAPER, f"{says} ({part})", published, (ADDED, part), column, record=record)
        for part, record in RECORDS.items()
    ]


CLAIMS = measured("%", [
    *_of_both("Specialists improve a generalist", "+4.4 % relative, of other data", GAIN),
    *_of_both("Each further specialist that covers the true class adds to it", "+1.49 %", GROWTH),
])  # fmt: skip
