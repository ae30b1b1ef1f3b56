"""What papers of distillation across tokenizers claim."""

from kd_jax.report.claims import Claim, measured

PAPER = "Boizard et al. 2024 (ULD, arXiv 2402.12030)"
AGAINST = "Against SFT on the text, [95 %]:"
CLAIMS = measured("nats", [
    Claim(
        PAPER, "Beside SFT, sorted probabilities of a teacher with other tokens help a student",
        "2.3 points of answers, over the teacher's texts alone",
        (AGAINST, "SFT + 1.5 · universal logit"), "NLL, nats",
    ),
])  # fmt: skip
