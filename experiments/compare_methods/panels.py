"""Panels of the comparison of methods: errors, agreement, reliability, likeness of layers."""

import numpy as np

from experiments.compare_methods.rows import KD, LABELS
from kd_jax.report import differences, figures, grouped, marks, roles


def dots(axes, rows, larger):
    """Test errors of every method with their 95 % intervals, the fewest at the top.

    Args: {row: records} of the students, and of the larger networks, which become lines.
    """
    values = {row: differences.teacher_means(found, "test_errors") for row, found in rows.items()}
    order = sorted(values, key=lambda row: np.mean(values[row]))
    marks.dots(axes, {row: values[row] for row in order})
    for (row, found), style in zip(larger.items(), ("--", ":")):
        mean = np.mean([r["test_errors"] for r in found])
        axes.axvline(mean, color=roles.TEACHER.color, ls=style, lw=1, label=row)
    axes.set_xlabel("test errors")
    figures.legend(axes)


def agreement(axes, rows):
    """Accuracy by agreement with the teacher, a mark per method; some are named.

    Those are the best and the worst, labels only, soft targets and the controls.
    """
    metrics = ("test_agreement", "test_accuracy")
    points = {
        row: [100 * np.mean(grouped.values(found, name)) for name in metrics]
        for row, found in rows.items()
    }
    for row, role in roles.looks(rows).items():
        front = 3 if row in (LABELS, KD) else 2
        axes.plot(*points[row], role.marker, color=role.color, ms=5, zorder=front)
    by_accuracy = sorted(rows, key=lambda row: points[row][1])
    controls = [row for row in rows if roles.of(row) == roles.CONTROL]
    shown = {LABELS, KD, *controls, *by_accuracy[:2], *by_accuracy[-2:]}
    named = [row for row in by_accuracy if row in shown]
    lowest, gap = -np.inf, 0.06 * np.ptp([y for _, y in points.values()])
    for row in named:
        lowest = max(points[row][1], lowest + gap)  # right of the axes, one above the other
        leader = {"arrowstyle": "-", "color": figures.GREY, "lw": 0.6}
        look = {"va": "center", "fontsize": 8, "arrowprops": leader, "annotation_clip": False}
        beside = axes.get_yaxis_transform()  # x: a fraction of the axes' width
        axes.annotate(row, points[row], (1.02, lowest), textcoords=beside, **look)
    axes.set(xlabel="agreement with the teacher, %", ylabel="test accuracy, %")


def reliability(axes, rows):
    """Reliability diagram: accuracy by confidence; the diagonal is a calibrated network."""
    axes.plot([0, 100], [0, 100], color=figures.GREY, lw=1, ls=":")
    for row, role in roles.looks(rows).items():
        count, right, sure = (
            np.array(grouped.values(rows[row], f"bin_{name}"))
            for name in ("count", "accuracy", "confidence")
        )
        total = count.sum(0)
        filled = total >= 10  # of fewer examples the fraction says nothing
        x, y = (100 * (count * v).sum(0)[filled] / total[filled] for v in (sure, right))
        marks.line(axes, x, y, row, role)
    axes.set(xlabel="confidence, %", ylabel="accuracy, %")
    figures.legend(axes)


def alignment(axes, row, records, layers):
    """A heat map of linear CKA: the teacher's layers against the student's, mean over seeds."""
    found = np.mean([r["cka"] for r in records], axis=0)
    image = axes.imshow(found, cmap="viridis", vmin=0, vmax=1, origin="lower")
    for (y, x), value in np.ndenumerate(found):
        color = "black" if value > 0.6 else "white"
        axes.text(x, y, f"{value:.2f}", ha="center", va="center", color=color, fontsize=8)
    student = [*layers[: found.shape[1] - 1], "logits"]
    axes.set_xticks(range(found.shape[1]), student, fontsize=8)
    axes.set_yticks(range(found.shape[0]), layers, fontsize=8)
    axes.set(title=row, xlabel="student", ylabel="teacher")
    axes.grid(False)
    axes.figure.colorbar(image, ax=axes, label="CKA")
