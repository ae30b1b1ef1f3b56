"""The rows of the MNIST tutorial's tables, and what was printed of them or is claimed."""

DENSE, CNN, CNN_2D = "dense teacher †", "CNN teacher †", "CNN teacher, 2-D"
LABELS, SMOOTHED = "labels only †", "label smoothing 0.1"
SOFT, KEPT = "soft targets, T=3 †", "soft targets, T=3, validation kept out"
MIXED, MIXED_128 = "soft + labels, T=3 †", "soft + labels, T=3, batch 128"
OF_CNN, OF_CNN_2D = "soft targets of the CNN, T=3 †", "soft targets of the 2-D CNN, T=3"
MISMATCHED, MATCHED = "soft + labels, T=5 on targets at T=3 †", "soft + labels, T=5 on both"
STARTED = {"2a": "soft, biases start at 3.5 †", "2b": "soft, biases start at 1 †"}
PERMUTED, UNIFORM = "permuted teacher, T=3", "uniform wrong classes, T=3"
FREE, VALIDATED = "bias corrected label-free", "bias corrected on validation"

# (part, row): errors of 10,000 as printed (undoing the truncation), loss, threes wrong of 1,010
PRINTED = {
    ("1", DENSE): (168, 0.055869, None),
    ("1", CNN): (97, 0.030441, None),
    ("1", LABELS): (368, 0.153540, None),
    ("1", SOFT): (331, 0.228468, None),
    ("1", MIXED): (324, 0.623445, None),
    ("1", OF_CNN): (340, 0.180581, None),
    ("2a", LABELS): (1328, 1.765457, 1010),
    ("2a", SOFT): (791, 0.325057, 524),
    ("2a", MISMATCHED): (749, 1.620399, 483),
    ("2a", STARTED["2a"]): (707, 0.312172, 443),
    ("2b", LABELS): (8014, 11.931765, None),
    ("2b", SOFT): (3818, 1.075155, None),
    ("2b", MISMATCHED): (3759, 1.291891, None),
    ("2b", STARTED["2b"]): (3698, 1.050957, None),
}
# (part, row, against): which has fewer errors?
COMPARED = [
    ("1", SOFT, LABELS),
    ("1", MIXED, LABELS),
    ("1", SOFT, PERMUTED),
    ("1", SOFT, UNIFORM),
    *(
        (part, row, against)
        for part in ("2a", "2b")
        for row, against in (
            (SOFT, PERMUTED),
            (SOFT, UNIFORM),
            (MATCHED, MISMATCHED),
            (STARTED[part], SOFT),
            (FREE, KEPT),
            (VALIDATED, KEPT),
        )
    ),
]
# (part, row, digit or None for all, accuracy that is to be passed)
LEVELS = [
    ("2a", SOFT, 3, 0.50),
    ("2a", MATCHED, 3, 0.50),
    ("2a", STARTED["2a"], 3, 0.50),
    ("2a", FREE, 3, 0.85),
    ("2a", VALIDATED, 3, 0.85),
    ("2b", SOFT, None, 0.55),
    ("2b", FREE, None, 0.80),
    ("2b", VALIDATED, None, 0.80),
]
