"""The rows of the quickstart's table."""

TEACHER, LABELS, SMOOTHED = "teacher", "labels only", "label smoothing 0.1"
SOFT, MIXED, PERMUTED = "soft targets", "soft targets + labels", "permuted teacher"
