"""What the published demo shows."""

from kd_jax.report.claims import Claim, measured

PAPER = "McCaffrey 2025, teacher and student on people data"
CLAIMS = measured("points", [
    Claim(
        PAPER, "A student that imitates the teacher fits the training rows better than by labels",
        "78.5 %, against no student on labels",
        ("", "distilled"), "vs. labels only [95 %]", "accuracy, %",
    ),
    Claim(
        PAPER, "Fine-tuned on labels afterwards it fits better than a student of labels alone",
        "85.0 % after 78.5 %",
        ("", "fine-tuned, NLL of raw outputs"), "vs. labels only [95 %]", "accuracy, %",
    ),
    Claim(
        PAPER, "It fits them better than its teacher", "85.0 % against 83.5 %",
        ("", "fine-tuned, NLL of raw outputs"), "vs. teacher [95 %]", "accuracy, %",
    ),
])  # fmt: skip
