"""The scaling law of students: by hand, and found again where it made the losses."""

import itertools

import numpy as np
import pytest

from experiments.teacher_choice import scaling_law
from experiments.teacher_choice.scaling_law import Cells


def test_parameters_are_counted_layer_by_layer():
    """784·8 + 8, 8·8 + 8, 8·10 + 10."""
    assert scaling_law.count_of(8) == 6272 + 8 + 64 + 8 + 80 + 10


def test_the_law_of_a_teacher_by_hand():
    """c₀ = f₁ = γ = α = β = 1, c₁ = 2, d₁ = 0.5, A = 3, B = 5."""
    cell = Cells(*np.array([[0.0], [6.0], [10.0], [0.2], [0.4], [0.0]]))
    theta = np.log([1, 2, 0.5, 1, 3, 1, 5, 1, 1])
    # L_T/(L~_S d₁) = 1: 0.2 + 5 · (1 + 1)^(−2) · (3/6 + 5/10)
    np.testing.assert_allclose(scaling_law.of_teachers(cell, theta), [0.2 + 5 / 4])
    # E = 0.1, A = 3, α = 1, B = 5, β = 2, γ = 1: 0.1 + 3/6 + 5/100
    sizes = np.log([0.1, 3, 1, 5, 2, 1])
    np.testing.assert_allclose(scaling_law.of_sizes(cell, sizes), [0.1 + 0.5 + 0.05])


def grid(loss):
    """Cells of five widths, four amounts and three teachers, whose loss is made of the others."""
    places = itertools.product(range(5), range(4), (0.05, 0.08, 0.12))
    rows = [
        (0, 100.0 * 2**w, 1000.0 * 4**d, teacher, 0.2 + 1 / (1 + w) + 1 / (1 + d), (w + d) % 4)
        for w, d, teacher in places
    ]
    cells = Cells(*np.array(rows, float).T)
    return cells._replace(loss=loss(cells))


def test_held_out_losses_of_the_law_are_predicted():
    def made(cells):
        n, d = cells.parameters / 400, cells.images / 8000
        gap = cells.teacher**-0.3 * (1 + cells.teacher / cells.labels / 0.5) ** -0.5
        return cells.teacher + 0.3 * gap * (1 / n**0.6 + 0.5 / d**0.4)

    cells = grid(made)
    law, count = scaling_law.LAWS["width, images and the teacher's loss"]
    assert scaling_law.determination(law, count, cells) > 0.99


@pytest.mark.parametrize("spread", [0.0, 10.0])
def test_what_a_law_knows_nothing_of_it_does_not_predict(spread):
    """The law of sizes misses what the teacher adds to logarithms, the same in every cell."""

    def made(cells):
        shift = np.exp(spread * (cells.teacher - cells.teacher.mean()))
        return shift * (0.1 + 30 / cells.parameters + (100 / cells.images) ** 0.5)

    law, count = scaling_law.LAWS["width and images"]
    cells = grid(made)
    most = 1 - np.var(spread * cells.teacher) / np.var(np.log(cells.loss))
    assert most - 0.02 < scaling_law.determination(law, count, cells) <= most + 1e-6


def test_cells_are_means_over_students_of_every_width_amount_and_teacher():
    def students(row, width, amount, *losses):
        known = {"row": row, "width": width, "amount": amount}
        return [{**known, "test_nll": x} for x in losses]

    records = [
        *students("teacher of 600 units", 0, 0, 0.07),
        *students("labels only", 8, 1000, 0.5, 0.7),
        *students("soft targets of 600 units", 8, 1000, 0.3, 0.5),
        *students("labels only", 4, 2000, 0.9),
        *students("soft targets of 600 units", 4, 2000, 0.8),
    ]
    found = scaling_law.cells_of(records, "labels only")
    np.testing.assert_allclose(found.loss, [0.4, 0.8])
    np.testing.assert_allclose(found.labels, [0.6, 0.9])
    assert found.teacher.tolist() == [0.07, 0.07] and found.images.tolist() == [1000, 2000]
    assert found.parameters.tolist() == [scaling_law.count_of(8), scaling_law.count_of(4)]
    assert found.fold.tolist() == [1, 1]
