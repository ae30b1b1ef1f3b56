"""Federated learning: clients and their aggregation against plain NumPy and closed forms."""

import functools

import jax
import numpy as np
import optax
import pytest
from scipy import special

from kd_jax import models
from kd_jax.data import Split, partition
from kd_jax.distill import aggregation, federated, teachers
from kd_jax.distill import federated_evaluation as evaluation
from kd_jax.training import state


def network(*widths):
    return models.functional(models.MLP(widths, 3), (4,))


WIDE, NARROW = network(6), network(2, 2)
BOTH = (WIDE, 3), (NARROW, 2)
SGD = functools.cache(optax.sgd)


def config_of(aggregate=None, *, groups=((WIDE, 3),), steps=5, distillation=5, rate=0.1):
    lengths = 2, steps, distillation
    return federated.FederatedConfig(groups, SGD(rate), aggregate, *lengths, batch_size=4)


def clients_of(parts=((0, 1, 2, 3), (4, 5), (6, 7, 8, 9, 10, 11)), poison=False):
    random = np.random.default_rng(0)
    inputs = random.normal(size=(13, 4)).astype("f4")
    if poison:
        inputs[12] = np.nan  # the row that −1 means
    labels = random.integers(3, size=13).astype("i4")
    rows, counts = partition.padded([np.array(part) for part in parts], 13)
    public = random.normal(size=(20, 4)).astype("f4")
    validation = inputs[:12], labels[:12]
    return federated.ClientData(inputs, labels, rows, counts, public, validation)


OF_BOTH = clients_of(parts=((0, 1, 2, 3), (4, 5), (6,), (7, 8, 9), (10,)))


def different(model, count):
    """Variables of clients that all differ."""
    like, random = jax.eval_shape(model.init, jax.random.key(0)), np.random.default_rng(7)
    return jax.tree.map(lambda x: random.normal(0, 0.5, (count, *x.shape)).astype("f4"), like)


def one_of(params, number):
    return jax.tree.map(lambda x: x[number], params)


def logits_by_hand(variables, inputs):
    """Of a network with ReLUs, in float64."""
    params = variables["params"]
    *hidden, last = (params[name] for name in sorted(params))
    x = np.float64(inputs)
    for layer in hidden:
        x = np.maximum(x @ np.float64(layer["kernel"]) + layer["bias"], 0)
    return x @ np.float64(last["kernel"]) + last["bias"]


@functools.cache
def compiled(work, config):
    """work(config, params, clients, key) with the config in it, of NumPy's arrays."""
    program = jax.jit(functools.partial(work, config))
    return lambda *given: jax.tree.map(np.asarray, program(*given))


def aggregated(aggregate, config):
    """The parameters of compiled(aggregate, config), without what is reported."""
    return lambda *given: compiled(aggregate, config)(*given)[0]


def same(ours, theirs, rtol=1e-5, atol=1e-6):
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def trained(clients, key, **settings):
    """The clients of WIDE after their steps."""
    train = compiled(federated.local_training, config_of(**settings))
    return train((different(WIDE, 3),), clients, key)


def test_clients_train_on_their_own_rows_alone():
    clients, key = clients_of(), jax.random.key(0)
    found = trained(clients, key)
    # a filling row of NaN, and other labels of another client's rows, change nothing
    same(trained(clients_of(poison=True), key), found, 0, 0)
    others = np.where(np.isin(np.arange(13), (4, 5)), (clients.labels + 1) % 3, clients.labels)
    other = trained(clients._replace(labels=others.astype("i4")), key)
    moved = [np.abs(a - b).max(tuple(range(1, a.ndim))) for a, b in zip(
        jax.tree.leaves(other), jax.tree.leaves(found))]  # fmt: skip
    moved = np.max(moved, axis=0)
    assert moved[0] == moved[2] == 0 < moved[1]


