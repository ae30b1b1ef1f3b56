"""What Hinton, Vinyals and Dean 2015 claim in sections 4 and 6."""

from kd_jax.metrics.statistics import WORSE
from kd_jax.report import judges
from kd_jax.report.claims import Claim, measured

PAPER = "Hinton, Vinyals and Dean 2015, sections 4 and 6 (arXiv 1503.02531)"
PAPERS = "As the paper: students of the members' size, equally long"
AGAIN = "Students hear as many recordings again, unlabeled"
FEW = "3% of the recordings (section 6)"
SCHEDULES = "Soft targets, or a rate that decays?"
LABELS, FRAMES = "vs. labels only [95 %]", "test frame accuracy, %"
CLAIMS = measured("points", [
    Claim(
        PAPER, "A student of an ensemble of ten is better than one of labels",
        "58.9 % on labels, 60.8 student, 61.1 ensemble",
        (PAPERS, "soft targets + 0.5 labels, T=2"), LABELS, FRAMES,
    ),
    Claim(
        PAPER, "It is better than one of labels whose rate decays, in as many steps (ours)", "–",
        (SCHEDULES, "equally long", "soft targets + 0.5 labels, T=2, at a constant rate"),
        "difference [95 %]",
    ),
    Claim(
        PAPER, "It keeps more than 80 % of what the ensemble gains", "86 %",
        (PAPERS, "soft targets + 0.5 labels, T=2"), "retained gain [95 %]",
        judge=judges.above(80),
    ),
    Claim(
        PAPER, "It does where members know their frames less well, which are perturbed (ours)", "–",
        ("Members and students of frames perturbed three times as far",
         "soft targets + 0.5 labels, T=2"), "retained gain [95 %]",
        judge=judges.above(80), record="records_perturbed",
    ),
    *(
        Claim(
            PAPER, f"It gets fewer words wrong than one of labels{setup}", published,
            (title, "soft targets + 0.5 labels, T=2"), "word errors vs. labels only",
            "word errors of 300", unit="word errors",
        )
        for setup, published, title in (
            ("", "10.7 % against 10.9 %", PAPERS),
            (", trained three times as long (ours)", "–", "Students three times as long"),
        )
    ),
    Claim(
        PAPER, "With as many recordings again, unlabeled, it beats labels in as many steps (ours)",
        "–", (AGAIN, "soft targets + 0.5 labels, T=2"), LABELS, FRAMES,
    ),
    Claim(
        PAPER, "With 3 % of the recordings soft targets are far better than labels stopped early",
        "44.5 % on labels, 57.0 on soft targets, 58.9 on all recordings",
        (FEW, "soft targets, T=2, last epoch"), "vs. labels, early stopping [95 %]", FRAMES,
    ),
    Claim(
        PAPER, "They regain more than 80 % of what labels of 3 % lose",
        "87 %, 12.5 of 14.4 points", (FEW, "soft targets, T=2, last epoch"),
        "of what few recordings lose, regained [95 %]", judge=judges.above(80),
    ),
    Claim(
        PAPER, "Labels of 3 % fall sharply after their best epoch",
        "no number", (FEW, "labels, last epoch"), "vs. labels, early stopping [95 %]", FRAMES,
        WORSE,
    ),
])  # fmt: skip
