"""What Tang et al. 2020 claim of the likeness of classes, on the quickstart's digits."""

from kd_jax.report.claims import Claim, measured

CLAIMS = measured("errors", [
    Claim(
        "Tang et al. 2020 (arXiv 2002.03532)",
        "What classes are alike is part of what is learned (5,000 digits, a permuted teacher)",
        "no number", ("Fewer errors?", "digits", "soft targets, T=16", "permuted teacher, T=16"),
        "difference [95 %]", record="records_confirm",
    ),
])  # fmt: skip
