"""Rows and parts of the tables of black-box distillation, and what a step takes."""

BATCH = 100  # examples of a step
TEACHER = "teacher"
LABEL, ALL = "hard label", "all probabilities"
OUTPUTS = (
    LABEL, "top-3 labels, ranked", "top-3 probabilities", "probabilities, 1 decimal", ALL,
    "all, wrong classes permuted",
)  # fmt: skip
POOLS = TRAINING, MIXES, OUT_OF_DOMAIN, NOISE = (
    "the teacher's training images", "quarters of four training images", "out-of-domain images",
    "uniform noise",
)  # fmt: skip
STRATEGIES = RANDOM, MARGIN = "random", "smallest margin"
ACTIVE = {output: f"active learning, {output}" for output in (LABEL, ALL)}
