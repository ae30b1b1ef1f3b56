"""What a trained network does on held-out data, as sums and counts over examples."""

import jax
import jax.numpy as jnp
import numpy as np


def predict(apply, params, inputs, *, batch_size=1000):
    """Logits [S, A, N, C] of a grid of networks over inputs [N, …], batch by batch.

    Args: apply: (params, inputs [B, …]) -> (logits [B, C], features), of one network;
      params: leaves [S, A, …].
    """

    def one(member, batch):
        return apply(member, batch)[0]

    grid = jax.jit(jax.vmap(jax.vmap(one, in_axes=(0, None)), in_axes=(0, None)))
    batches = (inputs[i : i + batch_size] for i in range(0, len(inputs), batch_size))
    return np.concatenate([np.asarray(grid(params, batch)) for batch in batches], axis=-2)


@jax.jit
def measure(logits, labels, teacher_logits=None):
    """Metrics of predictions: sums or means over the examples, one number per member.

    errors: examples whose most probable class is not the label. accuracy: the rest, as a
    fraction. nll: mean −log softmax(z)_y in nats at T = 1. With a teacher also agreement: the
    fraction with the teacher's most probable class, and kl: mean KL(teacher ‖ student) at T = 1.

    Args: logits [..., N, C]; labels [N]; teacher_logits [N, C] or [..., N, C].
    Returns: {name: [...]}.
    """
    log_q = jax.nn.log_softmax(logits)
    chosen = jnp.argmax(logits, -1)
    wrong = jnp.sum(chosen != labels, -1)
    truth = jnp.broadcast_to(labels, chosen.shape)[..., None]
    nll = -jnp.mean(jnp.take_along_axis(log_q, truth, -1)[..., 0], -1)
    result = {"errors": wrong, "accuracy": 1 - wrong / logits.shape[-2], "nll": nll}
    if teacher_logits is not None:
        log_p = jax.nn.log_softmax(teacher_logits)
        divergence = jnp.sum(jnp.exp(log_p) * (log_p - log_q), -1)
        result["agreement"] = jnp.mean(chosen == jnp.argmax(teacher_logits, -1), -1)
        result["kl"] = jnp.mean(divergence, -1)
    return result


def wrong_by_class(logits, labels):
    """Errors among the examples of each class, [..., C], for logits [..., N, C] and labels [N]."""
    wrong = np.argmax(logits, -1) != labels
    return np.stack([wrong[..., labels == c].sum(-1) for c in range(logits.shape[-1])], axis=-1)
