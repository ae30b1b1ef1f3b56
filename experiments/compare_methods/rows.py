"""Pairs of the comparison, the rows of its tables, and their short names on the command line."""

PAIRS = ("digits", "mnist", "fashion", "cifar100", "cifar100x4")
TEACHER, LABELS, KD = "teacher", "labels only", "soft targets (KD)"
PSEUDO = "pseudo-labels (hard)"  # the teacher's most probable classes: self-training
ASSISTANT = "assistant itself"  # a larger network: shown, but no student
BORN_AGAIN = "born again, generation 2 (BAN)"
NAMES = {  # of --methods -> row
    "labels": LABELS,
    "kd": KD,
    "pseudo_labels": PSEUDO,
    "label_smoothing": "label smoothing",
    "teacher_free": "teacher-free (virtual teacher)",
    "permuted": "permuted teacher",
    "logit_matching": "logit matching",
    "dkd": "decoupled (DKD)",
    "nkd": "normalized (NKD)",
    "dist": "DIST",
    "standardized": "standardized logits",
    "rkd_distance": "relational, distances (RKD-D)",
    "rkd_angle": "relational, angles (RKD-A)",
    "sp": "similarity preserving (SP)",
    "pkt": "probabilistic (PKT)",
    "hint": "hint (FitNet)",
    "vid": "variational information (VID)",
    "ab": "activation boundary (AB)",
    "cc": "correlation congruence (CC)",
    "adjacent": "adjacent correlation",
    "crd": "contrastive (CRD, in the batch)",
    "dml": "mutual learning (DML)",
    "at": "attention transfer (AT)",
    "at_paper": "attention, paper's form",
    "nst": "neuron selectivity (NST)",
    "fsp": "flow (FSP)",
    "review": "review pyramid (HCL)",
    "ft": "factor transfer (FT)",
    "ban": BORN_AGAIN,
    "takd": ASSISTANT,
}
