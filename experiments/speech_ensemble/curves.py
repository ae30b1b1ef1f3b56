"""Curves of the speech experiment: accuracy by temperature, and epoch by epoch."""

import numpy as np

from experiments.speech_ensemble import rows as named
from kd_jax.metrics import means
from kd_jax.report import differences, figures, grouped, marks, roles


def by_temperature(axes, records: list[dict], mixed: str) -> None:
    """Test accuracy against T of a family, with the levels of labels only and the ensemble."""
    rows = grouped.by_row(records)
    of = {r["temperature"]: rows[r["row"]] for r in records if r.get("family") == mixed}
    values = [differences.teacher_means(of[t], "test_accuracy") for t in sorted(of)]
    marks.band(axes, sorted(of), values, mixed, roles.MIXED, means.PERCENT)
    for row, role in ((named.LABELS, roles.LABELS), (named.ENSEMBLE, roles.TEACHER)):
        marks.level(axes, differences.teacher_means(rows[row], "test_accuracy"), row, role)
    figures.temperature_axis(axes, sorted(of))
    axes.set_ylabel("test frame accuracy, %")
    figures.legend(axes)


def by_epoch(axes, rows: dict, soft: str) -> None:
    """Training and test accuracy epoch by epoch, on labels and on soft targets."""
    for row, role in ((named.LAST, roles.LABELS), (soft, roles.SOFT)):
        for split in ("train", "test"):
            found = 100 * np.mean([r[f"{split}_curve"] for r in rows[row]], axis=0)
            inside = role.color if split == "test" else "none"
            look = {"marker": role.marker, "ms": 4, "mfc": inside, "markevery": 5}
            dash, name = role.dash if split == "test" else "--", f"{row.split(',')[0]}, {split}"
            axes.plot(range(1, len(found) + 1), found, dash, color=role.color, label=name, **look)
    axes.set(xlabel="epoch", ylabel="frame accuracy, %")
    figures.legend(axes)
