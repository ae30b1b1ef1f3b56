"""What the published demo shows."""

from kd_jax.report.claims import Claim

PAPER = "McCaffrey 2025, teacher and student on people data"
CLAIMS = [
    Claim(
        PAPER, "A student that imitates the teacher fits the training rows better than by labels",
        "0.7850, against no student on labels", ("", "distilled"), "vs. labels only [95 %]",
        "accuracy",
    ),
    Claim(
        PAPER, "Fine-tuned on labels afterwards it fits better than a student of labels alone",
        "0.8500 after 0.7850",
        ("", "fine-tuned, NLL of raw outputs"), "vs. labels only [95 %]", "accuracy",
    ),
    Claim(
        PAPER, "It fits them better than its teacher", "0.8500 against 0.8350",
        ("", "fine-tuned, NLL of raw outputs"), "vs. teacher [95 %]", "accuracy",
    ),
]  # fmt: skip
