"""What Gupta, Hoffman and Malik 2016 claim of supervision across modalities."""

from kd_jax.metrics.statistics import SUPPORTED
from kd_jax.report.claims import Claim, measured

PAPER = "Gupta, Hoffman and Malik 2016 (arXiv 1507.00448)"
FITNETS = "Romero et al. 2015 (FitNets, arXiv 1412.6550)"
ATTENTION = "Zagoruyko and Komodakis 2017 (attention transfer, arXiv 1612.03928)"
TANG = "Tang et al. 2020 (arXiv 2002.03532)"
AUDIO = "Accuracy vs. labels only [95 %]"
IMAGES = f"Image classification, smaller convnet… > {AUDIO}"
EXPECTED = "Expected before the run: images in place of labels"
PERMUTED = "Audio classification vs. permuted teacher, T=4 [95 %]"
CLAIMS = measured("points", [
    Claim(
        PAPER, "A teacher of images trains a network of sounds where labels are few", "no number",
        (AUDIO, "soft targets, T=4"), "10",
    ),
    Claim(
        PAPER, "So do its features", "no number", (AUDIO, "hint (FitNet)"), "10",
    ),
    Claim(
        PAPER, "Without any label it is 10 points above 200 labels (our expectation)", "–",
        (EXPECTED, "soft targets, T=4", "200 labels"), "difference [95 %]", expected=SUPPORTED,
    ),
    Claim(
        PAPER, "Without any label it is at most 3 points below 2,000 labels (our margin)", "–",
        (EXPECTED, "soft targets, T=4", "2,000 labels"), "difference [95 %]", expected=SUPPORTED,
    ),
    Claim(
        FITNETS, "Hints help a smaller convnet (200 labels)", "no number",
        (IMAGES, "hint (FitNet)"), "200",
    ),
    Claim(
        ATTENTION, "Attention maps help a smaller convnet (200 labels)", "no number",
        (IMAGES, "attention transfer (AT)"), "200",
    ),
    Claim(
        TANG,
        "A teacher with permuted likenesses of classes teaches less (images to audio)",
        "no number", (PERMUTED, "soft targets, T=4"), "0",
    ),
])  # fmt: skip
