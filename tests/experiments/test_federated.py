"""Federated learning: deals by hand, exchanges against numpy, and the whole at its smallest."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.federated import report
from experiments.federated import run as experiment
from kd_jax import experiment as config
from kd_jax import models
from kd_jax.data import partition
from kd_jax.distill import aggregation, federated
from kd_jax.errors import InputError

LABELS = np.repeat(np.arange(10), 200)


def test_a_deal_gives_every_row_to_one_client():
    for alpha in (0.1, 1, 100):
        parts = partition.dirichlet(LABELS, 7, alpha, seed=3, least=5)
        assert sorted(np.concatenate(parts).tolist()) == list(range(2000))
        assert min(map(len, parts)) >= 5


def test_small_alphas_deal_few_classes_and_large_ones_all_alike():
    def shares(alpha):
        parts = partition.dirichlet(LABELS, 10, alpha, seed=0)
        return np.array([np.bincount(LABELS[rows], minlength=10) for rows in parts]) / 200

    # Dirichlet shares of K clients have variance (1/K)(1 − 1/K)/(Kα + 1)
    for alpha in (0.1, 1, 100):
        found, expected = shares(alpha).var(), 0.09 / (10 * alpha + 1)
        assert 0.6 < found / expected < 1.5  # 100 shares; rounding to rows adds little
    assert (shares(0.1) > 0.05).sum(1).mean() < 5 and (shares(100) > 0.05).all()


def test_bad_deals_are_one_line():
    with pytest.raises(InputError, match="alpha is 0"):
        partition.dirichlet(LABELS, 3, 0.0, seed=0)
    with pytest.raises(InputError, match="fewer than 900; take more rows"):
        partition.dirichlet(LABELS, 3, 0.1, seed=0, least=900)


def test_rows_that_fill_a_table_up_never_count():
    rows, counts = partition.table([np.array([4, 7, 9]), np.array([2])], 6)
    assert rows.tolist() == [[4, 7, 9, -1, -1, -1], [2, -1, -1, -1, -1, -1]]
    assert counts.tolist() == [3, 1]
    for own, count, known in zip(rows, counts, ({4, 7, 9}, {2})):
        found = partition.drawn(jax.random.key(0), jnp.asarray(own), count, 900)
        assert set(np.asarray(found).tolist()) == known
    shares = np.bincount(np.asarray(partition.drawn(jax.random.key(1), rows[0], 3, 9000)))
    np.testing.assert_allclose(shares[[4, 7, 9]] / 9000, 1 / 3, atol=0.02)  # s.d. 0.005


def network(*widths):
    return models.functional(models.MLP(widths, 3), (4,))


WIDE, NARROW = network(6), network(2, 2)


def plan_of(exchange, *, groups=((WIDE, 3),), steps=5, digest=5, rounds=2, rate=0.1):
    return federated.Plan(groups, optax.sgd(rate), exchange, rounds, steps, digest, batch=4)


def world_of(parts=((0, 1, 2, 3), (4, 5), (6, 7, 8, 9, 10, 11)), poison=False):
    random = np.random.default_rng(0)
    inputs = random.normal(size=(13, 4)).astype("f4")
    if poison:
        inputs[12] = np.nan  # the row that −1 means
    labels = random.integers(3, size=13).astype("i4")
    rows, counts = partition.table([np.array(part) for part in parts], 13)
    public = random.normal(size=(20, 4)).astype("f4")
    held = inputs[:12], labels[:12]
    return jax.tree.map(jnp.asarray, federated.World(inputs, labels, rows, counts, public, held))


def different(model, count):
    """Parameters of clients that all differ."""
    return jax.vmap(model.init)(jax.random.split(jax.random.key(7), count))


def same(ours, theirs, rtol=1e-5, atol=1e-6):
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def test_clients_train_on_their_own_rows_alone():
    plan, params, key = plan_of(aggregation.alone), (different(WIDE, 3),), jax.random.key(0)
    found = federated.on_own_rows(plan, params, world_of(), key)
    # a filling row of NaN, and other labels of another client's rows, change nothing
    same(federated.on_own_rows(plan, params, world_of(poison=True), key), found, 0, 0)
    world = world_of()
    changed = world._replace(labels=world.labels.at[4:6].add(1) % 3)
    other = federated.on_own_rows(plan, params, changed, key)
    moved = [np.abs(a - b).max(tuple(range(1, a.ndim))) for a, b in zip(
        jax.tree.leaves(other), jax.tree.leaves(found))]  # fmt: skip
    moved = np.max(moved, axis=0)
    assert moved[0] == moved[2] == 0 < moved[1]


def test_a_step_is_gradient_descent_on_the_cross_entropy():
    # one row each, so that every batch is four times that row: θ − η ∂(−log q_y)
    world, rate = world_of(parts=((0,), (4,))), 0.3
    plan = plan_of(aggregation.alone, groups=((network(), 2),), steps=1, rate=rate)
    params = different(network(), 2)
    (found,) = federated.on_own_rows(plan, (params,), world, jax.random.key(1))
    for client, row in enumerate((0, 4)):
        x, y = np.float64(world.inputs[row]), int(world.labels[row])
        kernel = np.float64(params["logits"]["kernel"][client])
        q = np.exp(x @ kernel) / np.exp(x @ kernel).sum()
        expected = kernel - rate * np.outer(x, q - np.eye(3)[y])
        np.testing.assert_allclose(found["logits"]["kernel"][client], expected, atol=1e-6)


def test_clients_trained_together_are_those_trained_alone():
    world, key = world_of(), jax.random.key(2)
    plan, params = plan_of(aggregation.alone), different(WIDE, 3)
    (found,) = federated.on_own_rows(plan, (params,), world, key)
    keys = jax.random.split(key, 3)
    for client in range(3):

        def draw(key, client=client):
            rows = partition.drawn(key, world.rows[client], world.counts[client], plan.batch)
            return {"inputs": world.inputs[rows], "labels": world.labels[rows]}

        one = jax.tree.map(lambda x, client=client: x[client], params)
        loss = federated.supervised.loss(WIDE.apply)
        alone = federated.trained(loss, plan, one, draw, plan.steps, keys[client])
        same(alone, jax.tree.map(lambda x, client=client: x[client], found))


def test_federated_averaging_weighs_clients_by_their_rows():
    params = different(WIDE, 3), different(NARROW, 2)
    groups = (WIDE, 3), (NARROW, 2)
    world = world_of(parts=((0, 1, 2, 3), (4, 5), (6,), (7, 8, 9), (10,)))
    found = aggregation.fedavg(plan_of(aggregation.fedavg, groups=groups), params, world, None)
    for ours, theirs, counts in zip(found, params, ([4, 2, 1], [3, 1])):

        def weighted(x, counts=counts):
            each = sum(n * np.float64(one) for n, one in zip(counts, x))
            return np.broadcast_to(each / sum(counts), x.shape)

        same(ours, jax.tree.map(weighted, theirs))


def test_of_equal_clients_the_mean_is_each_of_them():
    one = WIDE.init(jax.random.key(0))
    params = (jax.tree.map(lambda x: jnp.stack([x] * 3), one),)
    plan = plan_of(aggregation.fedavg)
    same(aggregation.fedavg(plan, params, world_of(), None), params)
    # and a network that digests its own scores stays as it is: p = q has no gradient
    plan = plan_of(aggregation.feddf, digest=7)
    same(aggregation.feddf(plan, params, world_of(), jax.random.key(0)), params)
    exchange = aggregation.fedmd(aggregation.mean)
    same(exchange(plan, params, world_of(), jax.random.key(0)), params)


def divergence(model, params, inputs, consensus):
    """Mean KL(p ‖ q) at T = 1, in float64."""

    def log_softmax(z):
        z = np.float64(z)
        return z - np.log(np.exp(z).sum(-1, keepdims=True))

    log_p, log_q = log_softmax(consensus), log_softmax(model.apply(params, inputs)[0])
    return (np.exp(log_p) * (log_p - log_q)).sum(-1).mean()


@pytest.mark.parametrize("exchange", [aggregation.feddf, aggregation.fedmd(aggregation.mean)])
def test_architectures_that_differ_learn_one_consensus(exchange):
    groups, world = ((WIDE, 3), (NARROW, 2)), world_of(parts=((0, 1), (2,), (3,), (4,), (5,)))
    params = different(WIDE, 3), different(NARROW, 2)
    before = np.concatenate([
        [model.apply(jax.tree.map(lambda x, k=k: x[k], p), world.public)[0] for k in range(count)]
        for (model, count), p in zip(groups, params)
    ])  # fmt: skip
    plan = plan_of(exchange, groups=groups, digest=200)
    np.testing.assert_allclose(federated.scores(plan, params, world.public), before, atol=1e-6)
    after = exchange(plan, params, world, jax.random.key(0))
    begun = (
        aggregation.fedavg(plan, params, world, None) if exchange is aggregation.feddf else params
    )
    for (model, count), first, last in zip(groups, begun, after):
        for k in range(count):
            first_k, last_k = (jax.tree.map(lambda x, k=k: x[k], p) for p in (first, last))
            consensus = before.mean(0)
            apart = [divergence(model, p, world.public, consensus) for p in (first_k, last_k)]
            # two ReLUs may be off for most inputs: then only the biases learn
            assert apart[1] < (0.7 if model is WIDE else 1) * apart[0]


def test_two_of_ten_that_lie_move_the_mean_and_not_the_median():
    honest = np.random.default_rng(0).normal(size=(4, 3)).astype("f4")
    sent = np.stack([honest] * 10)
    np.testing.assert_array_equal(aggregation.wrong(honest), honest[:, [2, 0, 1]])
    sent[:2] = aggregation.wrong(honest)
    np.testing.assert_array_equal(aggregation.median(sent), honest)
    expected = 0.8 * honest + 0.2 * honest[:, [2, 0, 1]]
    np.testing.assert_allclose(aggregation.mean(sent), expected, rtol=1e-5, atol=1e-6)


def test_liars_are_the_first_clients_and_lie_in_what_they_send_alone():
    params, world, key = (different(WIDE, 3),), world_of(), jax.random.key(0)
    heard = []

    def listen(logits):
        heard.append(np.asarray(logits))
        return aggregation.mean(logits)

    plan = plan_of(None)
    aggregation.fedmd(listen, liars=1)(plan, params, world, key)
    said = np.asarray(federated.scores(plan, params, world.public))
    np.testing.assert_allclose(heard[0][0], said[0][:, [2, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(heard[0][1:], said[1:], atol=1e-6)


def test_seeds_learn_together_what_they_learn_alone():
    plan, keys = (
        plan_of(aggregation.fedmd(aggregation.median)),
        jax.random.split(jax.random.key(4), 2),
    )
    deals = [world_of(), world_of(parts=((0,), (1, 2), (3, 4, 5, 6)))]
    rows, counts = (jnp.stack([getattr(w, x) for w in deals]) for x in ("rows", "counts"))
    together = federated.learn(plan, deals[0]._replace(rows=rows, counts=counts), keys)
    for seed, world in enumerate(deals):
        one = world._replace(rows=world.rows[None], counts=world.counts[None])
        alone = federated.learn(plan, one, keys[seed : seed + 1])
        found = jax.tree.map(lambda x, seed=seed: x[seed], together)
        same(found, jax.tree.map(lambda x: x[0], alone))
        (_, after, curve), (inputs, labels) = found, world.held
        right = [
            np.argmax(WIDE.apply(jax.tree.map(lambda x, k=k: x[k], after[0]), inputs)[0], -1)
            == labels
            for k in range(3)
        ]
        assert curve.shape == (2,)
        np.testing.assert_allclose(curve[-1], np.mean(right), rtol=1e-6)


def test_bytes_by_hand():
    plan = plan_of(None, groups=((WIDE, 3), (NARROW, 2)))
    # 4-6-3 has 4·6 + 6 + 6·3 + 3 = 51 numbers, 4-2-2-3 has 10 + 6 + 9 = 25; there and back
    assert aggregation.bytes_of_weights(plan, 20, 3) == 2 * 4 * (3 * 51 + 2 * 25)
    assert aggregation.bytes_of_scores(plan, 20, 3) == 2 * 4 * 5 * 20 * 3
    assert aggregation.no_bytes(plan, 20, 3) == 0


def test_parts_of_the_training_rows_are_disjoint():
    settings = experiment.Config(private=100, public=30, validation=20)
    inputs = np.arange(160.0)
    split = experiment.Split(inputs, np.arange(160) % 10)
    private, held, inputs = experiment.dealt(settings, split, np.zeros(50))
    found = [private.inputs, inputs["public"], held.inputs]
    assert [len(x) for x in found] == [100, 30, 20] and len(inputs["others"]) == 30
    assert len(np.unique(np.concatenate(found))) == 150
    assert all((x.inputs % 10 == x.labels).all() for x in (private, held))


@pytest.mark.parametrize(
    "flag, text",
    [
        ("--alphas=1,0", "--alphas=1,0: expected finite, distinct numbers above 0"),
        ("--alphas=1,1", "expected finite, distinct numbers"),
        ("--liars=2", "--liars=2: expected at least 1 and fewer than half of 4"),
        ("--clients=2", "--clients=2: expected at least 3"),
        ("--private=2900", "are 3300 rows: there are 3000"),
        ("--public=1799", "--public=1799: there are 1797 others"),
        ("--rounds=0", "--rounds=0: expected at least 1"),
    ],
)
def test_bad_settings_are_one_line(tmp_path, flag, text):
    command = ["federated", "--preset=smoke", f"--workdir={tmp_path}", "--private=1000", flag]
    with pytest.raises(InputError) as error:
        experiment.run(config.parse(experiment.Config, command))
    assert text in str(error.value) and "\n" not in str(error.value)


def test_a_smoke_run_has_every_row_of_every_skew(tmp_path):
    preset = experiment.Config.PRESETS["smoke"]
    experiment.run(experiment.Config(**preset, preset="smoke", workdir=str(tmp_path)))
    (folder,) = (tmp_path / "federated").iterdir()
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    found = {(r["part"], r["row"], r["seed"]) for r in records}
    assert found == {(a, row, s) for a in ("0.5", "100") for row in report.ROWS for s in (0, 1)}
    assert len(records) == len(found)
    for r in records:
        if r["row"] in (report.LOCAL, report.CENTRAL):  # there is no exchange
            assert r["client_accuracy"] == r["test_accuracy"] and r["bytes"] == 0
    sent = {r["row"]: r["bytes"] for r in records}
    assert sent[report.FEDAVG] == 2 * 4 * 4 * (784 * 16 + 16 + 16 * 10 + 10)
    assert sent[report.FEDMD] == 2 * 4 * 4 * 200 * 10
    assert {path.name for path in folder.glob("*.png")} == {"by_round.png", "wrong_logits.png"}
