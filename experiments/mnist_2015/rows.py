"""Rows of the 2015 paper's section on MNIST, its published numbers and its claims."""

from kd_jax.report.published import Published

TEACHER, LABELS, SMOOTHED = "teacher", "labels only", "label smoothing 0.1"
T = 20.0
SOFT, AUGMENTED = "soft targets, T=20", "soft targets, T=20, augmented images"
PERMUTED = "permuted teacher, T=20"
FREE, VALIDATED = "bias corrected label-free", "bias corrected on validation"
ON_TEST = "bias corrected on test, as in the paper"
SWEPT = "soft targets"  # the family of the temperature sweeps

TITLES = {
    "all": "all digits",
    "no 3": "no 3 in the transfer set",
    "7 and 8": "only 7 and 8 in the transfer set",
}
PAPER = {
    "all": {TEACHER: Published(67), LABELS: Published(146), SOFT: Published(74)},
    "no 3": {SOFT: Published(206, 133), ON_TEST: Published(109, 14)},
    "7 and 8": {SOFT: Published("47.3 %"), ON_TEST: Published("13.2 %")},
}
# (part, row, against): which has fewer errors?
COMPARED = [
    ("all", SOFT, LABELS),
    ("all", SOFT, SMOOTHED),
    ("all", SOFT, PERMUTED),
    ("all", AUGMENTED, SOFT),
    *(
        (part, row, against)
        for part in ("no 3", "7 and 8")
        for row, against in ((SOFT, PERMUTED), (FREE, SOFT), (VALIDATED, SOFT))
    ),
]
# (part, row, digit or None for all, accuracy that is to be passed)
LEVELS = [
    ("no 3", SOFT, 3, 0.80),
    ("no 3", FREE, 3, 0.95),
    ("no 3", VALIDATED, 3, 0.95),
    ("7 and 8", SOFT, None, 0.40),
    ("7 and 8", FREE, None, 0.80),
    ("7 and 8", VALIDATED, None, 0.80),
]
