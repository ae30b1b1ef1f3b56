"""Federated learning: partitions by hand, aggregation against numpy, a real smoke run."""

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.federated import report
from experiments.federated import rows as names
from experiments.federated import run as federation
from experiments.federated.config import Config
from kd_jax import experiment, models
from kd_jax.data import Split, partition
from kd_jax.distill import aggregation, federated, teachers
from kd_jax.errors import InputError
from kd_jax.storage import jsonl, run_folder

LABELS = np.repeat(np.arange(10), 200)


def test_a_partition_gives_every_row_to_one_client():
    for alpha in (0.1, 1, 100):
        parts = partition.dirichlet(LABELS, 7, alpha, seed=3, least=5)
        assert sorted(np.concatenate(parts).tolist()) == list(range(2000))
        assert min(map(len, parts)) >= 5


def test_small_alphas_give_few_classes_and_large_ones_all_alike():
    def shares(alpha):
        parts = partition.dirichlet(LABELS, 10, alpha, seed=0)
        return np.array([np.bincount(LABELS[rows], minlength=10) for rows in parts]) / 200

    # Dirichlet shares of K clients have variance (1/K)(1 − 1/K)/(Kα + 1)
    for alpha in (0.1, 1, 100):
        found, expected = shares(alpha).var(), 0.09 / (10 * alpha + 1)
        assert 0.6 < found / expected < 1.5  # 100 shares; rounding to rows adds little
    assert (shares(0.1) > 0.05).sum(1).mean() < 5 and (shares(100) > 0.05).all()


def test_bad_partitions_are_one_line():
    with pytest.raises(InputError, match="alpha is 0"):
        partition.dirichlet(LABELS, 3, 0.0, seed=0)
    with pytest.raises(InputError, match="fewer than 900; take more rows"):
        partition.dirichlet(LABELS, 3, 0.1, seed=0, least=900)


def test_padding_is_never_drawn():
    rows, counts = partition.padded([np.array([4, 7, 9]), np.array([2])], 6)
    assert rows.tolist() == [[4, 7, 9, -1, -1, -1], [2, -1, -1, -1, -1, -1]]
    assert counts.tolist() == [3, 1]
    for own, count, known in zip(rows, counts, ({4, 7, 9}, {2})):
        found = partition.sample(jax.random.key(0), jnp.asarray(own), count, 900)
        assert set(np.asarray(found).tolist()) == known
    shares = np.bincount(np.asarray(partition.sample(jax.random.key(1), rows[0], 3, 9000)))
    np.testing.assert_allclose(shares[[4, 7, 9]] / 9000, 1 / 3, atol=0.02)  # s.d. 0.005


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


def test_parts_of_the_training_rows_are_disjoint():
    config = Config(client_rows=100, public_rows=30, validation=20)
    inputs = np.arange(160.0)
    parts = federation.split(config, Split(inputs, np.arange(160) % 10), np.zeros(50))
    found = [parts.clients.inputs, parts.public["public"], parts.validation.inputs]
    assert [len(x) for x in found] == [100, 30, 20] and len(parts.public["out-of-domain"]) == 30
    assert len(np.unique(np.concatenate(found))) == 150
    assert all((x.inputs % 10 == x.labels).all() for x in (parts.clients, parts.validation))


def test_a_base_seed_changes_who_has_which_rows_and_skews_share_them():
    split = Split(np.arange(400.0), np.arange(400) % 10)
    smoke = dict(client_rows=200, public_rows=30, validation=20, clients=3, byzantine=1)
    method = federation.methods(1)[0]

    def drawn(base, alpha=1.0):
        config = Config(**smoke, seeds=2, least_rows=1, base_seed=base)
        parts = federation.split(config, split, np.zeros(50))
        clients = federation.client_data(config, method, alpha, parts)
        assert not np.array_equal(*clients.rows)  # of the two seeds
        return parts.clients.inputs, parts.validation.inputs, clients.rows

    for one, same, other in zip(drawn(0), drawn(0), drawn(1)):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)
    np.testing.assert_array_equal(drawn(0)[0], drawn(0, alpha=100.0)[0])


def test_centralized_steps_are_of_as_many_rows_as_those_of_all_clients():
    config = Config(batch_size=7, clients=4, byzantine=1)
    local, *_, central = (federation.federation(config, x) for x in federation.methods(1))
    assert (local.batch_size, central.batch_size) == (7, 28)
    assert local.optimizer is central.optimizer  # so that programs are shared


@pytest.mark.parametrize(
    "flag, text",
    [
        ("--alphas=1,0", "--alphas=0: expected a finite number above 0"),
        ("--alphas=1,1", "--alphas=1,1: the same value stands there twice"),
        ("--byzantine=2", "--byzantine=2: expected at least 1 and fewer than half of 4"),
        ("--byzantine=0", "--byzantine=0: expected at least 1"),
        ("--clients=2", "--clients=2: expected at least 3"),
        ("--client_rows=2900", "are 3100 rows in all: there are 3000"),
        ("--public_rows=1799", "--public_rows=1799: there are 1797 out-of-domain images"),
        ("--least_rows=900", "one always has fewer than 900; take more rows, fewer clients"),
        ("--rounds=0", "--rounds=0: expected at least 1"),
    ],
)
def test_bad_settings_are_one_line(tmp_path, flag, text):
    command = ["federated", "--preset=smoke", f"--workdir={tmp_path}", "--client_rows=1000", flag]
    with pytest.raises(InputError) as error:
        config = experiment.parse(Config, command)
        federation.run(config, run_folder.Run(tmp_path, "federated", config.results_key()))
    assert text in str(error.value) and "\n" not in str(error.value)


