"""kd_jax: all networks of a workload in one compiled program, seeds and temperatures its axes.

They see the same batches, as those of torch_vmap do.
"""

import jax
import numpy as np
import optax

from experiments.bench.workloads import LEARNING_RATE
from kd_jax import losses, models
from kd_jax.metrics import classification
from kd_jax.runtime import compilation, devices
from kd_jax.runtime.execution import DEFAULT
from kd_jax.training import keys, loop, samplers
from kd_jax.training import state as train_state


def run(workload, arrays, epochs, seed, pause):
    """The accuracy of the first network. Args: see `worker`."""
    compilation.cache_programs()
    devices.spread_over_cores()
    under_way = training(workload, arrays, epochs, seed)
    for epoch in range(epochs):
        under_way.advance(epoch + 1)
        pause()
    variables = jax.tree.map(lambda x: x[:1, :1], under_way.whole()[0].variables)
    apply = models.functional(network(workload), workload.shape).apply
    logits = classification.predict(apply, variables, arrays["test_inputs"])[0, 0]
    return float(np.mean(logits.argmax(-1) == arrays["test_labels"]))


def training(workload, arrays, epochs, seed, execution=DEFAULT):
    """The loop.Training of a Workload, before its first step."""
    net = models.functional(network(workload), workload.shape)
    loss, numbers = (on_soft, temperatures(workload)) if workload.temperatures else (on_labels, {})
    optimizer, each = optax.adam(LEARNING_RATE), keys.keys(seed, "network", count=workload.seeds)
    state = train_state.members(net.init, optimizer, each, max(1, len(workload.temperatures)))
    data = {name: arrays[name] for name in ("inputs", "labels", "logits")}
    order = samplers.scattered(keys.key(seed, "order"), len(data["labels"]), workload.batch)
    options = {"epochs": epochs, "seeds": 0, "numbers": numbers, "execution": execution}
    return loop.Training(loss(net.apply), optimizer, state, data, order, **options)


def network(workload):
    """The network of a Workload."""
    if workload.channels:
        return models.ConvNet(workload.channels, tuple(range(1, len(workload.channels) + 1)), 10)
    return models.MLP(workload.hidden, 10, dropout=workload.dropout)


def temperatures(workload):
    """{"temperature": [S, A]}."""
    return {"temperature": np.tile(np.float32(workload.temperatures), (workload.seeds, 1))}


def on_labels(apply):
    """The mean cross-entropy of a batch."""

    def loss(variables, batch, key):
        (logits, _), state = apply(variables, batch.rows["inputs"], train=True, key=key)
        hard = losses.cross_entropy(logits, batch.rows["labels"])
        return train_state.Outcome(hard.mean(), state=state)

    return loss


def on_soft(apply):
    """The mean soft-target loss of a batch, at the network's own temperature."""

    def loss(variables, batch, key):
        rows, temperature = batch.rows, batch.numbers["temperature"]
        (logits, _), state = apply(variables, rows["inputs"], train=True, key=key)
        soft = losses.soft_targets(logits, rows["logits"], temperature=temperature)
        return train_state.Outcome(soft.mean(), state=state)

    return loss
