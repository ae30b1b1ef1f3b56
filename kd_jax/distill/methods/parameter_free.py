"""Methods without parameters of their own: labels, logits, and relations within the batch."""

from collections.abc import Iterable

from kd_jax import losses
from kd_jax.distill import objective
from kd_jax.distill.methods import terms
from kd_jax.distill.methods.base import Method

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
    several = temperature if isinstance(temperature, Iterable) else [temperature]
    family = "soft targets and labels" if label_weight else "soft targets"
    family += "" if teacher == "teacher" else f" of {teacher}"
    return [
        Method(
            f"{family}, T={t:g}", temperature=t, label_weight=label_weight, teacher=teacher,
            family=family,
        )
        for t in several
    ]  # fmt: skip


def without_teacher(smoothing: float = 0.2) -> list[Method]:
    """Methods without a teacher, the baseline first.

    Args:
        smoothing: ε of label smoothing, beside the plain labels.
    """
    smoothed = terms.on_labels(lambda z, y: losses.label_smoothing(z, y, epsilon=smoothing))
    return [
        labels_only(),
        Method("label smoothing", smoothed),
        Method("teacher-free (virtual teacher)", terms.teacher_free),
    ]


def of_logits(temperature: float = 4.0) -> list[Method]:
    """Methods that compare logits, soft targets (KD) first.

    Args:
        temperature: of those that have one.
    """
    t, soft = temperature, objective.soft_targets
    return [
        Method("soft targets (KD)", soft, (9.0,), t),
        Method("permuted teacher", soft, (9.0,), t, teacher="permuted"),
        Method("logit matching", terms.logit_matching),
        Method("decoupled (DKD)", terms.decoupled, temperature=t),
        Method("normalized (NKD)", terms.normalized),
        Method("DIST", terms.dist, (2.0,), t),
        Method("standardized logits", terms.standardized, (9.0,), t),
    ]


def of_relations() -> list[Method]:
    """Methods that compare how the examples of a batch relate to each other."""
    return [
        Method("relational, distances (RKD-D)", terms.relational_distance, (25.0,)),
        Method("relational, angles (RKD-A)", terms.relational_angle, (50.0,)),
        Method("similarity preserving (SP)", terms.similarity_preserving, (3000.0,)),
        Method("probabilistic (PKT)", terms.probabilistic_transfer, (30_000.0,)),
    ]


def of_maps() -> list[Method]:
    """Methods that compare feature maps of any number of channels."""
    return [
        Method("attention transfer (AT)", terms.attention_transfer, (1000.0,)),
        Method("attention, paper's form", terms.attention_transfer_paper, (10.0,)),
        Method("neuron selectivity (NST)", terms.neuron_selectivity, (50.0,)),
    ]
