"""The rows of the equations' tables."""

GRADIENT, TRAINING = "gradient", "training"  # the two parts
MEMBER, ARITHMETIC, GEOMETRIC = "one teacher", "arithmetic mean", "geometric mean"
SOFT, MATCHING = "soft targets", "logit matching"
OF_ARITHMETIC = "student of the arithmetic mean"  # these two with a temperature
OF_GEOMETRIC = "student of the geometric mean"
