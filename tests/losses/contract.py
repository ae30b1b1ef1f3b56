"""The table of losses that test_contract checks: inputs and promises of each public name.

A row gives arrays for 4 examples; the tests in test_contract change them. Scales and
degenerate rows come from hypothesis, by way of `draw`.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import special

BATCH, CLASSES, ROWS_OF_BANK = 4, 5, 7


def _same(arrays):
    """The arrays with the teacher's in place of the student's, where the loss should be 0."""
    arrays = list(arrays)
    arrays[: len(arrays) // 2] = arrays[len(arrays) // 2 :]
    return arrays, 0.0


@dataclasses.dataclass(frozen=True)
class Row:
    """What one function takes and promises."""

    make: Callable  # draw -> arrays, in the order of the call
    teacher: tuple = (1,)  # the arrays that get no gradient
    keywords: dict = dataclasses.field(default_factory=dict)
    result: str = "example"  # or "batch": one number; or "array": no loss
    shared: tuple = ()  # the arrays without a batch axis
    best: Callable | None = _same  # arrays -> (arrays at the minimum, the minimum)
    smooth: bool = True  # the gradient is 0 at the minimum; a norm has a kink there
    tokens: bool = False  # more leading axes are kept
    classes: tuple = ()  # the arrays whose last axis may be permuted together
    shift: tuple = ()  # the arrays to which a constant per row may be added
    ordered: bool = False  # the order of the batch matters
    equal_width: bool = True  # student and teacher must agree in the last axis
    bad: tuple = ()  # keywords that raise
    traced: dict = dataclasses.field(default_factory=dict)  # keyword: (good, bad) run-time values
    where: bool = True

    @property
    def numbers(self):
        """The good run-time values; the keywords, or the defaults, hold the same numbers."""
        return {parameter: known for parameter, (known, _) in self.traced.items()}


def logits(draw):
    return [draw(BATCH, CLASSES), draw(BATCH, CLASSES)]


def labelled(draw):
    return [draw(BATCH, CLASSES), np.array([0, 2, 4, 1])]


def both(draw):
    return logits(draw) + [np.array([0, 2, 4, 1])]


def maps(draw):
    return [draw(BATCH, 3, 3, 2), draw(BATCH, 3, 3, 2)]


def vectors(draw):
    return [draw(BATCH, 6), draw(BATCH, 6)]


def _one_hot(labels):
    return np.eye(CLASSES)[labels]


def _sure(arrays):
    return [1e4 * _one_hot(arrays[1]), arrays[1]], 0.0


def _smoothed(arrays):
    target = 0.9 * _one_hot(arrays[1]) + 0.1 / CLASSES
    return [np.log(target), arrays[1]], -np.sum(target * np.log(target), -1)


def _virtual(arrays):
    target = _one_hot(arrays[1])
    return [(0.99 * target + 0.01 / (CLASSES - 1) * (1 - target)) / 20, arrays[1]], 0.0


def _cached(draw):
    student, teacher = logits(draw)
    tokens = np.argsort(-teacher, -1, kind="stable")[:, :2]
    log_p = special.log_softmax(np.float64(teacher), -1)
    return [student, np.take_along_axis(log_p, tokens, -1).astype(np.float32), tokens]


def _as_cached(arrays):
    """The student's three other tokens share what the cached two leave."""
    _, log_p, tokens = arrays
    left = np.log((1 - np.exp(log_p).sum(-1, keepdims=True)) / (CLASSES - 2))
    student = np.repeat(left, CLASSES, -1)
    np.put_along_axis(student, tokens, log_p, -1)
    return [student, log_p, tokens], 0.0


def _states(draw):
    return [draw(BATCH, 3), draw(3, CLASSES), draw(BATCH, 6), draw(6, CLASSES)]


def _read_alike(arrays):
    return [*arrays[2:], *arrays[2:]], 0.0


def _labelled_same(arrays):
    return [arrays[1], arrays[1], arrays[2]], 0.0


def _sure_then_same(arrays):
    """Sure of the label and the teacher's otherwise: 1.5 times the entropy of its other classes."""
    _, teacher, labels = arrays
    others = np.array([np.delete(row, y) for row, y in zip(teacher, labels)], np.float64)
    log_p = others - np.log(np.sum(np.exp(others), -1, keepdims=True))
    student = teacher + 200 * _one_hot(labels)
    return [student, teacher, labels], -1.5 * np.sum(np.exp(log_p) * log_p, -1)


def _right_side(arrays):
    teacher = arrays[1]
    return [np.where(teacher > 0, 1, -1) * (1.5 + np.abs(teacher)), teacher], 0.0


def _gaussian(arrays):
    variance = np.log1p(np.exp(arrays[2].astype(np.float64))) + 1e-5
    return [arrays[1], *arrays[1:]], np.mean(0.5 * np.log(variance))


def _levels(draw):
    return [draw(BATCH, 5, 5, 2), draw(BATCH, 5, 5, 2)]


def _banks(draw):
    def unit(*shape):
        x = draw(*shape).astype(np.float64) + 1e-3 * np.arange(1, shape[-1] + 1)
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    indices = np.array([[0, 3, 5], [1, 6, 6], [2, 0, 4], [3, 5, 1]])
    shapes = (BATCH, 3), (BATCH, 3), (ROWS_OF_BANK, 3), (ROWS_OF_BANK, 3)
    return [unit(*shape) for shape in shapes] + [indices]


def _updates(draw):
    return [draw(ROWS_OF_BANK, 3), np.array([4, 0, 6, 2]), draw(BATCH, 3)]


