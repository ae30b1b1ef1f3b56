"""Figures of the choice of a teacher, one for each part that has a curve or many rows."""

import pathlib
from collections.abc import Callable

import numpy as np

from experiments.teacher_choice import rows as named
from kd_jax.metrics import means
from kd_jax.report import by_column, differences, figures, grouped, marks, roles

Records = list[grouped.Record]


def size(path: pathlib.Path, records: Records) -> None:
    """Test errors of the students of each teacher."""
    values = {
        row: differences.teacher_means(of_row, "test_errors")
        for row, of_row in grouped.by_row(records).items()
    }
    caption = f"Test errors of small students by what taught them. {marks.DOTS}"
    about: figures.Look = {"caption": caption, "table": named.TITLES[named.SIZE]}
    with figures.figure(path, size=(7, 0.3 * len(values) + 1), **about) as axes:
        marks.dots(axes, values)
        axes.set_xlabel("test errors")


def smoothing(path: pathlib.Path, records: Records) -> None:
    """Errors of the students of both teachers by temperature."""
    families = dict.fromkeys(r["family"] for r in records if "temperatures" in r)
    caption = (
        f"Test errors by temperature, against {named.LABELS}, of students of a teacher of labels "
        "and of one of smoothed labels: below zero a student errs less. Points are means, whiskers "
        "95 % intervals of the paired difference."
    )
    about: figures.Look = {"caption": caption, "table": named.TITLES[named.SMOOTHING]}
    students = [r for r in records if "family" in r]
    with figures.figure(path, size=(6.0, 3.6), **about) as axes:
        by_column.by_temperature(axes, students, named.LABELS, [*families])
        axes.set_ylabel(f"test errors, minus those of {named.LABELS}")
        figures.legend(axes)


def transfer_set(path: pathlib.Path, records: Records) -> None:
    """Agreement with the teacher by the size of the transfer set."""
    taught = [r for r in records if r["size"]]
    caption = (
        "Agreement of students with their teacher on the test, by the size of the transfer set. "
        "Points are means, whiskers 95 % intervals."
    )
    about: figures.Look = {"caption": caption, "table": named.AGREEMENT}
    with figures.figure(path, size=(6.0, 3.6), **about) as axes:
        by_column.curves(axes, taught, "size", "agreement", [*grouped.by_row(taught)])
        axes.set(xlabel="images in the transfer set", ylabel="agreement with the teacher, %")
        figures.legend(axes)


def few_labels(path: pathlib.Path, records: Records) -> None:
    """Accuracy on the few images and on the test, epoch by epoch."""
    curved = [r for r in records if "test_curve" in r and r["row"] != named.STOPPED]
    rows = grouped.by_row(curved)
    caption = (
        "Accuracy on the few training images and on the test after each epoch. Lines are means "
        "over all students, bands one standard deviation; no epoch was chosen on the test."
    )
    about: figures.Look = {"caption": caption, "table": named.TITLES[named.FEW_LABELS]}
    with figures.figure(path, 1, 2, (8, 3.5), **about) as axes:
        for cell, split, title in zip(axes, ("train", "test"), ("few training", "test")):
            for row, role in roles.styles(rows).items():
                values = 100 * np.array([r[f"{split}_curve"] for r in rows[row]]).T
                marks.band(cell, range(1, 1 + len(values)), values, row, role, means.PERCENT)
            cell.set(xlabel="epoch", title=f"{title} images")
        axes[0].set_ylabel("accuracy, %")
        figures.legend(axes[0])


def patience(path: pathlib.Path, records: Records) -> None:
    """Accuracy by the length of the training."""
    taught = [grouped.in_percent(r) for r in records if r["epochs"]]
    caption = (
        "Test accuracy by the length of the training. Points are means, whiskers 95 % intervals."
    )
    about: figures.Look = {"caption": caption, "table": named.TITLES[named.PATIENCE]}
    with figures.figure(path, size=(7.0, 4.0), **about) as axes:
        by_column.curves(axes, taught, "epochs", "test_accuracy", named.PATIENT)
        axes.set(xlabel="epochs", ylabel="test accuracy, %")
        figures.legend(axes)


DRAWN: dict[str, Callable[[pathlib.Path, Records], None]] = {
    named.SIZE: size,
    named.SMOOTHING: smoothing,
    named.TRANSFER_SET: transfer_set,
    named.FEW_LABELS: few_labels,
    named.PATIENCE: patience,
}
