"""A teacher that says nothing, nearly the labels, or less than they do is spoken of beforehand."""

import numpy as np

from kd_jax.distill.driver import teacher_notes

LABELS = np.array([0] * 60 + [1] * 40)
RIGHT = np.eye(2)[LABELS]


def said(logits, labels=LABELS, **options):
    options = {"fresh": "ask of other rows", **options}
    return teacher_notes.notes("teacher t", logits, labels, ["a", "b"], **options)


def test_soft_targets_that_are_nearly_labels():
    (note,) = said(RIGHT)
    assert "100 of 100 training rows (100.0%)" in note and note.endswith("; ask of other rows")
    assert said(RIGHT, fresh=None) == []
    z = RIGHT.copy()
    z[0] = [0, 1]
    assert len(said(z)) == 1  # 99 of 100
    z[60] = [1, 0]
    assert said(z) == []  # 98 of 100


def test_columns_that_may_be_swapped():
    (note,) = said(-RIGHT)
    assert "right on 0 of 100" in note and "class a alone is 60.0%" in note
    assert note.endswith("check that its columns are in the order a, b")
    assert said(-RIGHT, learned_little="train longer")[0].endswith("60.0%: train longer")


def test_a_teacher_that_says_the_same_of_every_row():
    constant = np.array([[0.2, 0.3]] * 100)
    assert "says the same of all 100 training rows" in said(constant)[0]
    shifted = constant + np.arange(100)[:, None] / 4  # logits are known up to a constant of a row
    assert "says the same" in said(shifted)[0]
    assert "says the same" in said(constant, None)[0]
    # what it excludes counts too, and is no number to compute with
    excludes = np.where([True, False], -np.inf, shifted)
    assert "says the same" in said(excludes)[0]
    assert said(np.where(RIGHT > 0, 0, -np.inf), None) == []
    assert said(RIGHT, None) == [] and said(constant[:1], None) == []