def test_a_step_is_gradient_descent_on_the_cross_entropy():
    # one row each, so that every batch is four times that row: θ − η ∂(−log q_y)
    clients, rate = clients_of(parts=((0,), (4,))), 0.3
    config = config_of(groups=((network(), 2),), steps=1, rate=rate)
    params = different(network(), 2)
    train = compiled(federated.local_training, config)
    (found,) = train((params,), clients, jax.random.key(1))
    for client, row in enumerate((0, 4)):
        x, y = np.float64(clients.inputs[row]), int(clients.labels[row])
        kernel, bias = (
            np.float64(params["params"]["logits"][name][client]) for name in ("kernel", "bias")
        )
        error = special.softmax(x @ kernel + bias) - np.eye(3)[y]
        expected = {"kernel": kernel - rate * np.outer(x, error), "bias": bias - rate * error}
        for name, value in expected.items():
            np.testing.assert_allclose(found["params"]["logits"][name][client], value, atol=1e-6)


def test_clients_trained_together_are_those_trained_alone():
    clients, key, config = clients_of(), jax.random.key(2), config_of()
    (found,) = trained(clients, key)
    keys = jax.random.key_data(jax.random.split(key, 3))

    @jax.jit
    def alone(params, rows, count, key, inputs, labels):
        def draw(key):
            chosen = partition.sample(key, rows, count, config.batch_size)
            return {"inputs": inputs[chosen], "labels": labels[chosen]}

        more = draw, config.local_steps, jax.random.wrap_key_data(key)
        return state.train_steps(teachers.loss(WIDE.apply), config.optimizer, params, *more)

    for client in range(3):
        own = one_of(different(WIDE, 3), client), clients.rows[client], clients.counts[client]
        one = alone(*own, np.asarray(keys)[client], clients.inputs, clients.labels)
        same(one, one_of(found, client))


def test_federated_averaging_weighs_clients_by_their_rows():
    params = different(WIDE, 3), different(NARROW, 2)
    found = aggregated(aggregation.fedavg, config_of(groups=BOTH))(params, OF_BOTH, None)
    for ours, theirs, counts in zip(found, params, ([4, 2, 1], [3, 1])):

        def weighted(x, counts=counts):
            each = sum(n * np.float64(one) for n, one in zip(counts, x))
            return np.broadcast_to(each / sum(counts), x.shape)

        same(ours, jax.tree.map(weighted, theirs))


@pytest.mark.parametrize(
    "aggregate",
    [
        aggregation.fedavg,
        aggregation.feddf,
        aggregation.fedmd(aggregation.mean),
        pytest.param(aggregation.feddf_early_stopping(3, 1), id="early stopping"),
    ],
)
def test_of_equal_clients_the_mean_is_each_of_them(aggregate):
    # a network that distills its own logits stays as it is: p = q has no gradient
    params = (jax.tree.map(lambda x: np.stack([x[0]] * 3), different(WIDE, 1)),)
    found = aggregated(aggregate, config_of())(params, clients_of(), jax.random.key(0))
    same(found, params)


def divergence(params, inputs, consensus):
    """Mean KL(p ‖ q) at T = 1, in float64."""
    log_p = special.log_softmax(consensus, -1)
    log_q = special.log_softmax(logits_by_hand(params, inputs), -1)
    return (np.exp(log_p) * (log_p - log_q)).sum(-1).mean()


