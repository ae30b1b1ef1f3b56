"""MarginMSE and the listwise divergence are their formulas, and sentence-transformers' numbers.

The golden ones came out of MarginMSELoss and DistillKLDivLoss of sentence-transformers 6.2.0 in
float64: their value, and its gradient by the student's scores.
"""

import jax
import numpy as np
import pytest
from scipy import special

from kd_jax import losses

from .quick import Compiled, quick_jit

STUDENT = [
    [-0.9037270708714481, -1.2615990707770581, 2.1407522641550942, -0.8374548558462203],
    [-1.2180573216130792, -0.13733259527144065, 1.3527149035223303, -1.1890336440098856],
]
TEACHER = [
    [1.0699953144983494, -3.4275550134757893, -2.9037292168005595, 1.8740666852015084],
    [3.906350502912094, 0.21582168225059545, -3.7908864085244476, -2.243937029708915],
]
MARGINS = (
    38.8862048057704,
    [
        [-3.473361012905349, 1.3798927760228428, 2.33940128877515, -0.24593305189264372],
        [-7.072857964599763, 1.5904178490010454, 3.4226697121906504, 2.0597704034080673],
    ],
)
LISTS = {
    1.0: (2.584242870480426, [
        [-0.13212222882117305, 0.013003195744571884, 0.4388942674077364, -0.3197752343311352],
        [-0.45889885610033315, 0.06947448313316748, 0.36194907301370016, 0.02747529995346554],
    ]),
    2.0: (4.450209140466679, [
        [-0.23110812501293557, 0.07365217555592957, 0.5648144651223451, -0.40735851566533915],
        [-0.6799054332806904, 0.10472433904592476, 0.47477310751738905, 0.10040798671737669],
    ]),
}  # fmt: skip


def graded(loss):
    value = quick_jit(jax.value_and_grad(lambda s: loss(s, np.array(TEACHER)).mean()))
    return value(np.array(STUDENT))


def test_margins_are_those_of_sentence_transformers():
    with jax.enable_x64(True):
        value, slope = graded(losses.margin_mse)
    np.testing.assert_allclose(value, MARGINS[0], rtol=1e-12)
    np.testing.assert_allclose(slope, MARGINS[1], rtol=1e-12)


@pytest.mark.parametrize("temperature", LISTS)
def test_lists_are_those_of_sentence_transformers(temperature):
    with jax.enable_x64(True):
        value, slope = graded(
            lambda s, t: temperature**2 * losses.forward_kl(s, t, temperature=temperature)
        )
    np.testing.assert_allclose(value, LISTS[temperature][0], rtol=1e-12)
    np.testing.assert_allclose(slope, LISTS[temperature][1], rtol=1e-12)


def test_a_margin_has_a_sign_and_absent_passages_have_no_part():
    """By hand: margins 2 − 1 and 2 − 5 of the student, 3 and −1 of the teacher."""
    none = -np.inf
    student = np.array([[2.0, 1, 5, 7], [2, 1, 5, 7], [2, 1, 5, 7], [2, 1, 5, 7]], np.float32)
    teacher = np.array([[4, 1, 5, none], [4, none, 5, none], [4, *[none] * 3], [none, 1, 5, 7]])
    teacher = teacher.astype(np.float32)
    found, slopes = (
        Compiled().margin_mse(student, teacher),
        quick_jit(jax.grad(lambda s: losses.margin_mse(s, teacher).sum()))(student),
    )
    np.testing.assert_allclose(found, [((1 - 3) ** 2 + (-3 + 1) ** 2) / 2, 4, 0, 0])
    np.testing.assert_allclose(slopes[:2], [[-4, 2, 2, 0], [-4, 0, 4, 0]])
    assert not np.any(slopes[2:])


def test_a_list_is_as_long_as_its_passages():
    student, teacher = np.float32(STUDENT), np.float32(TEACHER)
    shorter = np.arange(4) < 3
    found = Compiled().forward_kl(*(np.where(shorter, x, -np.inf) for x in (student, teacher)))
    p, q = (special.softmax(np.float64(x)[:, :3], -1) for x in (TEACHER, STUDENT))
    np.testing.assert_allclose(found, np.sum(special.rel_entr(p, q), -1), rtol=1e-5)


def test_one_passage_has_no_margin():
    with pytest.raises(ValueError, match="2 or more"):
        losses.margin_mse(np.zeros((3, 1)), np.zeros((3, 1)))
