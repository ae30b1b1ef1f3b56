"""Fits of the losses of students by their size, their images and their teacher's loss."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

STARTS = (-1.0, 0.0)  # logarithms that all parameters of a fit begin at
BOUNDS = -8.0, 2.5  # of a parameter's logarithm: of N and D in their means all are of order 1


class Cells(NamedTuple):
    """Students' test losses in nats, a number of each for every width, amount and teacher.

    loss: L_S. parameters: N. images: D. teacher: L_T. labels: L~_S, of students of labels alone.
    fold: of four; those of one width and amount have the same.
    """

    loss: np.ndarray
    parameters: np.ndarray
    images: np.ndarray
    teacher: np.ndarray
    labels: np.ndarray
    fold: np.ndarray

    def where(self, chosen: np.ndarray) -> "Cells":
        """Some of the cells."""
        return Cells(*(x[chosen] for x in self))


def of_sizes(cells: Cells, theta: Float[np.ndarray, " 6"]) -> Float[np.ndarray, " n"]:
    """E + (A/N^α + B/D^β)^γ: a law that knows nothing of the teacher.

    Source: Hoffmann et al. 2022, arXiv 2203.15556, equation 2, where γ = 1.
    """
    e, a, alpha, b, beta, gamma = np.exp(theta)
    return e + _capacity(cells, a, alpha, b, beta, gamma)


def of_teachers(cells: Cells, theta: Float[np.ndarray, " 9"]) -> Float[np.ndarray, " n"]:
    """L_T + L_T^(−c₀) (1 + (L_T/(L~_S d₁))^(1/f₁))^(−c₁f₁) (A/N^α + B/D^β)^γ.

    Source: Busbridge et al. 2025, arXiv 2502.08606, equation 8.
    """
    c0, c1, d1, f1, *rest = np.exp(theta)
    ratio = np.log(cells.teacher / (cells.labels * d1)) / f1
    of_gap = np.exp(-c0 * np.log(cells.teacher) - c1 * f1 * np.logaddexp(0, ratio))
    return cells.teacher + of_gap * _capacity(cells, *rest)


LAWS: dict[str, tuple[Callable, int]] = {  # {name: (the law, how many parameters it has)}
    "width and images": (of_sizes, 6),
    "width, images and the teacher's loss": (of_teachers, 9),
}


def _capacity(cells, a, alpha, b, beta, gamma):
    return (a / cells.parameters**alpha + b / cells.images**beta) ** gamma


def fitted(law: Callable, count: int, cells: Cells) -> Float[np.ndarray, " p"]:
    """The logarithms of a law's parameters, by least squares of the logarithms of losses.

    Args:
        law: Of LAWS.
        count: Of its parameters.
        cells: That are fitted.
    """
    from scipy import optimize  # here, as its import takes a second

    def residuals(theta):
        return np.log(law(cells, theta)) - np.log(cells.loss)

    found = [
        optimize.least_squares(residuals, np.full(count, start), bounds=BOUNDS, max_nfev=200)
        for start in STARTS
    ]
    return min(found, key=lambda x: x.cost).x


def determination(law: Callable, count: int, cells: Cells) -> float:
    """R² of held-out cells: of the logarithms of losses, fold by fold predicted from the others.

    Args:
        law: As for `fitted`.
        count: Likewise.
        cells: All of them; N and D are counted in their geometric means.
    """
    cells = cells._replace(
        parameters=cells.parameters / np.exp(np.log(cells.parameters).mean()),
        images=cells.images / np.exp(np.log(cells.images).mean()),
    )
    missed = np.zeros(len(cells.loss))
    for fold in np.unique(cells.fold):
        out = cells.fold == fold
        held, rest = cells.where(out), cells.where(~out)
        predicted = law(held, fitted(law, count, rest))
        missed[out] = np.log(predicted) - np.log(held.loss)
    logarithms = np.log(cells.loss)
    return float(1 - np.sum(missed**2) / np.sum((logarithms - logarithms.mean()) ** 2))


def count_of(width: int, pixels: int = 784, classes: int = 10) -> int:
    """The parameters of a network pixels-width-width-classes."""
    return (pixels + 1) * width + (width + 1) * width + (width + 1) * classes


def cells_of(records: Sequence[dict], baseline: str) -> Cells:
    """The Cells of one teacher's seed; seeds of students are averaged.

    Args:
        records: Of the part, of that teacher's seed.
        baseline: The row of labels alone.
    """
    taught = [r for r in records if r["width"]]
    of_teacher = {
        r["row"].removeprefix("teacher"): r["test_nll"] for r in records if not r["width"]
    }
    losses: dict[tuple, list] = {}
    for r in taught:
        losses.setdefault((r["width"], r["amount"], r["row"]), []).append(r["test_nll"])
    widths, amounts = (sorted({r[name] for r in taught}) for name in ("width", "amount"))
    rows = [
        (
            np.mean(found), count_of(width), amount, of_teacher[row.removeprefix("soft targets")],
            np.mean(losses[width, amount, baseline]),
            (widths.index(width) + amounts.index(amount)) % 4,
        )
        for (width, amount, row), found in losses.items()
        if row != baseline
    ]  # fmt: skip
    return Cells(*np.array(rows, float).T)