@pytest.mark.parametrize("aggregate", [aggregation.feddf, aggregation.fedmd(aggregation.mean)])
def test_architectures_that_differ_learn_one_consensus(aggregate):
    params, public = (different(WIDE, 3), different(NARROW, 2)), OF_BOTH.public
    before = np.stack([
        logits_by_hand(one_of(p, k), public)
        for (_, count), p in zip(BOTH, params) for k in range(count)
    ])  # fmt: skip
    found = compiled(federated.client_logits, config_of(groups=BOTH))(params, public)
    np.testing.assert_allclose(found, before, atol=1e-5)
    config = config_of(groups=BOTH, distillation=200)
    after, begun = aggregated(aggregate, config)(params, OF_BOTH, jax.random.key(0)), params
    if aggregate is aggregation.feddf:
        begun = aggregated(aggregation.fedavg, config_of(groups=BOTH))(params, OF_BOTH, None)
    for (model, count), first, last in zip(BOTH, begun, after):
        for k in range(count):
            apart = [divergence(one_of(p, k), public, before.mean(0)) for p in (first, last)]
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
    params, clients = different(WIDE, 3), clients_of()

    def received(config, params, clients, key):
        """What comes to the consensus."""
        sent = []
        consensus = aggregation.fedmd(lambda x, _: (sent.append(x), x[0])[1], byzantine=1)
        consensus(config, params, clients, key)
        return sent[0]

    found = compiled(received, config_of())((params,), clients, jax.random.key(0))
    own = np.stack([logits_by_hand(one_of(params, k), clients.public) for k in range(3)])
    np.testing.assert_allclose(found[0], own[0][:, [2, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(found[1:], own[1:], atol=1e-5)


def test_logits_weighted_by_class_counts_by_hand():
    counts = np.array([[3, 0, 0], [1, 2, 0]])
    logits = np.array([[[3.0, 0, 0]], [[0.0, 6, 0]]])
    # less their means 1 and 2: (2, −1, −1) and (−2, 4, −2); of class 0 the first has three of four
    # rows, of class 1 the second has all, and class 2, that nobody has, gets the plain mean
    expected = [[(3 * 2 - 2) / 4, 4, (-1 - 2) / 2]]
    np.testing.assert_allclose(aggregation.class_level(logits, counts), expected, rtol=1e-6)
    shifted = logits + np.array([5.0, -7])[:, None, None]  # no client's probabilities change
    np.testing.assert_allclose(aggregation.class_level(shifted, counts), expected, rtol=1e-5)
    # with as many rows of every class it is the mean, up to a constant for each input
    alike = np.random.default_rng(3).normal(size=(4, 2, 3)).astype("f4")
    apart = aggregation.class_level(alike, np.full((4, 3), 5)) - aggregation.mean(alike)
    np.testing.assert_allclose(apart, np.broadcast_to(apart[:, :1], apart.shape), atol=1e-6)


def test_class_counts_are_of_own_rows_alone():
    clients = clients_of()
    counts = compiled(lambda config, clients: aggregation.class_counts(clients, 3), None)(clients)
    for own, found in zip(((0, 1, 2, 3), (4, 5), (6, 7, 8, 9, 10, 11)), counts):
        assert found.tolist() == np.bincount(clients.labels[[*own]], minlength=3).tolist()


def test_the_consensus_is_weighted_by_the_class_counts_of_the_clients():
    params, clients, seen = different(WIDE, 3), clients_of(), []

    def consensus(logits, counts):
        seen.append(counts)
        return logits[0]

    def received(config, params, clients, key):
        aggregation.fedmd(consensus)(config, params, clients, key)
        return seen[-1]

    found = compiled(received, config_of())((params,), clients, jax.random.key(0))
    assert found.sum(1).tolist() == clients.counts.tolist()


def test_a_server_that_stops_early_takes_the_best_epoch_on_validation():
    params, clients, key = (different(WIDE, 3),), clients_of(), jax.random.key(6)
    # labels of the consensus: the averaged weights are wrong of some, and distilling helps
    logits = np.mean([logits_by_hand(one_of(params[0], k), clients.public) for k in range(3)], 0)
    clients = clients._replace(validation=(clients.public, np.argmax(logits, -1)))
    inputs, labels = clients.validation

    def right(variables):
        return np.mean(np.argmax(logits_by_hand(one_of(variables, 0), inputs), -1) == labels)

    # 20 public inputs in batches of 4 are 5 steps: after e epochs it is FedDF of 5 e steps
    fixed = [aggregated(aggregation.fedavg, config_of())(params, clients, None)[0]]
    for epochs in range(1, 5):
        config = config_of(distillation=5 * epochs, rate=1.0)
        fixed.append(aggregated(aggregation.feddf, config)(params, clients, key)[0])
    scores = [right(x) for x in fixed]
    best = int(np.argmax(scores))
    assert best > 0, scores
    found, said = compiled(aggregation.feddf_early_stopping(4, 4), config_of(rate=1.0))(
        params, clients, key
    )
    assert said["server_epochs"] == best
    same(found[0], fixed[best])
    # where none is ever better nothing is distilled
    own = np.argmax(logits_by_hand(one_of(fixed[0], 0), inputs), -1)
    perfect = clients._replace(validation=(inputs, own))
    found, said = compiled(aggregation.feddf_early_stopping(4, 4), config_of(rate=1.0))(
        params, perfect, key
    )
    assert said["server_epochs"] == 0
    same(found[0], fixed[0])


def test_clients_train_on_as_in_a_next_round_and_drift_is_what_they_lose():
    config = config_of(aggregation.fedavg)
    clients, keys = clients_of(), jax.random.split(jax.random.key(8), 2)
    clients = jax.device_put(clients._replace(
        rows=np.stack([clients.rows] * 2), counts=np.stack([clients.counts] * 2)
    ))  # fmt: skip
    fitted = federated.fit(config, clients, keys)
    drifted = federated.train_on(config, fitted.after, clients, keys)
    one_more = federated.fit(config._replace(rounds=config.rounds + 1), clients, keys)
    same(drifted, one_more.before)
    test = Split(clients.public, np.arange(20) % 3)
    found = evaluation.client_drift(config, fitted.after, drifted, test)
    for seed in range(2):
        after, later = (
            [one_of(one_of(x[0], seed), k) for k in range(3)] for x in (fitted.after, drifted)
        )
        first, last = (
            np.stack([np.argmax(logits_by_hand(x, test.inputs), -1) for x in of])
            for of in (after, later)
        )
        apart = [
            sum(np.sum((np.float64(a) - b) ** 2) for a, b in zip(*map(jax.tree.leaves, pair)))
            for pair in zip(after, later)
        ]
        np.testing.assert_allclose(found["client_drift"][seed], np.mean(apart), rtol=1e-4)
        assert found["drift_agreement"][seed] == np.mean(first == last)
        np.testing.assert_allclose(found["drifted_accuracy"][seed], np.mean(last == test.labels))
    still = evaluation.client_drift(config, fitted.after, fitted.after, test)
    assert not still["client_drift"].any() and (still["drift_agreement"] == 1).all()


def test_seeds_learn_together_what_they_learn_alone():
    config = config_of(aggregation.fedmd(aggregation.median))
    partitions = [clients_of(), clients_of(parts=((0,), (1, 2), (3, 4, 5, 6)))]
    keys = jax.random.split(jax.random.key(4), 2)

    def fit(*seeds):
        rows, counts = (
            np.stack([getattr(partitions[seed], x) for seed in seeds]) for x in ("rows", "counts")
        )
        clients = partitions[0]._replace(rows=rows, counts=counts)
        found = federated.fit(config, jax.device_put(clients), keys[np.array(seeds)])
        return jax.tree.map(np.asarray, found)

    together, (inputs, labels) = fit(0, 1), partitions[0].validation
    same(fit(1, 0), jax.tree.map(lambda x: x[::-1], together))
    for seed in range(2):
        found = one_of(together, seed)
        same(found, one_of(fit(seed, seed), 1))  # as if there were no other
        _, (after,), curve, _ = found
        right = [
            np.argmax(logits_by_hand(one_of(after, k), inputs), -1) == labels for k in range(3)
        ]
        assert curve.shape == (2,)
        np.testing.assert_allclose(curve[-1], np.mean(right), rtol=1e-6)


def test_bytes_by_hand():
    config = config_of(groups=BOTH)
    # 4-6-3 has 4·6 + 6 + 6·3 + 3 = 51 numbers, 4-2-2-3 has 10 + 6 + 9 = 25; there and back
    assert aggregation.bytes_of_weights(config, 20, 3) == 2 * 4 * (3 * 51 + 2 * 25)
    assert aggregation.bytes_of_logits(config, 20, 3) == 2 * 4 * 5 * 20 * 3
    assert aggregation.no_bytes(config, 20, 3) == 0
