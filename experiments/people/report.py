"""The table of the people demo: printed accuracies beside ours, and paired differences."""

from kd_jax.report import tables
from kd_jax.storage import jsonl

TEACHER, LABELS, DISTILLED = "teacher", "student on labels", "student distilled"
TUNED_RAW, TUNED = "tuned, NLL of raw outputs", "tuned, NLL of log-softmax"
PUBLISHED = {TEACHER: (0.8350, 0.6750), DISTILLED: (0.7850, 0.6500), TUNED_RAW: (0.8500, 0.6750)}


def table(folder):
    """The Markdown of a run folder: accuracies beside the printed ones, and paired differences."""
    records, text = jsonl.records(folder), []
    for split, size in (("train", 200), ("test", 40)):
        metric = f"{split}_accuracy"
        against_labels = tables.compare(records, metric, LABELS, lower_is_better=False)
        against_teacher = tables.compare(records, metric, TEACHER, lower_is_better=False)
        header = [
            f"row, {size} {split} rows", "printed", "accuracy", "minus student on labels [95 %]",
            "verdict", "minus teacher [95 %]", "verdict",
        ]  # fmt: skip
        rows = []
        for one, other in zip(against_labels, against_teacher):
            printed = PUBLISHED.get(one.row)
            rows.append([
                one.row,
                f"{printed[split == 'test']:.4f}" if printed else "–",
                tables.spread(one, 4),
                tables.difference(one, 4),
                tables.verdict(one),
                tables.difference(other, 4),
                tables.verdict(other),
            ])  # fmt: skip
        text.append(tables.markdown(header, rows))
    return "\n".join(text)
