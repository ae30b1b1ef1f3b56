"""What Hinton, Vinyals and Dean 2015 claim in section 3."""

from kd_jax.metrics import statistics
from kd_jax.report import judges
from kd_jax.report.claims import Claim, measured

PAPER = "Hinton, Vinyals and Dean 2015, section 3 (arXiv 1503.02531)"
ARTICLES = "Hinton, Vinyals and Dean 2015, as articles retell it (of no single source)"
TANG = "Tang et al. 2020 (arXiv 2002.03532)"
LABELS, ERRORS = "vs. labels only [95 %]", "test errors"
FEWER, PAIRED = "Fewer errors?", "difference [95 %]"
PAIRS_OF_T = "Temperatures against each other"
NEAREST = "T = 2.5 to 4 against the nearest others"
SOFT, AUGMENTED = "soft targets, T=20", "soft targets, T=20, augmented images"
LABELS_OF_THESE = "labels only, augmented images"
SHARE = "Share of the way from labels only to the teacher"
CLAIMS = measured("errors", [
    Claim(
        PAPER, "Soft targets as the only regularizer make fewer errors than labels",
        "146 errors on labels, 74 on soft targets, teacher 67",
        ("All digits", SOFT), LABELS, ERRORS,
    ),
    Claim(
        PAPER, "They lead nine tenths of the way from labels to the teacher",
        "91 %, 72 of 79 errors",
        (SHARE, SOFT), "ours [95 %]", judge=judges.above(90),
    ),
    Claim(
        PAPER,
        "They do after 200 epochs of augmented images, of teachers with the usual dropout",
        "91 %, 72 of 79 errors", (SHARE, f"{AUGMENTED}, 200 epochs"), "ours [95 %]",
        judge=judges.above(90), record="records_long",
    ),
    Claim(
        PAPER,
        "A student that never saw a 3 gets over 95 % of them right once its bias is corrected",
        "98.6 % of the 3s, the bias chosen on the test",
        ("Accuracy?…", "no 3", "bias corrected label-free"), "accuracy [95 %]",
    ),
    Claim(
        PAPER,
        "A student that saw 7s and 8s alone gets over 80 % of all digits right once corrected",
        "86.8 % right, the bias chosen on the test",
        ("Accuracy?…", "7 and 8", "bias corrected label-free"), "accuracy [95 %]",
    ),
    *(
        Claim(
            PAPER,
            f"With 300 units in a layer all temperatures above 8 are similar: T = {t} and 8",
            "no number", (PAIRS_OF_T, "300 units", f"soft targets, T={t}"), PAIRED,
            expected=statistics.EQUIVALENT, record="records_wide",
        )
        for t in (20, 40)
    ),
    Claim(
        PAPER, "With 30 units temperatures of 2.5 to 4 work significantly better than others: "
        "their best beats that of the others",
        "no number", (PAIRS_OF_T, "30 units"), PAIRED, record="records_narrow",
    ),
    Claim(
        PAPER, "So does the lowest of them: T = 2.5 beats T = 2", "no number",
        (NEAREST, "30 units", "soft targets, T=2.5", "soft targets, T=2"), PAIRED,
        record="records_narrow",
    ),
    Claim(
        ARTICLES, "A student of 800 units needs no distillation", "no number",
        (FEWER, "all", SOFT, "labels only"), PAIRED, expected=statistics.EQUIVALENT,
    ),
    *(
        Claim(
            ARTICLES,
            f"A student of 800 units that sees augmented images for {n} epochs needs none", "–",
            (FEWER, "all", f"{AUGMENTED}, {n} epochs", f"{LABELS_OF_THESE}, {n} epochs"), PAIRED,
            expected=statistics.EQUIVALENT, record="records_long",
        )
        for n in (60, 200)
    ),
    Claim(
        TANG, "A teacher with permuted likenesses of classes teaches less (MNIST)",
        "no number", (FEWER, "all", SOFT, "permuted teacher, T=20"), PAIRED,
    ),
])  # fmt: skip
