"""What Gupta, Hoffman and Malik 2016 claim of supervision across modalities."""

from kd_jax.report.claims import Claim

PAPER = "Gupta, Hoffman and Malik 2016 (arXiv 1507.00448)"
AUDIO = "Accuracy vs. labels only [95 %]"
CLAIMS = [
    Claim(
        PAPER, "A teacher of images trains a network of sounds where labels are few", "no number",
        (AUDIO, "soft targets, T=4"), "10",
    ),
    Claim(
        PAPER, "So do its features", "no number", (AUDIO, "hint (FitNet)"), "10",
    ),
    Claim(
        PAPER, "Without any label it is 10 points above 200 labels (our expectation)", "–",
        ("Expected before the run: images in place of labels", "soft targets, T=4", "200 labels"),
        "difference [95 %]",
    ),
]  # fmt: skip