def test_a_small_run_records_what_was_reached_and_sent(tmp_path, monkeypatch):
    """One row of each kind: nothing, weights or logits are sent; no clients at all."""
    chosen = (names.LOCAL, names.FEDAVG, names.ATTACKED_MEDIAN, names.CENTRAL)
    every = federation.methods(1)
    some = [method for method in every if method.row in chosen]
    monkeypatch.setattr(federation, "methods", lambda byzantine: some)
    config = Config(**Config.PRESETS["smoke"], preset="smoke")
    run = run_folder.Run(tmp_path, "federated", config.results_key())
    federation.run(config, run)
    records = [json.loads(x) for x in run.path("records.jsonl").read_text().splitlines()]
    found = {(r["part"], r["row"], r["seed"]): r for r in records}
    assert len(found) == len(records)
    assert set(found) == {("0.5", row, seed) for row in chosen for seed in (0, 1)}
    for (_, row, _), r in found.items():
        assert len(r["validation_curve"]) == config.rounds
        assert 0 <= r["worst_accuracy"] <= r["test_accuracy"] <= 1
        if row in (names.LOCAL, names.CENTRAL):  # nothing is aggregated
            assert r["client_accuracy"] == r["test_accuracy"] and r["bytes"] == 0
    sent = {r["row"]: r["bytes"] for r in records}
    assert sent[names.FEDAVG] == 2 * 4 * 4 * (784 * 16 + 16 + 16 * 10 + 10)
    assert sent[names.ATTACKED_MEDIAN] == 2 * 4 * 4 * 100 * 10
    every_client = [found["0.5", names.FEDAVG, seed] for seed in (0, 1)]
    assert all(r["worst_accuracy"] == r["test_accuracy"] for r in every_client)  # one network


def test_the_table_and_both_figures_of_records_by_hand(tmp_path):
    written = []
    for (a, alpha), (n, row) in itertools.product(enumerate(("0.5", "100")), enumerate(names.ROWS)):
        for seed in (0, 1):
            right = 0.5 + 0.2 * a + 0.01 * n + 0.02 * seed
            reached = dict.fromkeys(("test_accuracy", "worst_accuracy"), right)
            reached |= {"client_accuracy": right - 0.1, "ensemble_accuracy": right + 0.05}
            more = {"validation_curve": [0.4, right], "bytes": 0 if n in (0, 11) else 1000 * n}
            written.append({"part": alpha, "row": row, "seed": seed, **reached, **more})
    (tmp_path / "records.jsonl").write_text(jsonl.text(written))
    settings = Config(**Config.PRESETS["smoke"]).results_key()
    (tmp_path / "config.json").write_text(json.dumps(settings))
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in report.table(tmp_path).splitlines()
        if line.startswith("|")
    ]
    # FedDF is the third row: 52 and 54 % at alpha 0.5, 2 points above local training in each seed
    (line, *_) = (x for x in cells if x[0] == names.FEDDF)
    assert line[1] == "53.00 ± 1.41" and line[2].startswith("+2.00 [") and line[3] == "BEATS"
    assert line[4:] == ["53.0", "43.0", "58.0", "2,000"]
    # the server is 10 points above a client before, 5 below the ensemble
    (server,) = (x for x in cells if x[0] == "100" and x[1].startswith("+10.00"))
    assert server[2] == "BEATS" and server[3].startswith("−5.00") and server[4] == "WORSE"
    # the attacked mean is 4 rows below FedMD, the attacked median 2 below the median
    lost = [x[1:3] for x in cells if x[0] == "0.5" and len(x) == 4]
    assert lost == [["−4.00 ± 0.00", "−2.00 ± 0.00"]]
    report.draw(tmp_path)
    for name in ("by_round.png", "label_shift_attack.png"):
        assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.slow
def test_a_smoke_run_has_every_row_of_every_skew(tmp_path):
    config = Config(**Config.PRESETS["smoke"], preset="smoke")
    run = run_folder.Run(tmp_path, "federated", config.results_key())
    federation.run(config, run)
    run.conclude(report.table, report.draw)
    records = [json.loads(x) for x in run.path("records.jsonl").read_text().splitlines()]
    found = {(r["part"], r["row"], r["seed"]) for r in records}
    assert found == {("0.5", row, s) for row in names.ROWS for s in (0, 1)}
    assert len(records) == len(found)
    for r in records:
        if r["row"] in (names.LOCAL, names.CENTRAL):  # nothing is aggregated
            assert r["client_accuracy"] == r["test_accuracy"] and r["bytes"] == 0
    sent = {r["row"]: r["bytes"] for r in records}
    assert sent[names.FEDAVG] == 2 * 4 * 4 * (784 * 16 + 16 + 16 * 10 + 10)
    assert sent[names.FEDMD] == 2 * 4 * 4 * 100 * 10
    figures = {path.name for path in run.folder.glob("*.png")}
    assert figures == {"by_round.png", "label_shift_attack.png"}
