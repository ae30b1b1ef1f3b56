"""The objectives that the experiment compares: a few by default, more on request."""

from experiments.language_model.rows import RESTARTED
from kd_jax.language.decoder.objectives import Numbers, named
from kd_jax.language.objectives import Objective, labels


def chosen(config):
    """The objectives of a run."""
    return few(config) + (more(config) if config.all_objectives else [])


def few(config):
    """Those that are always compared."""
    always = [named(name, Numbers()) for name in ("sft", "forward_kl", "reverse_kl")]
    return [*always, top(config.top_k[0])]


def more(config):
    """The others."""
    beta = config.on_policy_beta
    return [
        *map(top, config.top_k[1:]),
        named("seq_kd", Numbers()),
        *(named("jsd", Numbers(beta=b)) for b in config.betas),
        named("skew_kl", Numbers(alpha=config.alpha)),
        Objective(RESTARTED, labels),
        *(
            named("on_policy", Numbers(beta=beta, on_policy_fraction=fraction))
            for fraction in config.on_policy_fractions
        ),
    ]


def after_sft(objective):
    """Whether its students begin as those of SFT, seed by seed, in place of the layers alone."""
    return bool(objective.on_policy_fraction) or objective.row == RESTARTED


def top(k):
    """The Objective on a cache of the teacher's k most probable tokens."""
    return named("top_k", Numbers(top_k=k))
