"""Token-level objectives: SFT, SeqKD, divergences from all logits, and from cached top-k tokens.

A term maps (student logits z [B, A, V], rows, the teacher's read-out) to nats per token [B, A], 0
where none counts. rows: {"texts": Texts, and of the teacher either "hidden" [B, A, D], or "log_p"
and "tokens" [B, A, k]}; of a teacher with other tokens "both" [B, A] too: whether it has read the
same before a token.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Float

from kd_jax import losses
from kd_jax.models import llama


class Objective(NamedTuple):
    """What students learn from, one row of a table.

    row: its name. term: see above. top_k: so many of the teacher's most probable tokens are cached
    and nothing else; 0: its hidden states are, off which all its logits are read. teacher_texts:
    the texts are written by the teacher. on_policy_fraction: of the steps whose texts the student
    itself writes.
    """

    row: str
    term: Callable
    top_k: int = 0
    teacher_texts: bool = False
    on_policy_fraction: float = 0.0


def labels(z: Float[Array, "B A V"], rows: dict, teacher: Any) -> Float[Array, "B A"]:
    """Cross-entropy with the text's tokens: supervised fine-tuning; on the teacher's texts, SeqKD.

    Source of the latter: Kim and Rush 2016, arXiv 1606.07947, section 3.2.
    """
    answers = rows["texts"].answers
    return losses.cross_entropy(z, answers.ids, where=answers.mask)


def divergence(loss: Callable, **options) -> Callable:
    """The term of a loss of kd_jax.losses between all logits, where both have read the same.

    Args:
        loss: like losses.forward_kl.
        options: further arguments of the loss.
    """

    def term(z, rows, teacher):
        v = llama.logits(teacher, rows["hidden"])
        where = rows.get("both", rows["texts"].answers.mask)
        return loss(z, v, where=where, **options)

    return term


universal_logit = divergence(losses.universal_logit)


def with_labels(weight: float) -> Callable:
    """The term of SFT and the universal logit loss, cross-entropy + λ ULD.

    Args:
        weight: λ.

    Source:
        Boizard et al. 2024, arXiv 2402.12030, section 3.
    """

    def term(z, rows, teacher):
        return labels(z, rows, teacher) + weight * universal_logit(z, rows, teacher)

    return term


def cached_top_k(z: Float[Array, "B A V"], rows: dict, teacher: Any) -> Float[Array, "B A"]:
    """losses.cached_top_k: the teacher's top-k tokens and one bucket for all the others."""
    mask = rows["texts"].answers.mask
    return losses.cached_top_k(z, rows["log_p"], rows["tokens"], where=mask)
