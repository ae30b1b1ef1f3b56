"""Bad inputs of losses: a ValueError when known while tracing, never NaN at run time."""

import jax
import numpy as np
import pytest

from kd_jax import losses

from .contract import BATCH, CLASSES, ROWS
from .harness import (
    assert_finite,
    assert_near,
    call,
    compiled,
    graded,
    having,
    joined,
    normal,
    parted,
)
from .quick import quick_jit


def trace(name, arrays, **keywords):
    """Calls under a trace, as inside jit: nothing runs."""
    return jax.eval_shape(lambda x: call(name, x, **keywords), arrays)


def arrays_of(name):
    return ROWS[name].make(normal(20))


@having(lambda row: row.result != "array" or len(row.teacher) > 1)
@pytest.mark.parametrize("traced", [True, False])
def test_another_batch_size_raises_with_both_shapes(name, traced):
    arrays = arrays_of(name)
    arrays[1] = arrays[1][:-1]
    with pytest.raises(ValueError, match=r"\(\d+,.*\).*\(\d+,.*\)"):
        trace(name, arrays) if traced else call(name, arrays)


@having(lambda row: row.equal_width and row.result != "array" and len(row.teacher) == 1)
def test_another_width_raises_with_both_shapes(name):
    arrays = arrays_of(name)
    arrays[1] = arrays[1][..., :-1]
    with pytest.raises(ValueError) as error:
        trace(name, arrays)
    assert str(arrays[0].shape) in str(error.value) and str(arrays[1].shape) in str(error.value)


@having(lambda row: row.shared or row.result == "array")
def test_other_arrays_that_do_not_fit_raise(name):
    arrays = arrays_of(name)
    for i in range(1, len(arrays)):
        changed = [x[..., :-1] if i == j else x for j, x in enumerate(arrays)]
        if name.startswith("contrastive") and i == len(arrays) - 1:
            changed[i] = arrays[i][:-1]
        with pytest.raises(ValueError, match=r"\(.*\)"):
            trace(name, changed)


@having(lambda row: row.result != "array" or row.bad)
def test_an_empty_batch_raises(name):
    shared = ROWS[name].shared
    empty = [x if i in shared else x[:0] for i, x in enumerate(arrays_of(name))]
    with pytest.raises(ValueError, match=r"\(0"):
        trace(name, empty)


@pytest.mark.parametrize(
    "name, keywords", [(name, bad) for name, row in ROWS.items() for bad in row.bad]
)
def test_a_parameter_out_of_range_raises(name, keywords):
    (parameter,) = keywords
    with pytest.raises(ValueError, match=f"{parameter[0]}.* is .*expected"):
        trace(name, arrays_of(name), **keywords)


@pytest.mark.parametrize(
    "name, size", [("top_k", "k"), ("attention_transfer", "power"), ("chunked", "chunk")]
)
def test_what_shapes_the_program_cannot_be_traced(name, size):
    with pytest.raises(ValueError, match=size):
        jax.eval_shape(lambda x, n: call(name, x, **{size: n}), arrays_of(name), 2)


@having(lambda row: row.traced)
def test_traced_parameters(name):
    """One out of range counts as 1, or as the nearer end; test_contract has the known ones."""
    arrays, good = arrays_of(name), ROWS[name].numbers
    for parameter, (_, others) in ROWS[name].traced.items():
        fraction = 2.0 in others
        for value in others:
            values, slopes = graded(name)(arrays, numbers={**good, parameter: value})
            assert_finite(values, slopes)
            instead = min(max(value, 0.0), 1.0) if fraction else 1.0
            want, _ = graded(name)(arrays, numbers={**good, parameter: instead})
            assert_near(values, want)


LABELLED = having(lambda row: row.classes and row.make.__name__ in ("labelled", "both"))


@LABELLED
@pytest.mark.parametrize("label", [-100, -1, CLASSES])
def test_labels_out_of_range(name, label):
    *arrays, labels = arrays_of(name)
    wrong = labels.copy()
    wrong[2] = label
    with pytest.raises(ValueError, match="labels run from"):
        call(name, [*arrays, wrong])
    with pytest.raises(ValueError, match="labels run from"):
        # Known while tracing, although the logits are not.
        jax.eval_shape(lambda *logits: call(name, [*logits, wrong]), *arrays)
    values, gradients = compiled(name)([*arrays, wrong])
    assert_finite(values, gradients)
    if name != "label_smoothing":
        assert values[2] == 0 and not np.any(gradients[0][2])


@LABELLED
def test_labels_that_are_not_whole_numbers_raise(name):
    *arrays, labels = arrays_of(name)
    with pytest.raises(ValueError, match="dtype"):
        trace(name, [*arrays, labels.astype(np.float32)])


@pytest.mark.parametrize("name", ["decoupled", "normalized", "teacher_free"])
def test_one_class_raises_where_the_others_are_needed(name):
    *arrays, labels = arrays_of(name)
    with pytest.raises(ValueError, match="2 or more classes"):
        trace(name, [x[:, :1] for x in arrays] + [0 * labels])


@having(lambda row: row.result == "batch")  # test_contract has batches of one of the others
def test_one_example_is_finite(name):
    floats, others = parted([x[:1] for x in arrays_of(name)])
    run = quick_jit(jax.value_and_grad(lambda floats: call(name, joined(floats, others))))
    assert_finite(run(floats))


def test_update_bank_leaves_other_rows_alone():
    bank, rows, new = arrays_of("update_bank")
    with pytest.raises(ValueError, match="indices of the bank.s rows run from 5"):
        losses.update_bank(bank, rows + 5, new)
    traced = quick_jit(losses.update_bank)(bank, np.array([2, -1, 7, 0]), new)
    masked = quick_jit(losses.update_bank)(bank, rows, new, where=np.arange(BATCH) == 1)
    np.testing.assert_array_equal(traced[1:2], bank[1:2])
    np.testing.assert_array_equal(traced[3:], bank[3:])
    np.testing.assert_array_equal(masked[1:], bank[1:])
    np.testing.assert_allclose(np.linalg.norm(masked[0]), 1, rtol=1e-6)


def test_review_pyramid_needs_as_many_levels():
    maps = np.ones((2, 4, 4, 3), np.float32)
    for student, teacher in ([maps], [maps, maps]), ([], []):
        with pytest.raises(ValueError, match="levels"):
            losses.review_pyramid(student, teacher)