HOT = ({"temperature": 0.0}, {"temperature": -1.0}, {"temperature": np.inf})
TEMPERATURE = {"temperature": (2.0, (0.0, -1.0, np.nan, 1e20, 1e-20))}
PLAIN = dict(make=logits, tokens=True, classes=(0, 1), shift=(0, 1))
TEMPERED = dict(PLAIN, keywords={"temperature": 2.0}, bad=HOT, traced=TEMPERATURE)
WITH_LABELS = dict(TEMPERED, make=both, best=_labelled_same)
ONLY_LABELS = dict(make=labelled, teacher=(), tokens=True, classes=(0,), shift=(0,))


def _fractions(name):
    return ({name: -0.1}, {name: 1.1}, {name: np.nan})


def _traced_fraction(name, value):
    return {name: (value, (-1.0, 2.0, 0.0, 1.0))}


ROWS = {
    "activation_boundary": Row(maps, best=_right_side, bad=({"margin": 0.0},)),
    "adjacent_correlation": Row(vectors, result="batch", ordered=True),
    "as_logits": Row(
        lambda draw: [special.softmax(draw(BATCH, CLASSES), -1)],
        (0,),
        result="array",
        best=None,
        where=False,
    ),
    "attention_transfer": Row(maps, equal_width=False, bad=({"power": 0}, {"power": 1.5})),
    "attention_transfer_paper": Row(maps, equal_width=False, smooth=False),
    "cached_top_k": Row(_cached, best=_as_cached, equal_width=False, tokens=True, shift=(0,)),
    "chunked": Row(
        _states,
        (2, 3),
        {"chunk": 3, "temperature": 2.0},  # two chunks of two
        shared=(1, 3),
        best=_read_alike,
        tokens=True,
        bad=(*HOT, {"chunk": 0}, {"chunk": 1.5}, {"soft_cap_s": 0.0}, {"soft_cap_t": -1.0}),
        traced=TEMPERATURE,
    ),
    "contrastive": Row(
        _banks,
        (1, 2, 3),
        {"z_student": 900.0, "z_teacher": 1100.0},
        shared=(2, 3),
        best=None,
        bad=(*HOT, {"z_student": 0.0}),
        traced={"temperature": (0.07, (0.0, -1.0)), "z_student": (900.0, (0.0, -1.0))},
    ),
    "contrastive_constants": Row(_banks, (0, 1, 2, 3), result="array", best=None, bad=HOT),
    "correlation_congruence": Row(
        vectors,
        result="batch",
        equal_width=False,
        smooth=False,
        bad=({"gamma": 0.0}, {"order": -1}),
        traced={"gamma": (0.4, (0.0, -1.0))},
    ),
    "cross_entropy": Row(best=_sure, **ONLY_LABELS),
    "decoupled": Row(**WITH_LABELS),
    "dist": Row(**dict(TEMPERED, tokens=False), result="batch"),
    "factor_transfer": Row(maps, smooth=False),
    "flow": Row(lambda draw: maps(draw) + maps(draw), (2, 3)),
    "forward_kl": Row(**TEMPERED),
    "hint": Row(maps),
    "jensen_shannon": Row(
        **dict(
            TEMPERED,
            keywords={"beta": 0.3, "temperature": 2.0},
            bad=(*HOT, *_fractions("beta")),
            traced={**TEMPERATURE, **_traced_fraction("beta", 0.3)},
        )
    ),
    "label_smoothing": Row(
        best=_smoothed,
        bad=_fractions("epsilon"),
        traced=_traced_fraction("epsilon", 0.1),
        **ONLY_LABELS,
    ),
    "logit_matching": Row(**PLAIN),
    "margin_mse": Row(logits, tokens=True, shift=(0, 1)),
    "masked_mean": Row(lambda draw: [draw(BATCH)], (), result="array", best=None),
    "neuron_selectivity": Row(maps, equal_width=False),
    "normalized": Row(
        **dict(
            WITH_LABELS,
            best=_sure_then_same,
            keywords={"temperature": 1.0},
            traced={"temperature": (1.0, (0.0, -1.0, np.nan))},
        )
    ),
    "probabilistic_transfer": Row(vectors, result="batch", equal_width=False),
    "relational_angle": Row(vectors, result="batch", equal_width=False),
    "relational_distance": Row(vectors, result="batch", equal_width=False),
    "reverse_kl": Row(**TEMPERED),
    "review_pyramid": Row(_levels),
    "similarity_preserving": Row(vectors, result="batch", equal_width=False),
    "skew_kl": Row(bad=_fractions("alpha"), traced=_traced_fraction("alpha", 0.1), **PLAIN),
    "skew_reverse_kl": Row(bad=_fractions("alpha"), traced=_traced_fraction("alpha", 0.1), **PLAIN),
    "soft_targets": Row(**TEMPERED),
    "standardize_logits": Row(
        lambda draw: [draw(BATCH, CLASSES)],
        (),
        result="array",
        best=None,
        shift=(0,),
        bad=({"eps": 0.0},),
        where=False,
    ),
    "teacher_free": Row(
        best=_virtual,
        bad=(*HOT, *_fractions("confidence")),
        traced={"temperature": (20.0, (0.0, -1.0)), **_traced_fraction("confidence", 0.99)},
        **ONLY_LABELS,
    ),
    "top_k": Row(
        **dict(
            TEMPERED,
            keywords={"k": 2, "temperature": 2.0},
            bad=(*HOT, {"k": 0}, {"k": CLASSES + 1}, {"k": 1.5}),
        )
    ),
    "total_variation": Row(smooth=False, **PLAIN),
    "universal_logit": Row(equal_width=False, smooth=False, **PLAIN),
    "update_bank": Row(_updates, (0, 2), result="array", best=None, bad=_fractions("momentum")),
    "variational_information": Row(
        lambda draw: maps(draw) + [draw(2)], shared=(2,), best=_gaussian, bad=({"eps": 0.0},)
    ),
}
