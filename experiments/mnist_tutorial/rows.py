"""Rows of the Harvard tutorial's tables, their published numbers, and the claims."""

from kd_jax.report.published import DASH, Published

DENSE, CNN, CNN_2D = "dense teacher †", "CNN teacher †", "CNN teacher, 2-D"
LABELS, SMOOTHED = "labels only †", "label smoothing"
LONGER = "labels only, as many epochs"  # as the soft targets of part 2b
SOFT, HELD_OUT = "soft targets, T=3 †", "soft targets, T=3, validation held out"
MIXED = "soft targets + labels, T=3 †"
MIXED_ALIKE = "soft targets + labels, T=3, batch size"  # that of the other rows
OF_CNN, OF_CNN_2D = "soft targets of the CNN, T=3 †", "soft targets of the 2-D CNN, T=3"
MISMATCHED = "soft targets + labels, T=5, teacher at T=3 †"
MATCHED = "soft targets + labels, T=5"
INITIAL_BIAS = {
    "2a": "soft targets, T=3, initial bias 3.5 †",
    "2b": "soft targets, T=3, initial bias 1 †",
}
PERMUTED, UNIFORM = "permuted teacher, T=3", "uniform wrong classes, T=3"
BY_EPOCH = "_errors_by_epoch"  # how fields of learning curves end
FREE, VALIDATED = "bias corrected label-free", "bias corrected on validation"

# {part: {row: …}}: errors of 10,000 as published (undoing the truncation), wrong 3s of 1,010, loss
PAPER = {
    "1": {
        DENSE: Published(168, DASH, "0.055869"),
        CNN: Published(97, DASH, "0.030441"),
        LABELS: Published(368, DASH, "0.153540"),
        SOFT: Published(331, DASH, "0.228468"),
        MIXED: Published(324, DASH, "0.623445"),
        OF_CNN: Published(340, DASH, "0.180581"),
    },
    "2a": {
        LABELS: Published(1328, 1010, "1.765457"),
        SOFT: Published(791, 524, "0.325057"),
        MISMATCHED: Published(749, 483, "1.620399"),
        INITIAL_BIAS["2a"]: Published(707, 443, "0.312172"),
    },
    "2b": {
        LABELS: Published(8014, DASH, "11.931765"),
        SOFT: Published(3818, DASH, "1.075155"),
        MISMATCHED: Published(3759, DASH, "1.291891"),
        INITIAL_BIAS["2b"]: Published(3698, DASH, "1.050957"),
    },
}
# (part, row, against): which has fewer errors?
COMPARED = [
    ("1", SOFT, LABELS),
    ("1", MIXED, LABELS),
    ("1", MIXED, SOFT),
    ("1", OF_CNN, SOFT),
    ("1", OF_CNN_2D, SOFT),
    ("1", SOFT, PERMUTED),
    ("1", SOFT, UNIFORM),
    ("2b", SOFT, LONGER),
    *(
        (part, row, against)
        for part in ("2a", "2b")
        for row, against in (
            (SOFT, PERMUTED),
            (SOFT, UNIFORM),
            (MATCHED, MISMATCHED),
            (INITIAL_BIAS[part], SOFT),
            (FREE, HELD_OUT),
            (VALIDATED, HELD_OUT),
        )
    ),
]
THREES = [("2a", INITIAL_BIAS["2a"], SOFT)]  # of which 3s are compared
GAPS = [("1", SOFT, LABELS), ("1", MIXED, LABELS)]  # of which test and training errors are
# (part, row, digit or None for all, accuracy that is to be passed)
LEVELS = [
    ("2a", SOFT, 3, 0.50),
    ("2a", MATCHED, 3, 0.50),
    ("2a", INITIAL_BIAS["2a"], 3, 0.50),
    ("2a", FREE, 3, 0.85),
    ("2a", VALIDATED, 3, 0.85),
    ("2b", SOFT, None, 0.55),
    ("2b", FREE, None, 0.80),
    ("2b", VALIDATED, None, 0.80),
]
