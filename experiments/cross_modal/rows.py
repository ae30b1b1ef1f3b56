"""Rows and parts of the tables of cross-modal distillation, and sizes that settings must fit."""

CLASSES = 10
RECORDINGS = 2000  # of four speakers, which a student of audio is shown
AUDIO, IMAGES = (
    "audio classification, held-out speakers", "image classification, smaller convnet",
)  # fmt: skip
PARTS = (AUDIO, IMAGES)
TEACHER, LABELS, SOFT = "teacher", "labels only", "soft targets, T=1"
HINT, ATTENTION = "hint (FitNet)", "attention transfer (AT)"
BY_ARM = "validation_errors_by_arm"  # of a record whose seed has chosen by itself


def softer_row(temperature: float) -> str:
    """The row of soft targets at the higher temperature."""
    return f"soft targets, T={temperature:g}"


def permuted_row(temperature: float) -> str:
    """The row of the permuted teacher, at the same temperature."""
    return f"permuted teacher, T={temperature:g}"


def ordered(temperature: float) -> tuple[str, ...]:
    """All rows, as tables show them."""
    of_logits = SOFT, softer_row(temperature), permuted_row(temperature)
    return TEACHER, LABELS, *of_logits, HINT, ATTENTION
