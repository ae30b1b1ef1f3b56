"""What part III of the tutorial of APMTH 207 concludes, and Tang et al. 2020 of similar classes."""

from kd_jax.metrics.statistics import SUPPORTED
from kd_jax.report.claims import Claim

TUTORIAL = "APMTH 207 at Harvard 2018, tutorial on Hinton, Vinyals and Dean 2015"
TANG = "Tang et al. 2020 (arXiv 2002.03532)"
ALL, COUNT = "claim, for all data sets", "supported"
CLAIMS = [
    Claim(
        TUTORIAL, "On nine artificial data sets soft targets beat labels at every temperature",
        "nine of nine, one run each", (ALL, "every T beats labels only"), COUNT,
        expected=SUPPORTED,
    ),
    Claim(
        TUTORIAL, "The best temperature lies between 2.5 and 5 on all nine", "nine of nine",
        (ALL, "T_opt lies in (2.5, 5)"), COUNT, expected=SUPPORTED,
    ),
    Claim(
        TUTORIAL, "It grows with the student's width (MNIST)", "suspected",
        ("data set", "MNIST"), "T_opt grows with width", expected=SUPPORTED,
        record="records_mnist",
    ),
    *(
        Claim(
            TUTORIAL, f"It grows with the student's width ({name}){only}", "suspected",
            ("data set", name), column, expected=SUPPORTED, record="records_width",
        )
        for name in ("sep 0.2, informative 0.5", "sep 0.6, informative 0.8", "sep 1, informative 1")
        for column, only in (
            ("T_opt grows with width", ""),
            ("without the narrowest students", ", also without students of 20 units"),
        )
    ),
    Claim(
        TANG,
        "A teacher with permuted likenesses of classes teaches less (artificial data)",
        "no number", (ALL, "T=3 beats a permuted teacher"), COUNT, expected=SUPPORTED,
    ),
]  # fmt: skip
