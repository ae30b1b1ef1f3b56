"""Pairs of the comparison, and the rows of its tables that others are compared with."""

PAIRS = ("digits", "mnist", "fashion", "cifar100", "cifar100x4")
TEACHER, LABELS, KD = "teacher", "labels only", "soft targets (KD)"
ASSISTANT = "assistant itself"  # a larger network: shown, but no student
