"""What papers claim of the choice of a teacher."""

from experiments.teacher_choice import rows as named
from kd_jax.metrics import statistics
from kd_jax.report import judges
from kd_jax.report.claims import Claim, measured

LABELS, PAIRED = "vs. labels only [95 %]", "difference [95 %]"
WIDEST = named.of_source(named.of_units(600))
LONG, SHORT = 160, 10
R2 = "R² of held-out students [95 %]"
TEST = 10_000  # test images
PLAIN, SMOOTH = (named.of_smoothing(x) for x in (0.0, 0.1))


def against(part: str, row: str, other: str) -> tuple[str, ...]:
    """Where a part's table of what is compared says which of two rows has fewer errors."""
    return named.FEWER[part], part, row, other


def longest(row: str) -> str:
    """A row of patient students after the longest training."""
    return named.at_length(row, LONG)


CLAIMS = measured("errors", [
    Claim(
        "Mirzadeh et al. 2019, Improved Knowledge Distillation via Teacher Assistant "
        "(arXiv 1902.03393)",
        "A teacher that is too large teaches a small student less well", "no number",
        against(named.SIZE, named.of_source(named.of_units(32)), WIDEST), PAIRED,
    ),
    Claim(
        "Mirzadeh et al. 2019, Improved Knowledge Distillation via Teacher Assistant "
        "(arXiv 1902.03393)",
        "An assistant between the two helps", "no number",
        against(named.SIZE, named.of_source(named.through(600, 64)), WIDEST), PAIRED,
    ),
    Claim(
        "Cho and Hariharan 2019, On the Efficacy of Knowledge Distillation (arXiv 1910.01348)",
        "A large teacher that was stopped early teaches better than one trained to its end",
        "29.35 % error against 30.95 % on ImageNet, teacher of 50 layers",
        against(named.SIZE, named.of_source(named.stopped(600, 5)), WIDEST), PAIRED, test=TEST,
    ),
    Claim(
        "Müller, Kornblith and Hinton 2019, section 5 (arXiv 1906.02629)",
        "A teacher of smoothed labels teaches less well", "0.91 % error against 0.74 %, +0.17 %",
        against(named.SMOOTHING, SMOOTH, PLAIN), PAIRED, expected=statistics.WORSE, test=TEST,
    ),
    Claim(
        "Furlanello et al. 2018, Born-Again Neural Networks (arXiv 1805.04770)",
        "A student of its teacher's size is better than it", "no number of these data",
        (named.TITLES[named.BORN_AGAIN], named.generation(1)), LABELS, "test errors",
    ),
    Claim(
        "Stanton et al. 2021, Does Knowledge Distillation Really Work? (arXiv 2106.05945)",
        "The student of a larger transfer set agrees more with its teacher",
        "above 99 % with 60,000 digits and 700,000 letters",
        (
            named.FAITHFUL, named.TRANSFER_SET,
            named.of_size(named.SOFT, 60_000), named.of_size(named.SOFT, 10_000),
        ),
        PAIRED, unit="points",
    ),
    Claim(
        "Hinton, Vinyals and Dean 2015, section 6 (arXiv 1503.02531)",
        "Soft targets of 3 % of the examples do better than their labels, stopped early",
        "speech: 43.0 % of the frames wrong against 55.5 %",
        against(named.FEW_LABELS, named.SOFT, named.STOPPED), PAIRED, test=TEST,
    ),
    Claim(
        "Hinton, Vinyals and Dean 2015, section 4 (arXiv 1503.02531)",
        "One network keeps more than 80 % of an ensemble's gain: on MNIST too?", "speech: 86 %",
        (named.SHARES, named.MIXED), "ours [95 %]", judge=judges.above(80),
    ),
    Claim(
        "Beyer et al. 2021, Knowledge Distillation: A Good Teacher Is Patient and Consistent "
        "(arXiv 2106.05237)",
        "A teacher asked on the student's view is better than its outputs of clean images",
        "no number of these data",
        against(named.PATIENCE, longest(named.CONSISTENT), longest(named.KEPT_OF_VIEWS)), PAIRED,
    ),
    Claim(
        "Beyer et al. 2021, Knowledge Distillation: A Good Teacher Is Patient and Consistent "
        "(arXiv 2106.05237)",
        "On consistent views long training pays (on other views too)", "no number of these data",
        against(
            named.PATIENCE, longest(named.CONSISTENT), named.at_length(named.CONSISTENT, SHORT)
        ),
        PAIRED,
    ),
    Claim(
        "Busbridge et al. 2025, Distillation Scaling Laws (arXiv 2502.08606)",
        "A student's loss depends on its teacher's: a law with it predicts more than one without",
        "with it, within about 1 %", (named.LAWS, "width, images and the teacher's loss"),
        "vs. width and images [95 %]", R2, beside="width and images", unit="of R²",
    ),
])  # fmt: skip
