"""What Sanh et al. 2019 claim of a network with fewer layers."""

from kd_jax.report.claims import Claim, measured

PAPER = "Sanh et al. 2019 (DistilBERT, arXiv 1910.01108), on sentence encoders"
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
        PAPER, "A sixth of the layers is enough for that", "no number",
        (CLAIMED, "1 layer, distilled from the cut", "all labels"), CUT,
    ),
])  # fmt: skip
