"""What papers claim of their methods, against soft targets with labels (KD) or labels only."""

from kd_jax.metrics.statistics import BEATS, WORSE
from kd_jax.report.claims import Claim, measured

METHODS, TANG = "Methods since 2015, on equal terms", "Tang et al. 2020 (arXiv 2002.03532)"
TABLES = {"MNIST": "MNIST, 1,000 labels", "Fashion-MNIST": "Fashion-MNIST"}
HINTON = "Hinton, Vinyals and Dean 2015, section 1 (arXiv 1503.02531)"
ERRORS, KD, LABELS = "test errors", "vs. KD [95 %]", "vs. labels only [95 %]"
PSEUDO = "vs. pseudo-labels [95 %]"
TEST = 10_000  # test images of either data set
KD_OF_CIFAR = 73.33  # accuracy of KD on CIFAR-100 in percent, ResNet32x4 to ResNet8x4


def _cifar(accuracy):
    """A published accuracy as the error that our tables have, both in percent."""
    return f"{100 - accuracy:.2f} % error on CIFAR-100, KD {100 - KD_OF_CIFAR:.2f} %"


def _of_both(says, published, row, against=KD, expected=BEATS, paper=METHODS):
    """A Claim about each of the data sets."""
    rows = {KD: "soft targets (KD)", PSEUDO: "pseudo-labels (hard)"}  # with verdicts alone
    beside = rows.get(against, "")
    return [
        Claim(
            paper, f"{says} ({data})", published, (title, row), against, ERRORS, expected=expected,
            beside=beside, test=TEST if "%" in published else 0, record="records_confirm",
        )
        for data, title in TABLES.items()
    ]  # fmt: skip


CLAIMS = measured("errors", [
    *_of_both(
        "DIST is better than KD, Huang et al. 2022, arXiv 2205.10536",
        "no number", "DIST",
    ),
    *_of_both(
        "Decoupled KD is better than KD, Zhao et al. 2022, arXiv 2203.08679",
        _cifar(76.32),
        "decoupled (DKD)",
    ),
    *_of_both(
        "KD of standardized logits is better than KD, Sun et al. 2024, arXiv 2403.01427",
        _cifar(76.62),
        "standardized logits",
    ),
    *_of_both(
        "Normalized KD is better than KD, Yang et al. 2023, arXiv 2303.13005",
        "no number", "normalized (NKD)",
    ),
    *_of_both(
        "CRD (negatives of the batch) is better than KD, Tian, Krishnan and Isola 2020, "
        "arXiv 1910.10699",
        _cifar(75.51),
        "contrastive (CRD, in the batch)",
    ),
    *_of_both(
        "KD through an assistant is better than KD, Mirzadeh et al. 2019, arXiv 1902.03393",
        "no number",
        "through an assistant (TAKD)",
    ),
    *_of_both(
        "A student beats a teacher of its own kind, Furlanello et al. 2018, arXiv 1805.04770",
        "no number", "born again, generation 1 (BAN)", LABELS,
    ),
    *_of_both(
        "A virtual teacher beats labels, Yuan et al. 2020, arXiv 1909.11723",
        "no number",
        "teacher-free (virtual teacher)", LABELS,
    ),
    *_of_both(
        "Soft targets teach more than the classes that the teacher chooses (hard pseudo-labels)",
        "no number", "soft targets (KD)", PSEUDO, BEATS, HINTON,
    ),
    *_of_both(
        "A teacher with permuted likenesses of classes teaches less",
        "no number", "permuted teacher", KD, WORSE, TANG,
    ),
])  # fmt: skip
