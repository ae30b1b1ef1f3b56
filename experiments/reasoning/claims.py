"""What articles and papers of reasoning claim."""

from kd_jax.metrics.statistics import EQUIVALENT
from kd_jax.report.claims import Claim, measured

R1 = "DeepSeek-AI 2025 (R1, arXiv 2501.12948) and Srinivasan 2025 (Fireworks)"
GKD = "Agarwal et al. 2024 (GKD, arXiv 2306.13649)"
SKY = "Li et al. 2025 (arXiv 2502.07374)"
NLL, NATS = "Differences in teacher NLL, nats per token", "nats per token"
POINTS = "Differences, in-distribution, percentage points"
RIGHT, WRONG = "several chains per problem", "several chains, unfiltered"
CHAINS, DIFFERENCE, AUTOMATON = "teacher's chains", "difference [95 %]", "records_automaton"
SETTINGS = [  # where the paper's claim is tried: texts that suffice, and few
    ("4,000 word problems", "4,000 problems", "records", "1.9 times the gain on GSM8K"),
    ("50 problems of the automaton", "50 problems", AUTOMATON, "no number"),
]
CLAIMS = measured("points", [
    Claim(
        R1, "A student of chains of thought solves more than one of answers (word problems)",
        "no number", (POINTS, "4,000 problems", CHAINS, "answer only"), DIFFERENCE,
    ),
    Claim(
        R1, "The same, an automaton of six steps", "no number",
        (POINTS, "1,000 problems", CHAINS, "answer only"), DIFFERENCE, record=AUTOMATON,
    ),
    Claim(
        R1, "A teacher's chains teach more than terse solutions", "no number",
        (POINTS, "4,000 problems", CHAINS, "terse solutions"), DIFFERENCE,
    ),
    *(
        Claim(
            GKD, f"On-policy training, by {kl} KL, is better than the teacher's texts ({of})",
            published, (POINTS, part, f"on-policy {kl} KL", CHAINS), DIFFERENCE, record=record,
        )
        for of, part, record, published in SETTINGS for kl in ("reverse", "forward")
    ),
    *(
        Claim(
            GKD, f"What such a student writes, by {kl} KL, is likelier under its teacher ({of})",
            "no number", (NLL, part, f"on-policy {kl} KL", CHAINS), DIFFERENCE, unit=NATS,
            record=record,
        )
        for of, part, record, _ in SETTINGS for kl in ("reverse", "forward")
    ),
    Claim(
        SKY, "Chains with wrong answers do little harm (word problems)", "3.2 % lost",
        (POINTS, "4,000 problems", WRONG, RIGHT), DIFFERENCE, expected=EQUIVALENT,
    ),
    Claim(
        SKY, "The same, an automaton", "3.2 % lost",
        (POINTS, "1,000 problems", WRONG, RIGHT), DIFFERENCE, expected=EQUIVALENT, record=AUTOMATON,
    ),
])  # fmt: skip
