"""What articles and papers of reasoning claim."""

from kd_jax.report.claims import Claim

R1 = "DeepSeek-AI 2025 (R1, arXiv 2501.12948) and Srinivasan 2025 (Fireworks)"
GKD = "Agarwal et al. 2024 (GKD, arXiv 2306.13649)"
POINTS = "Differences, in-distribution, percentage points"
CHAINS, DIFFERENCE, AUTOMATON = "teacher's chains", "difference [95 %]", "records_automaton"
CLAIMS = [
    Claim(
        R1, "A student of chains of thought solves more than one of answers (word problems)",
        "no number", (POINTS, "4,000 problems", CHAINS, "answer only"), DIFFERENCE,
    ),
    Claim(
        R1, "The same, an automaton of six steps", "no number",
        (POINTS, "1,000 problems", CHAINS, "answer only"), DIFFERENCE, record=AUTOMATON,
    ),
    Claim(
        R1, "A teacher's chains teach more than people's terse solutions", "no number",
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
]  # fmt: skip
