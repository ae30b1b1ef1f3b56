"""Methods that train parameters of their own along with the student: projectors, heads, a peer."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from kd_jax import losses
from kd_jax.distill.methods.base import Method
from kd_jax.distill.methods.terms import facing
from kd_jax.models import Model, projectors


def of_vectors() -> list[Method]:
    """Methods that compare the last hidden layers, maps or vectors, mostly through a projector."""
    return [
        hint(),
        variational_information(),
        activation_boundary(),
        correlation_congruence(),
        projected("adjacent correlation", losses.adjacent_correlation, (0.02,)),
        contrastive(),
    ]


def of_projected_maps() -> list[Method]:
    """Methods that compare feature maps, the student's projected to the teacher's channels."""
    return [flow(), review()]


def _apply(module, extra, x):
    return module.apply({"params": extra}, x)


def _init(module, key, x):
    return module.init(key, x)["params"]


def _projector(of):
    return projectors.Projector(of.shape[-1])


def _last_projector(key, s, t):
    return _init(_projector(t.last), key, s.last)


def projected(row: str, loss: Callable, weights: Sequence[float] = (1.0,)) -> Method:
    """Labels beside a loss of the last hidden layers as vectors, the student's projected.

    weight · mean(loss(K s + b, t)) + CE(labels): K [D_t, D_s] and b [D_t] are trained along with
    the student, and thrown away.

    Args:
        row: Its name in a table.
        loss: (student [B, D_t], teacher [B, D_t]) -> a number, or one for each example.
        weights: Of which validation chooses one.
    """

    def term(s, t, batch, extra):
        return jnp.mean(loss(_apply(_projector(t.embedding), extra, s.embedding), t.embedding))

    def extra(key, s, t):
        return _init(_projector(t.embedding), key, s.embedding)

    return Method(row, term, tuple(weights), extra=extra)


def correlation_congruence() -> Method:
    """Labels beside correlations of rows (CC). Source: Peng et al. 2019, arXiv 1904.01802."""
    return projected("correlation congruence (CC)", losses.correlation_congruence, (0.02,))


def hint() -> Method:
    """Labels beside the last hidden layer (FitNet). Source: Romero et al. 2015, arXiv 1412.6550."""

    def term(s, t, batch, extra):
        ours, theirs = facing(s.last, t.last)
        return jnp.mean(losses.hint(_apply(_projector(theirs), extra, ours), theirs))

    return Method("hint (FitNet)", term, (100.0,), extra=_last_projector)


def activation_boundary() -> Method:
    """Labels beside which units are active (AB). Source: Heo et al. 2019, arXiv 1811.03233."""

    def term(s, t, batch, extra):
        # the layer is after its ReLU: zero where the unit was inactive, as the loss asks
        ours, theirs = facing(s.last, t.last)
        return jnp.mean(losses.activation_boundary(_apply(_projector(theirs), extra, ours), theirs))

    return Method("activation boundary (AB)", term, (0.003,), extra=_last_projector)


def variational_information() -> Method:
    """Labels beside a Gaussian of the layer (VID). Source: Ahn et al. 2019, arXiv 1904.05835."""

    def module(t):
        return projectors.Regressor(t.last.shape[-1])

    def term(s, t, batch, extra):
        ours, theirs = facing(s.last, t.last)
        mean, variance = _apply(module(t), extra, ours)
        return jnp.mean(losses.variational_information(mean, theirs, variance))

    return Method(
        "variational information (VID)", term, extra=lambda k, s, t: _init(module(t), k, s.last)
    )


def contrastive() -> Method:
    """Labels beside telling rows of a batch apart (CRD). Source: Tian et al., arXiv 1910.10699."""
    head = projectors.Embedding(64)

    def extra(key, s, t):
        keys = jax.random.split(key)
        return {"s": _init(head, keys[0], s.last), "t": _init(head, keys[1], t.last)}

    def term(s, t, batch, extra):
        ours, theirs = _apply(head, extra["s"], s.last), _apply(head, extra["t"], t.last)
        size = len(ours)
        # the batch is the bank: itself first, then every other example of it
        indices = (jnp.arange(size)[:, None] + jnp.arange(size)) % size
        return jnp.mean(losses.contrastive(ours, theirs, ours, theirs, indices))

    return Method("contrastive (CRD, in the batch)", term, (0.8,), extra=extra)


def _pyramid_extra(key, s, t):
    keys = jax.random.split(key, len(s.maps))
    pairs = zip(keys, s.maps, t.maps)
    return [_init(_projector(theirs), k, ours) for k, ours, theirs in pairs]


def _projected_maps(s, t, extra):
    pairs = zip(extra, s, t)
    return [_apply(_projector(theirs), e, ours) for e, ours, theirs in pairs]


def flow() -> Method:
    """Labels beside products of first and last maps (FSP). Source: Yim et al. 2017, CVPR."""

    def term(s, t, batch, extra):
        # averages of projected maps are projected averages, of which there are fewer
        pooled = facing(s.maps[0], s.maps[-1])
        ends = t.maps[0], t.maps[-1]
        first, last = _projected_maps(pooled, ends, (extra[0], extra[-1]))
        return jnp.mean(losses.flow(first, last, *ends))

    return Method("flow (FSP)", term, (50.0,), extra=_pyramid_extra)


def review() -> Method:
    """Labels beside maps at several scales (HCL). Source: Chen et al. 2021, arXiv 2104.09044."""

    def term(s, t, batch, extra):
        ours, theirs = zip(*map(facing, s.maps, t.maps))
        return jnp.mean(losses.review_pyramid(_projected_maps(ours, theirs, extra), theirs))

    return Method("review pyramid (HCL)", term, (5.0,), extra=_pyramid_extra)


def factor_transfer(factors: int) -> Method:
    """Factor transfer, where the batch has the "factor" [B, H, W, factors] of a Paraphraser.

    Args:
        factors: channels of the teacher's factor.

    Source: Kim et al. 2018, arXiv 1802.04977.
    """
    module = projectors.Translator(factors)

    def term(s, t, batch, extra):
        translated = _apply(module, extra, s.maps[-1])
        return jnp.mean(losses.factor_transfer(*facing(translated, batch.rows["factor"])))

    def extra(key, s, t):
        return _init(module, key, s.maps[-1])

    return Method("factor transfer (FT)", term, (200.0,), extra=extra)


def mutual(network: Model) -> Method:
    """Deep mutual learning: a peer network trains along, each on the other's predictions.

    term = CE(peer) + KL(peer ‖ student) + KL(student ‖ peer) at T = 1; no teacher.

    Args:
        network: the peer, of the student's architecture.

    Source: Zhang et al. 2018, arXiv 1706.00384, equations 3 to 6.
    """

    def term(s, t, batch, extra):
        peer = network.logits(extra, batch.rows["inputs"])
        both = losses.soft_targets(s.logits, peer) + losses.soft_targets(peer, s.logits)
        return jnp.mean(both) + losses.masked_mean(
            losses.cross_entropy(peer, batch.rows["labels"]), where=batch.rows.get("labeled")
        )

    return Method("mutual learning (DML)", term, extra=lambda key, s, t: network.init(key))
