"""Rows of McCaffrey's teacher-student demo and their published accuracies."""

TEACHER, LABELS, DISTILLED = "teacher", "labels only", "distilled"
TUNED_RAW, TUNED = "fine-tuned, NLL of raw outputs", "fine-tuned, NLL of log-softmax"
# {row: accuracy on the training and on the test rows}
PAPER = {TEACHER: (0.8350, 0.6750), DISTILLED: (0.7850, 0.6500), TUNED_RAW: (0.8500, 0.6750)}
