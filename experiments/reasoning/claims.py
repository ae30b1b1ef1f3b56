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
    Claim(
        GKD, "On-policy training is better than training on the teacher's texts",
        "1.9 times the gain on GSM8K",
        (POINTS, "4,000 problems", "on-policy reverse KL", CHAINS), DIFFERENCE,
    ),
    Claim(
        GKD, "It is where texts are few (50 problems of the automaton)", "no number",
        (POINTS, "50 problems", "on-policy forward KL", CHAINS), DIFFERENCE, record=AUTOMATON,
    ),
    Claim(
        GKD, "What an on-policy student writes is likelier under its teacher (word problems)",
        "no number", (NLL, "4,000 problems", "on-policy reverse KL", CHAINS), DIFFERENCE,
        unit=NATS,
    ),
    Claim(
        GKD, "The same, 50 problems of the automaton", "no number",
        (NLL, "50 problems", "on-policy reverse KL", CHAINS), DIFFERENCE, unit=NATS,
        record=AUTOMATON,
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
