"""The rows of the speech experiment, and the numbers of Hinton, Vinyals and Dean 2015."""

LABELS, SMOOTHED = "labels only", "label smoothing 0.1"
MEMBER, ENSEMBLE, GEOMETRIC = "one member", "ensemble", "ensemble, geometric mean"
MIXED = "soft targets + 0.5 labels"  # a family, over T
BEST_T, ALONE = f"{MIXED}, T=2", "soft targets, T=2"
PSEUDO_LABELS = "labels + pseudo-labels of the ensemble"
OF_GEOMETRIC = f"{MIXED} of the geometric mean, T=2"
PERMUTED = f"{MIXED} of a permuted teacher, T=2"

# section 4: frame accuracy in percent and word error rate in percent
PAPER = {LABELS: ("58.9", "10.9"), ENSEMBLE: ("61.1", "10.7"), BEST_T: ("60.8", "10.7")}
PAPER_RETAINED = "86 %"  # of the ensemble's gain

# section 6: training and test frame accuracy in percent
FEW = "few recordings"  # the part
WHOLE, LAST = "labels, all recordings", "labels, last epoch"
STOPPED, SOFT = "labels, early stopping", "soft targets, T=2, last epoch"
SMOOTHED_LAST, PERMUTED_LAST = "label smoothing 0.1, last epoch", "permuted teacher, last epoch"
PAPER_FEW = {WHOLE: ("63.4", "58.9"), STOPPED: ("67.3", "44.5"), SOFT: ("65.4", "57.0")}
