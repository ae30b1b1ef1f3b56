"""What the tutorial of APMTH 207 concludes from its single runs."""

from kd_jax.metrics import statistics
from kd_jax.report.claims import Claim, measured

TUTORIAL = "APMTH 207 at Harvard 2018, tutorial on Hinton, Vinyals and Dean 2015"
PART_1, FEWER = "Part 1: all digits", "Fewer errors?"
RIGHT = "Accuracy? [95 %]: for other teachers and their students, of these test images"
LABELS, PAIRED, ERRORS = "vs. labels only [95 %]", "difference [95 %]", "test errors"
OURS, MIXED = "soft targets, T=3 †", "soft targets + labels, T=3 †"
BIASED = "soft targets, T=3, initial bias 3.5 †"
OF_CNN = "soft targets of the CNN, T=3 †"

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
        TUTORIAL, "Half of the 3s are right, of which the students saw none", "48 %",
        (RIGHT, "2a", OURS), "accuracy [95 %]",
    ),
    Claim(
        TUTORIAL, "A bias given to the 3 raises that", "56 %",
        (FEWER, "2a", BIASED, OURS), PAIRED,
    ),
    Claim(
        TUTORIAL, "Of 7 and 8 alone more than half of all digits are learned", "62 %",
        (RIGHT, "2b", OURS), "accuracy [95 %]",
    ),
])  # fmt: skip
