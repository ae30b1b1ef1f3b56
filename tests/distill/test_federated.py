"""Federated learning: clients and their aggregation against plain NumPy and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from kd_jax import models
from kd_jax.data import partition
from kd_jax.distill import aggregation, federated, teachers


def network(*widths):
    return models.functional(models.MLP(widths, 3), (4,))


WIDE, NARROW = network(6), network(2, 2)


def config_of(aggregate, *, groups=((WIDE, 3),), steps=5, distillation=5, rounds=2, rate=0.1):
    lengths = rounds, steps, distillation
    return federated.FederatedConfig(groups, optax.sgd(rate), aggregate, *lengths, batch_size=4)


def clients_of(parts=((0, 1, 2, 3), (4, 5), (6, 7, 8, 9, 10, 11)), poison=False):
    random = np.random.default_rng(0)
    inputs = random.normal(size=(13, 4)).astype("f4")
    if poison:
        inputs[12] = np.nan  # the row that −1 means
    labels = random.integers(3, size=13).astype("i4")
    rows, counts = partition.padded([np.array(part) for part in parts], 13)
    public = random.normal(size=(20, 4)).astype("f4")
    validation = inputs[:12], labels[:12]
    return jax.tree.map(
        jnp.asarray, federated.ClientData(inputs, labels, rows, counts, public, validation)
    )


def different(model, count):
    """Parameters of clients that all differ."""
    return jax.vmap(model.init)(jax.random.split(jax.random.key(7), count))


def same(ours, theirs, rtol=1e-5, atol=1e-6):
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def test_clients_train_on_their_own_rows_alone():
    config, params, key = config_of(aggregation.local), (different(WIDE, 3),), jax.random.key(0)
    found = federated.local_training(config, params, clients_of(), key)
    # a filling row of NaN, and other labels of another client's rows, change nothing
    same(federated.local_training(config, params, clients_of(poison=True), key), found, 0, 0)
    clients = clients_of()
    changed = clients._replace(labels=clients.labels.at[4:6].add(1) % 3)
    other = federated.local_training(config, params, changed, key)
    moved = [np.abs(a - b).max(tuple(range(1, a.ndim))) for a, b in zip(
        jax.tree.leaves(other), jax.tree.leaves(found))]  # fmt: skip
    moved = np.max(moved, axis=0)
    assert moved[0] == moved[2] == 0 < moved[1]


def test_a_step_is_gradient_descent_on_the_cross_entropy():
    # one row each, so that every batch is four times that row: θ − η ∂(−log q_y)
    clients, rate = clients_of(parts=((0,), (4,))), 0.3
    config = config_of(aggregation.local, groups=((network(), 2),), steps=1, rate=rate)
    params = different(network(), 2)
    (found,) = federated.local_training(config, (params,), clients, jax.random.key(1))
    for client, row in enumerate((0, 4)):
        x, y = np.float64(clients.inputs[row]), int(clients.labels[row])
        kernel = np.float64(params["logits"]["kernel"][client])
        q = np.exp(x @ kernel) / np.exp(x @ kernel).sum()
        expected = kernel - rate * np.outer(x, q - np.eye(3)[y])
        np.testing.assert_allclose(found["logits"]["kernel"][client], expected, atol=1e-6)


def test_clients_trained_together_are_those_trained_alone():
    clients, key = clients_of(), jax.random.key(2)
    config, params = config_of(aggregation.local), different(WIDE, 3)
    (found,) = federated.local_training(config, (params,), clients, key)
    keys = jax.random.split(key, 3)
    for client in range(3):

        def draw(key, client=client):
            rows = partition.sample(
                key, clients.rows[client], clients.counts[client], config.batch_size
            )
            return {"inputs": clients.inputs[rows], "labels": clients.labels[rows]}

        one = jax.tree.map(lambda x, client=client: x[client], params)
        loss = teachers.loss(WIDE.apply)
        more = draw, config.local_steps, keys[client]
        alone = federated.train_steps(loss, config.optimizer, one, *more)
        same(alone, jax.tree.map(lambda x, client=client: x[client], found))


def test_federated_averaging_weighs_clients_by_their_rows():
    params = different(WIDE, 3), different(NARROW, 2)
    groups = (WIDE, 3), (NARROW, 2)
    clients = clients_of(parts=((0, 1, 2, 3), (4, 5), (6,), (7, 8, 9), (10,)))
    found = aggregation.fedavg(config_of(aggregation.fedavg, groups=groups), params, clients, None)
    for ours, theirs, counts in zip(found, params, ([4, 2, 1], [3, 1])):

        def weighted(x, counts=counts):
            each = sum(n * np.float64(one) for n, one in zip(counts, x))
            return np.broadcast_to(each / sum(counts), x.shape)

        same(ours, jax.tree.map(weighted, theirs))


def test_of_equal_clients_the_mean_is_each_of_them():
    one = WIDE.init(jax.random.key(0))
    params = (jax.tree.map(lambda x: jnp.stack([x] * 3), one),)
    config = config_of(aggregation.fedavg)
    same(aggregation.fedavg(config, params, clients_of(), None), params)
    # and a network that distills its own logits stays as it is: p = q has no gradient
    config = config_of(aggregation.feddf, distillation=7)
    same(aggregation.feddf(config, params, clients_of(), jax.random.key(0)), params)
    aggregate = aggregation.fedmd(aggregation.mean)
    same(aggregate(config, params, clients_of(), jax.random.key(0)), params)


def divergence(model, params, inputs, consensus):
    """Mean KL(p ‖ q) at T = 1, in float64."""

    def log_softmax(z):
        z = np.float64(z)
        return z - np.log(np.exp(z).sum(-1, keepdims=True))

    log_p, log_q = log_softmax(consensus), log_softmax(model.apply(params, inputs)[0])
    return (np.exp(log_p) * (log_p - log_q)).sum(-1).mean()


@pytest.mark.parametrize("aggregate", [aggregation.feddf, aggregation.fedmd(aggregation.mean)])
def test_architectures_that_differ_learn_one_consensus(aggregate):
    groups, clients = ((WIDE, 3), (NARROW, 2)), clients_of(parts=((0, 1), (2,), (3,), (4,), (5,)))
    params = different(WIDE, 3), different(NARROW, 2)
    before = np.concatenate([
        [model.apply(jax.tree.map(lambda x, k=k: x[k], p), clients.public)[0] for k in range(count)]
        for (model, count), p in zip(groups, params)
    ])  # fmt: skip
    config = config_of(aggregate, groups=groups, distillation=200)
    np.testing.assert_allclose(
        federated.client_logits(config, params, clients.public), before, atol=1e-6
    )
    after = aggregate(config, params, clients, jax.random.key(0))
    begun = (
        aggregation.fedavg(config, params, clients, None)
        if aggregate is aggregation.feddf
        else params
    )
    for (model, count), first, last in zip(groups, begun, after):
        for k in range(count):
            first_k, last_k = (jax.tree.map(lambda x, k=k: x[k], p) for p in (first, last))
            consensus = before.mean(0)
            apart = [divergence(model, p, clients.public, consensus) for p in (first_k, last_k)]
            # two ReLUs may be off for most inputs: then only the biases learn
            assert apart[1] < (0.7 if model is WIDE else 1) * apart[0]


def test_two_byzantine_clients_of_ten_move_the_mean_and_not_the_median():
    honest = np.random.default_rng(0).normal(size=(4, 3)).astype("f4")
    sent = np.stack([honest] * 10)
    np.testing.assert_array_equal(aggregation.label_shift(honest), honest[:, [2, 0, 1]])
    sent[:2] = aggregation.label_shift(honest)
    np.testing.assert_array_equal(aggregation.median(sent), honest)
    expected = 0.8 * honest + 0.2 * honest[:, [2, 0, 1]]
    np.testing.assert_allclose(aggregation.mean(sent), expected, rtol=1e-5, atol=1e-6)


def test_byzantine_clients_are_the_first_and_attack_in_what_they_send_alone():
    params, clients, key = (different(WIDE, 3),), clients_of(), jax.random.key(0)
    received = []

    def consensus(logits):
        received.append(np.asarray(logits))
        return aggregation.mean(logits)

    config = config_of(None)
    aggregation.fedmd(consensus, byzantine=1)(config, params, clients, key)
    own = np.asarray(federated.client_logits(config, params, clients.public))
    np.testing.assert_allclose(received[0][0], own[0][:, [2, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(received[0][1:], own[1:], atol=1e-6)


def test_seeds_learn_together_what_they_learn_alone():
    config, keys = (
        config_of(aggregation.fedmd(aggregation.median)),
        jax.random.split(jax.random.key(4), 2),
    )
    partitions = [clients_of(), clients_of(parts=((0,), (1, 2), (3, 4, 5, 6)))]
    rows, counts = (jnp.stack([getattr(w, x) for w in partitions]) for x in ("rows", "counts"))
    together = federated.fit(config, partitions[0]._replace(rows=rows, counts=counts), keys)
    for seed, clients in enumerate(partitions):
        one = clients._replace(rows=clients.rows[None], counts=clients.counts[None])
        alone = federated.fit(config, one, keys[seed : seed + 1])
        found = jax.tree.map(lambda x, seed=seed: x[seed], together)
        same(found, jax.tree.map(lambda x: x[0], alone))
        (_, after, curve), (inputs, labels) = found, clients.validation
        right = [
            np.argmax(WIDE.apply(jax.tree.map(lambda x, k=k: x[k], after[0]), inputs)[0], -1)
            == labels
            for k in range(3)
        ]
        assert curve.shape == (2,)
        np.testing.assert_allclose(curve[-1], np.mean(right), rtol=1e-6)


def test_bytes_by_hand():
    config = config_of(None, groups=((WIDE, 3), (NARROW, 2)))
    # 4-6-3 has 4·6 + 6 + 6·3 + 3 = 51 numbers, 4-2-2-3 has 10 + 6 + 9 = 25; there and back
    assert aggregation.bytes_of_weights(config, 20, 3) == 2 * 4 * (3 * 51 + 2 * 25)
    assert aggregation.bytes_of_logits(config, 20, 3) == 2 * 4 * 5 * 20 * 3
    assert aggregation.no_bytes(config, 20, 3) == 0
