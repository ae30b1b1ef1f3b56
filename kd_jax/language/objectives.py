"""What a student learns of each token: the text, the teacher's prediction, or what is kept of it.

A term maps (student logits z [B, A, V], rows, the teacher's read-out) to nats per token [B, A], 0
where none counts. rows: {"texts": Texts, and of the teacher either "hidden" [B, A, D], or "log_p"
and "tokens" [B, A, k]}.
"""

from collections.abc import Callable
from typing import NamedTuple

from kd_jax import losses
from kd_jax.models import llama


class Objective(NamedTuple):
    """One line of a table.

    term: see above. kept: so many of the teacher's likeliest tokens are cached and nothing else;
    0: its hidden states are, off which all its logits are read. written: the texts are the
    teacher's own. share: of the steps whose texts the student itself writes.
    """

    row: str
    term: Callable
    kept: int = 0
    written: bool = False
    share: float = 0.0


def labels(z, rows, teacher):
    """Cross-entropy with the text's tokens: supervised fine-tuning; on the teacher's texts, SeqKD.

    Source of the latter: Kim and Rush 2016, arXiv 1606.07947, section 3.2.
    """
    answers = rows["texts"].answers
    return losses.cross_entropy(z, answers.ids, where=answers.mask)


def divergence(of, **options):
    """The term of a loss of kd_jax.losses between all logits of both."""

    def term(z, rows, teacher):
        v = llama.logits(teacher, rows["hidden"])
        return of(z, v, where=rows["texts"].answers.mask, **options)

    return term


def likeliest(z, rows, teacher):
    """losses.cached_top_k: the teacher's likeliest tokens and one bucket for all the others."""
    mask = rows["texts"].answers.mask
    return losses.cached_top_k(z, rows["log_p"], rows["tokens"], where=mask)
