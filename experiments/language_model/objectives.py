"""The objectives that the experiment compares: a few by default, more on request."""

from kd_jax.language.decoder.objectives import Numbers, named


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
        named("skew", Numbers(alpha=config.alpha)),
        *(
            named("on_policy", Numbers(beta=beta, on_policy_fraction=fraction))
            for fraction in config.on_policy_fractions
        ),
    ]


def top(k):
    """The Objective on a cache of the teacher's k most probable tokens."""
    return named("top_k", Numbers(top_k=k))
