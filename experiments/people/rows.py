"""Rows of McCaffrey's teacher-student demo and their published accuracies."""

TEACHER, LABELS, DISTILLED = "teacher", "labels only", "distilled"
TUNED_RAW, TUNED = "fine-tuned, NLL of raw outputs", "fine-tuned, NLL of log-softmax"
OF_DEMO = TEACHER, LABELS, DISTILLED, TUNED_RAW, TUNED  # beside the baseline that it lacks
ON_MISTAKES = "its mistakes"  # of the student
ON_ALL, ON_RANDOM = "all rows", "random rows"  # in their place
OF_WIDTHS = LABELS, DISTILLED, TUNED_RAW  # trained with other widths too
TUNED_ON = "Fine-tuned on its mistakes, or on others in as many steps"  # title of a table
WIDTHS = "Students of other widths"  # likewise
# {row: accuracy on the training and on the test rows}
PAPER = {TEACHER: (0.8350, 0.6750), DISTILLED: (0.7850, 0.6500), TUNED_RAW: (0.8500, 0.6750)}


def tuned_on(row: str, rows: str) -> str:
    """The row of students fine-tuned in the same way on other rows."""
    return f"{row}, {rows}"


def of_width(row: str, units: int) -> str:
    """The row of students of so many hidden units, where widths are compared."""
    return f"{row}, {units} unit{'s' * (units != 1)}"
