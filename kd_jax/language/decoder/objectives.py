"""Objectives by name, as a command line has them, each with its grid of numbers."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kd_jax import losses
from kd_jax.language import objectives
from kd_jax.language.objectives import Objective, divergence

SFT = "sft"
LABELS = "SFT on the text"  # the row that others are compared with
GRIDS: dict[str, tuple[str, ...]] = {  # name: its numbers, as Numbers has them
    SFT: (),
    "forward_kl": (),
    "reverse_kl": (),
    "jsd": ("beta",),
    "skew_kl": ("alpha",),
    "total_variation": (),
    "top_k": ("top_k",),
    "universal_logit": (),
    "sft_universal_logit": ("uld_weight",),
    "seq_kd": (),
    "on_policy": ("beta", "on_policy_fraction"),
    "on_policy_forward_kl": ("on_policy_fraction",),
    "on_policy_reverse_kl": ("on_policy_fraction",),
}
NAMES = tuple(GRIDS)


class Numbers(NamedTuple):
    """The numbers of objectives that have some.

    Attributes:
        beta: Of the Jensen-Shannon divergence, and of the one on policy.
        alpha: Of the skewed KL.
        top_k: Tokens of which the teacher's probabilities are kept.
        on_policy_fraction: Of the steps whose texts the student writes.
        uld_weight: Of the universal logit loss beside SFT, λ in the paper.
    """

    beta: float = 0.5
    alpha: float = 0.1
    top_k: int = 64
    on_policy_fraction: float = 0.5
    uld_weight: float = 1.5


def named(name: str, numbers: Numbers) -> Objective:
    """The Objective of one of the NAMES.

    Args:
        name: One of them.
        numbers: Of those that have some.
    """
    beta, alpha, k, fraction, weight = numbers
    jsd = divergence(losses.jensen_shannon, beta=beta)
    forward, reverse = map(divergence, (losses.forward_kl, losses.reverse_kl))
    known = {
        SFT: Objective(LABELS, objectives.labels),
        "forward_kl": Objective("forward KL", forward),
        "reverse_kl": Objective("reverse KL", reverse),
        "jsd": Objective(f"JSD, beta {beta:g}", jsd),
        "skew_kl": Objective(
            f"skewed KL, alpha {alpha:g}", divergence(losses.skew_kl, alpha=alpha)
        ),
        "total_variation": Objective("total variation", divergence(losses.total_variation)),
        "top_k": Objective(f"top {k} and tail", objectives.cached_top_k, top_k=k),
        "universal_logit": Objective(
            "universal logit (sorted probabilities)", objectives.universal_logit
        ),
        "sft_universal_logit": Objective(
            f"SFT + {weight:g} · universal logit", objectives.with_labels(weight)
        ),
        "seq_kd": Objective(
            "SeqKD: SFT on the teacher's texts", objectives.labels, teacher_texts=True
        ),
        "on_policy": Objective(
            f"on-policy JSD, beta {beta:g}, lambda {fraction:g}", jsd, on_policy_fraction=fraction
        ),
        "on_policy_forward_kl": Objective(
            f"on-policy forward KL, lambda {fraction:g}", forward, on_policy_fraction=fraction
        ),
        "on_policy_reverse_kl": Objective(
            f"on-policy reverse KL, lambda {fraction:g}", reverse, on_policy_fraction=fraction
        ),
    }  # fmt: skip
    return known[name]


def grid(name: str, values: Mapping[str, Sequence[Any]]) -> list[Objective]:
    """The Objectives of one of the NAMES, one for each combination of its numbers.

    Args:
        name: One of them.
        values: {number: those that are tried}, of all Numbers.
    """
    own = GRIDS[name]
    tried = itertools.product(*(values[number] for number in own))
    return [named(name, Numbers(**dict(zip(own, each)))) for each in tried]


def writes(name: str) -> bool:
    """Whether texts are written for an objective: each then has a prompt and one answer."""
    return name == "seq_kd" or "on_policy_fraction" in GRIDS[name]
