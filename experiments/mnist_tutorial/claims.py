"""What the tutorial of APMTH 207 concludes from its single runs."""

from kd_jax.metrics import statistics
from kd_jax.report import judges
from kd_jax.report.claims import Claim, measured

TUTORIAL = "APMTH 207 at Harvard 2018, tutorial on Hinton, Vinyals and Dean 2015"
PART_1, FEWER = "Part 1: all digits", "Fewer errors?"
RIGHT = "Accuracy? [95 %]: for other teachers and their students, of these test images"
THREES = "Fewer of the 3s wrong?…"
GAPS = "Is the gap, test errors minus training errors, smaller?…"
LABELS, PAIRED, ERRORS = "vs. labels only [95 %]", "difference [95 %]", "test errors"
OURS, MIXED = "soft targets, T=3 †", "soft targets + labels, T=3 †"
BIASED = "soft targets, T=3, initial bias 3.5 †"
OF_CNN = "soft targets of the CNN, T=3 †"
# points of the 3s: as much as two students of one row differ by (s.d. 75 of 1,010, times √2); the
# published number is that of one student
ONE_RUN = 10.0

CLAIMS = measured("errors", [
    Claim(
        TUTORIAL, "Soft targets make fewer errors than labels", "331 errors against 368",
        (PART_1, OURS), LABELS, ERRORS,
    ),
    Claim(
        TUTORIAL, "With labels beside them they make fewer still", "324 errors against 331",
        (FEWER, "1", MIXED, OURS), PAIRED,
    ),
    Claim(
        TUTORIAL, "A better teacher does not make a better student", "340 errors against 331",
        (FEWER, "1", OF_CNN, OURS), PAIRED, expected=statistics.WORSE,
    ),
    Claim(
        TUTORIAL,
        f"Half of the 3s are right, of which students saw none (within {ONE_RUN:g} points)",
        "48 % of the 3s", (RIGHT, "2a", OURS), "accuracy [95 %]", expected=statistics.EQUIVALENT,
        judge=judges.near(48, ONE_RUN), unanswered="the margin was stated after the run",
    ),
    Claim(
        TUTORIAL, "A bias that the 3 begins with gets more of them right",
        "443 of the 3s wrong against 524, 56 % right against 48 %",
        (THREES, "2a", BIASED, OURS), PAIRED, unit="wrong 3s",
    ),
    Claim(
        TUTORIAL, "It makes fewer errors of all digits", "707 errors against 791",
        (FEWER, "2a", BIASED, OURS), PAIRED,
    ),
    Claim(
        TUTORIAL, "Of 7 and 8 alone more than half of all digits are learned", "62 % right",
        (RIGHT, "2b", OURS), "accuracy [95 %]",
    ),
    Claim(
        TUTORIAL, "On soft targets test errors stay nearer to training errors than on labels",
        "learning curves, no number", (GAPS, "1", OURS, "labels only †"), PAIRED,
    ),
])  # fmt: skip
