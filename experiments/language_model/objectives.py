"""The objectives that the experiment compares: a few by default, more on request."""

from experiments.language_model import rows
from kd_jax import losses
from kd_jax.language.objectives import Objective, cached_top_k, divergence, labels

JSD = losses.jensen_shannon


def chosen(config):
    """The objectives of a run."""
    return few(config) + (more(config) if config.all_objectives else [])


def few(config):
    """Those that are always compared."""
    return [
        Objective(rows.SFT, labels),
        Objective(rows.FORWARD, divergence(losses.forward_kl)),
        Objective(rows.REVERSE, divergence(losses.reverse_kl)),
        top(config.top_k[0]),
    ]


def more(config):
    """The others."""
    beta, alpha = config.on_policy_beta, config.alpha
    return [
        *map(top, config.top_k[1:]),
        Objective(rows.SEQUENCES, labels, teacher_texts=True),
        *(Objective(f"JSD, beta {b:g}", divergence(JSD, beta=b)) for b in config.betas),
        Objective(f"skewed KL, alpha {alpha:g}", divergence(losses.skew_kl, alpha=alpha)),
        *(
            Objective(
                f"on-policy JSD, beta {beta:g}, lambda {fraction:g}", divergence(JSD, beta=beta),
                on_policy_fraction=fraction,
            )
            for fraction in config.on_policy_fractions
        ),
    ]  # fmt: skip


def top(k):
    """The Objective on a cache of the teacher's k most probable tokens."""
    return Objective(rows.top_k(k), cached_top_k, top_k=k)
