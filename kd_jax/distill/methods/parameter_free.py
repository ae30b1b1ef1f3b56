"""Methods without parameters of their own: labels, logits, and relations within the batch."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from kd_jax import losses
from kd_jax.distill import objective
from kd_jax.distill.methods import terms
from kd_jax.distill.methods.base import Method
from kd_jax.errors import require

LABELS = "labels only"


def labels_only() -> Method:
    """The baseline: cross-entropy of the labels, nothing of a teacher."""
    return Method(LABELS, weights=(0.0,))


def label_smoothing(epsilon: float = 0.1) -> Method:
    """Labels of which a part is spread over all classes; nothing of a teacher.

    Args:
        epsilon: That part.
    """
    return Method("label smoothing", weights=(0.0,), smoothing=epsilon)


def pseudo_labels() -> Method:
    """Cross-entropy of the teacher's most probable classes in place of the labels."""
    return Method("pseudo labels", terms.pseudo_labels, label_weight=0.0)


def soft_targets(
    temperature: float | Iterable[float] = (1.0, 2.0, 4.0, 8.0),
    *,
    label_weight: float = 0.0,
    teacher: str = "teacher",
) -> list[Method]:
    """Distillation proper: T² KL(teacher ‖ student) at each temperature T, perhaps beside labels.

    Args:
        temperature: T, or several, each a row of its own.
        label_weight: Of the cross-entropy of the labels.
        teacher: The name of the one that is learned from.

    Source:
        Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.
    """
    several: Any = temperature if isinstance(temperature, Iterable) else [temperature]
    numbers = [isinstance(t, int | float | np.number) for t in several]
    require(
        all(numbers), f"temperature={temperature!r:.60}: expected a number or several, like (1, 4)"
    )
    family = "soft targets and labels" if label_weight else "soft targets"
    family += "" if teacher == "teacher" else f" of {teacher}"
    return [
        Method(
            f"{family}, T={t:g}", temperature=t, label_weight=label_weight, teacher=teacher,
            family=family,
        )
        for t in several
    ]  # fmt: skip


def teacher_free() -> Method:
    """Labels beside a virtual teacher, which is right with probability 0.99.

    Source: Yuan et al. 2020, arXiv 1909.11723.
    """
    return Method("teacher-free (virtual teacher)", terms.teacher_free)


def logit_matching() -> Method:
    """Labels beside the squared difference of logits. Source: Ba and Caruana, arXiv 1312.6184."""
    return Method("logit matching", terms.logit_matching)


def decoupled(temperature: float | tuple[float, ...] = 4.0) -> Method:
    """Labels beside decoupled distillation (DKD). Source: Zhao et al. 2022, arXiv 2203.08679."""
    return Method("decoupled (DKD)", terms.decoupled, temperature=temperature)


def normalized() -> Method:
    """Labels beside normalized distillation (NKD). Source: Yang et al. 2023, arXiv 2303.13005."""
    return Method("normalized (NKD)", terms.normalized)


def dist(temperature: float | tuple[float, ...] = 4.0) -> Method:
    """Labels beside correlations of rows and classes. Source: Huang et al., arXiv 2205.10536."""
    return Method("DIST", terms.dist, (2.0,), temperature)


def standardized(temperature: float | tuple[float, ...] = 4.0) -> Method:
    """Labels beside soft targets of standardized logits. Source: Sun et al., arXiv 2403.01427."""
    return Method("standardized logits", terms.standardized, (9.0,), temperature)


def relational_distance() -> Method:
    """Labels beside distances between rows (RKD-D). Source: Park et al. 2019, arXiv 1904.05068."""
    return Method("relational, distances (RKD-D)", terms.relational_distance, (25.0,))


def relational_angle() -> Method:
    """Labels beside angles of triples of rows (RKD-A). Source: Park et al., arXiv 1904.05068."""
    return Method("relational, angles (RKD-A)", terms.relational_angle, (50.0,))


def similarity_preserving() -> Method:
    """Labels beside similarities of rows (SP). Source: Tung and Mori 2019, arXiv 1907.09682."""
    return Method("similarity preserving (SP)", terms.similarity_preserving, (3000.0,))


def probabilistic_transfer() -> Method:
    """Labels beside affinities of rows (PKT). Source: Passalis and Tefas, arXiv 1803.10837."""
    return Method("probabilistic (PKT)", terms.probabilistic_transfer, (30_000.0,))


def attention_transfer() -> Method:
    """Labels beside attention maps (AT), in the form of the paper's code.

    Source: Zagoruyko and Komodakis 2017, arXiv 1612.03928.
    """
    return Method("attention transfer (AT)", terms.attention_transfer, (1000.0,))


def attention_transfer_paper() -> Method:
    """`attention_transfer` in the form of the paper's equation 2."""
    return Method("attention, paper's form", terms.attention_transfer_paper, (10.0,))


def neuron_selectivity() -> Method:
    """Labels beside patterns of channels (NST). Source: Huang and Wang, arXiv 1707.01219."""
    return Method("neuron selectivity (NST)", terms.neuron_selectivity, (50.0,))


def without_teacher(smoothing: float = 0.2) -> list[Method]:
    """Methods without a teacher, the baseline first.

    Args:
        smoothing: ε of label smoothing, beside the plain labels.
    """
    smoothed = terms.on_labels(lambda z, y: losses.label_smoothing(z, y, epsilon=smoothing))
    return [labels_only(), Method("label smoothing", smoothed), teacher_free()]


def of_logits(temperature: float | tuple[float, ...] = 4.0) -> list[Method]:
    """Methods that compare logits, soft targets (KD) first.

    Args:
        temperature: of those that have one, or several to try.
    """
    t, soft = temperature, objective.soft_targets
    return [
        Method("soft targets (KD)", soft, (9.0,), t),
        Method("permuted teacher", soft, (9.0,), t, teacher="permuted"),
        logit_matching(),
        decoupled(t),
        normalized(),
        dist(t),
        standardized(t),
    ]


def of_relations() -> list[Method]:
    """Methods that compare how the examples of a batch relate to each other."""
    return [
        relational_distance(),
        relational_angle(),
        similarity_preserving(),
        probabilistic_transfer(),
    ]


def of_maps() -> list[Method]:
    """Methods that compare feature maps of any number of channels."""
    return [attention_transfer(), attention_transfer_paper(), neuron_selectivity()]
