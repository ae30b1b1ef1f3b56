"""What the published demo shows."""

from experiments.people import rows
from experiments.people.rows import ON_ALL, ON_MISTAKES, ON_RANDOM, TUNED_RAW
from kd_jax.report.claims import Claim, measured

PAPER = "McCaffrey 2025, teacher and student on people data"
TUNED_ON, WIDTHS = (f"{title}: 200 train rows" for title in (rows.TUNED_ON, rows.WIDTHS))
MISTAKES = rows.tuned_on(TUNED_RAW, ON_MISTAKES)
CLAIMS = measured("points", [
    Claim(
        PAPER, "A student that imitates the teacher fits the training rows better than by labels",
        "78.5 %, against no student on labels",
        ("", "distilled"), "vs. labels only [95 %]", "accuracy, %",
    ),
    Claim(
        PAPER, "Fine-tuned on labels afterwards it fits better than before", "85.0 % after 78.5 %",
        ("", "fine-tuned, NLL of raw outputs"), "vs. distilled [95 %]", "accuracy, %",
    ),
    Claim(
        PAPER, "So it fits better than a student of labels that is not tuned",
        "85.0 %, against no student on labels",
        ("", "fine-tuned, NLL of raw outputs"), "vs. labels only [95 %]", "accuracy, %",
    ),
    Claim(
        PAPER, "It fits them better than its teacher", "85.0 % against 83.5 %",
        ("", "fine-tuned, NLL of raw outputs"), "vs. teacher [95 %]", "accuracy, %",
    ),
    Claim(
        PAPER, "Tuning on the rows that a student gets wrong does more than tuning on all rows",
        "no number", (TUNED_ON, MISTAKES), f"vs. {ON_ALL} [95 %]", "accuracy, %",
    ),
    Claim(
        PAPER, "It does more than tuning on as many random rows",
        "no number", (TUNED_ON, MISTAKES), f"vs. {ON_RANDOM} [95 %]", "accuracy, %",
    ),
    *(
        Claim(
            PAPER, f"A student of {width} units, fine-tuned, fits them better than one of 8",
            "no number", (WIDTHS, rows.of_width(TUNED_RAW, width)), "vs. 8 units [95 %]",
            "accuracy, %",
        )
        for width in (16, 32)
    ),
])  # fmt: skip
