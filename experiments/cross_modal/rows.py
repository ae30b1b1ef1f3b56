"""Rows and parts of the tables of cross-modal distillation, and sizes that settings must fit."""

CLASSES = 10
RECORDINGS = 2000  # of four speakers, which a student of audio is shown
AUDIO, IMAGES = (
    "audio classification, held-out speakers", "image classification, smaller convnet",
)  # fmt: skip
PARTS = (AUDIO, IMAGES)
TEACHER, LABELS = "teacher", "labels only"
SOFT, SOFTER = "soft targets, T=1", "soft targets, T=4"
PERMUTED = "permuted teacher, T=4"
HINT, ATTENTION = "hint (FitNet)", "attention transfer (AT)"
ROWS = (TEACHER, LABELS, SOFT, SOFTER, PERMUTED, HINT, ATTENTION)
