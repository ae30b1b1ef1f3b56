"""Objectives by name, as a command line has them."""

from typing import NamedTuple

from kd_jax import losses
from kd_jax.language import objectives
from kd_jax.language.objectives import Objective, divergence

SFT, ON_POLICY = "sft", "on_policy"
LABELS = "SFT on the text"  # the row that others are compared with
NAMES = (
    SFT, "forward_kl", "reverse_kl", "jsd", "skew", "total_variation", "top_k", "seq_kd", ON_POLICY,
)  # fmt: skip


class Numbers(NamedTuple):
    """The numbers of objectives that have some.

    Attributes:
        beta: Of the Jensen-Shannon divergence, and of the one on policy.
        alpha: Of the skewed KL.
        top_k: Tokens of which the teacher's probabilities are kept.
        on_policy_fraction: Of the steps whose texts the student writes.
    """

    beta: float = 0.5
    alpha: float = 0.1
    top_k: int = 64
    on_policy_fraction: float = 0.5


def named(name: str, numbers: Numbers) -> Objective:
    """The Objective of one of the NAMES.

    Args:
        name: One of them.
        numbers: Of those that have some.
    """
    beta, alpha, k, fraction = numbers
    known = {
        SFT: Objective(LABELS, objectives.labels),
        "forward_kl": Objective("forward KL", divergence(losses.forward_kl)),
        "reverse_kl": Objective("reverse KL", divergence(losses.reverse_kl)),
        "jsd": Objective(f"JSD, beta {beta:g}", divergence(losses.jensen_shannon, beta=beta)),
        "skew": Objective(
            f"skewed KL, alpha {alpha:g}", divergence(losses.skew_kl, alpha=alpha)
        ),
        "total_variation": Objective("total variation", divergence(losses.total_variation)),
        "top_k": Objective(f"top {k} and tail", objectives.cached_top_k, top_k=k),
        "seq_kd": Objective(
            "SeqKD: SFT on the teacher's texts", objectives.labels, teacher_texts=True
        ),
        ON_POLICY: Objective(
            f"on-policy JSD, beta {beta:g}, lambda {fraction:g}",
            divergence(losses.jensen_shannon, beta=beta), on_policy_fraction=fraction,
        ),
    }  # fmt: skip
    return known[name]


def writes(name: str) -> bool:
    """Whether texts are written for an objective: each then has a prompt and one answer."""
    return name in (ON_POLICY, "seq_kd")
