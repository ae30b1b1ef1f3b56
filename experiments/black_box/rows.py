"""Rows and parts of the tables of black-box distillation."""

CLASSES = 10
TEACHER = "teacher"
LABEL, ALL, PERMUTED = "hard label", "all probabilities", "all, wrong classes permuted"
POOLS = TRAINING, MIXES, OUT_OF_DOMAIN, NOISE = (
    "the teacher's training images", "quarters of four training images", "out-of-domain images",
    "uniform noise",
)  # fmt: skip
STRATEGIES = RANDOM, MARGIN = "random", "smallest margin"
ACTIVE = {output: f"active learning, {output}" for output in (LABEL, ALL)}
