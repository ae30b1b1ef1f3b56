"""What Sanh et al. 2019 claim of a network with fewer layers."""

from kd_jax.metrics.statistics import EQUIVALENT
from kd_jax.report import judges
from kd_jax.report.claims import Claim, measured

PAPER = "Sanh et al. 2019 (DistilBERT, arXiv 1910.01108), on sentence encoders"
COSTS = "Size and speed"
CUT, CLAIMED = "minus its cut [95 %]", "Distilled against its cut, percentage points"
CLAIMS = measured("points", [
    Claim(
        PAPER, "With half of the layers a distilled network is better than the layers alone",
        "77.0 of 79.5 on GLUE", (CLAIMED, "3 layers, distilled from the cut", "all labels"), CUT,
    ),
    Claim(
        PAPER, "And far better where labels are few", "no number",
        (CLAIMED, "3 layers, distilled from the cut", "5 labels per class"), CUT,
    ),
    Claim(
        PAPER, "One of six layers, distilled, beats the cut to it", "no number",
        (CLAIMED, "1 layer, distilled from the cut", "all labels"), CUT,
    ),
    Claim(
        PAPER, "With half of the layers they are 1.6 times as fast", "1.6 times",
        (COSTS, "3 layers"), "times as fast", judge=judges.above(1.6),
    ),
    Claim(
        PAPER, "Students of half the layers have at most 0.6 of the parameters",
        "66 of 110 million",
        (COSTS, "3 layers"), "parameters", "parameters", EQUIVALENT, judges.quotient(0, 0.6),
        beside="teacher",
        unanswered="embeddings, which students keep, are half of this teacher's",
    ),
    Claim(
        PAPER, "The teacher's layers are a better start than random ones",
        "3.69 points of GLUE lost by random ones",
        ("encoder", "3 layers, distilled from the cut"), "all labels", "all labels",
        judge=judges.undecided, beside="3 layers, distilled from random layers",
        unanswered="no interval of the difference",
    ),
])  # fmt: skip
