"""What papers of federated distillation claim."""

from kd_jax.metrics.statistics import EQUIVALENT
from kd_jax.report.claims import Claim, measured

FEDMD, FEDDF = (
    "Li and Wang 2019 (FedMD, arXiv 1910.03581)",
    "Lin et al. 2020 (FedDF, arXiv 2006.07242)",
)
SKEWED, PAIRS, ACCURACY = (
    "Dirichlet alpha 0.1",
    "Paired comparisons, by alpha (part)",
    "test accuracy",
)
LOCAL = "vs. local training [95 %]"
SERVER = "Server against the ensemble that it distills"
CLAIMS = measured("points", [
    Claim(
        FEDMD,
        "Clients of three architectures gain by exchanging scores (over local training of one)",
        "20 % on average", (SKEWED, "FedMD, three architectures"), LOCAL, ACCURACY,
    ),
    Claim(
        FEDDF, "The server distils clients of different architectures", "no number",
        (SKEWED, "FedDF, three architectures"), LOCAL, ACCURACY,
    ),
    Claim(
        FEDDF, "It is better than the clients whose scores it distils", "no number",
        (SERVER, "0.1"), "FedDF vs. a client before [95 %]",
    ),
    Claim(
        FEDDF, "It serves as well as the ensemble of them", "no number",
        (SERVER, "0.1"), "vs. the ensemble before [95 %]", expected=EQUIVALENT,
    ),
    Claim(
        FEDDF, "Public data of another domain serve too", "no number",
        (SKEWED, "FedDF, out-of-domain public set"), LOCAL, ACCURACY,
    ),
    Claim(
        FEDDF, "Distilling the average of the logits is better than averaging weights (FedAvg)",
        "fewer rounds to the same accuracy", (PAIRS, "0.1", "FedDF", "FedAvg"),
        "difference [95 %]",
    ),
    Claim(
        FEDDF, "The same with nearly equal clients", "fewer rounds to the same accuracy",
        (PAIRS, "100", "FedDF", "FedAvg"), "difference [95 %]",
    ),
])  # fmt: skip
