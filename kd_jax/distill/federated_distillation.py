"""Distillation of a consensus on the public inputs of a federation, at T = 1."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from kd_jax import losses
from kd_jax.distill.federated import ClientData, FederatedConfig
from kd_jax.metrics import classification
from kd_jax.models import Model
from kd_jax.training import early_stopping as stopping
from kd_jax.training import state as train_state


def distill(
    config: FederatedConfig,
    model: Model,
    public: Float[Array, "P ..."],
    params: Any,
    consensus: Float[Array, "P C"],
    key: Key[Array, ""],
) -> Any:
    """Parameters of one network after config.distillation_steps on soft targets at T = 1.

    Args:
        config: of the federation.
        model: the network.
        public: inputs.
        params: where it starts.
        consensus: the teacher's logits on them.
        key: of batches.
    """

    loss_fn, draw = _distillation(config, model, public, consensus)
    steps = config.distillation_steps
    return train_state.train_steps(loss_fn, config.optimizer, params, draw, steps, key)


def _distillation(
    config: FederatedConfig,
    model: Model,
    public: Float[Array, "P ..."],
    consensus: Float[Array, "P C"],
) -> tuple[Callable, Callable]:
    """The loss of `distill`, as for make_step, and its batches, drawn with replacement by a key."""

    def loss_fn(variables, batch, key):
        (logits, _), state = model.apply(variables, batch.rows["inputs"], train=True, key=key)
        soft = losses.soft_targets(logits, batch.rows["consensus"])
        return train_state.Outcome(jnp.mean(soft), state=state)

    def draw(key):
        chosen = jax.random.randint(key, (config.batch_size,), 0, len(public))
        return {"inputs": public[chosen], "consensus": consensus[chosen]}

    return loss_fn, draw


def early_stopping(
    config: FederatedConfig,
    model: Model,
    params: Any,
    clients: ClientData,
    consensus: Float[Array, "P C"],
    limits: tuple[int, int],
    key: Key[Array, ""],
) -> stopping.Stopped:
    """`distill` for as many epochs of the public inputs as the validation rows choose.

    Args:
        config: of the federation.
        model: the network.
        params: where it starts.
        clients: with public inputs, and the validation rows that decide by accuracy.
        consensus: the teacher's logits on the public inputs.
        limits: (epochs at most, patience in epochs).
        key: of batches.
    """
    inputs, labels = clients.validation
    loss_fn, draw = _distillation(config, model, clients.public, consensus)

    def accuracy(variables):
        chosen = classification.most_probable(model.logits(variables, inputs))
        return jnp.mean(chosen == labels)

    lengths = -(-len(clients.public) // config.batch_size), *limits
    return stopping.train_until_no_better(
        loss_fn, config.optimizer, params, draw, accuracy, lengths, key
    )
