"""The rows of the quickstart's table."""

TEACHER, LABELS, SMOOTHED = "teacher", "labels only", "label smoothing"
SOFT, MIXED, PERMUTED = "soft targets", "soft targets + labels", "permuted teacher"
