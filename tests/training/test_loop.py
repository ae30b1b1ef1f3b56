"""Training is a pure function: however it is stacked or ordered, each member is a plain loop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small_training import (
    BATCH,
    DATA,
    EPOCHS,
    NUMBERS,
    OPTIMIZER,
    ORDER,
    ROWS,
    SHUFFLED,
    assert_same,
    fitted,
    init,
    loss_fn,
    states,
    whole,
)

from kd_jax.errors import InputError
from kd_jax.runtime import compilation
from kd_jax.runtime.execution import Execution
from kd_jax.training import loop as train
from kd_jax.training import samplers, step_program
from kd_jax.training import state as train_state

STEP = jax.jit(train_state.make_step(loss_fn, OPTIMIZER))


def loop(seed, arm):
    """The same training as a plain Python loop over one member."""
    state = jax.tree.map(lambda x: x[seed, arm], states())
    means = []
    for epoch in range(EPOCHS):
        losses = []
        for rows in np.asarray(ORDER(seed, epoch)):
            batch = {name: values[rows] for name, values in DATA.items()}
            own = {"weight": NUMBERS["weight"][seed, arm]}
            state, metrics = STEP(state, train_state.Batch(batch, own))
            losses.append(metrics["loss"])
        means.append(np.mean(losses))
    return state, means


@pytest.mark.parametrize("seed, arm", [(0, 0), (1, 1), (2, 0)])
def test_scanned_and_vmapped_is_a_loop_over_one_member(seed, arm):
    state, curves = whole()
    alone, means = loop(seed, arm)
    assert_same(jax.tree.map(lambda x: x[seed, arm], state), alone, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(curves["loss"][:, seed, arm], means, rtol=2e-5)


def test_one_number_for_all_seeds_gives_them_the_same_batches():
    shared, curves = fitted(seeds=4)
    each, other = fitted(seeds=[4, 4, 4])
    assert_same((shared, curves), (each, other), rtol=1e-5, atol=1e-6)


def test_every_epoch_shows_each_row_once_and_each_seed_its_own_order():
    orders = np.stack([[np.ravel(SHUFFLED(s, e)) for e in range(3)] for s in range(2)])
    assert (np.sort(orders, axis=-1) == np.arange(ROWS)).all()
    assert len({order.tobytes() for order in orders.reshape(6, ROWS)}) == 6


def test_a_partial_batch_is_dropped_and_rows_can_be_chosen():
    order = samplers.shuffled(jax.random.key(0), np.array([3, 5, 8, 13, 21]), 2)
    drawn = np.asarray(order(0, 0))
    assert drawn.shape == (2, 2)
    assert set(drawn.ravel()) <= {3, 5, 8, 13, 21}


def test_own_rows_belong_to_their_seed():
    """With the target of seed s equal to s and no inputs, the bias of seed s converges to s."""
    own = {"y": np.repeat(np.arange(3, dtype=np.float32)[:, None], ROWS, axis=1)}

    def bias_loss(variables, batch, key):
        error = variables["params"]["b"] - batch.rows["y"]
        return train_state.Outcome(jnp.mean(error**2))

    state, _ = train.fit(
        bias_loss, optax.sgd(0.4), train_state.members(init, optax.sgd(0.4), jax.random.split(
            jax.random.key(0), 3)), {"x": DATA["x"]}, SHUFFLED, epochs=5, own=own,
    )  # fmt: skip
    # b ← b − 0.4 · 2 (b − s) leaves 0.2 of the distance per step: 0.2^20 after 20 steps
    np.testing.assert_allclose(state.params["b"][:, 0], [0, 1, 2], atol=1e-6)


def test_what_is_shared_is_seen_whole_by_every_step():
    """Three prototypes, none of which belongs to a row, as if the loss held them itself."""
    table = np.arange(9, dtype=np.float32).reshape(3, 3) / 9

    def near(variables, batch, key):
        prototypes = batch.shared["table"]
        found, wanted = batch.rows["x"] @ prototypes["of"].T, prototypes["sum"][0]
        error = found @ variables["params"]["w"] - wanted
        return train_state.Outcome(jnp.mean(error**2))

    def held(variables, batch, key):
        own = {"table": {"of": table, "sum": (2.0,)}}
        return near(variables, batch._replace(shared=own), key)

    def trained(loss, **more):
        return train.fit(loss, OPTIMIZER, states(), DATA, ORDER, epochs=EPOCHS, **more)

    shared = {"table": {"of": table, "sum": (np.float32(2),)}}
    assert_same(trained(near, shared=shared), trained(held), rtol=1e-5, atol=1e-6)


def test_a_training_that_begins_again_is_one_of_its_own():
    def begun(seeds):
        return train.Training(
            loss_fn, OPTIMIZER, states(), DATA, ORDER, epochs=EPOCHS, numbers=NUMBERS, seeds=seeds
        )

    training = begun([0, 1, 2])
    training.run()
    training.again(states(), [5, 6, 7])
    assert_same(training.run(), begun([5, 6, 7]).run())


def test_what_is_watched_is_of_each_member_at_the_end_of_each_epoch():
    def far(variables, arrays):
        return {"far": jnp.sum((arrays["x"] @ variables["params"]["w"]) ** 2)}

    epoch_metrics = train.EpochMetrics(far, {"x": DATA["x"][:4]})
    state, curves = fitted(epoch_metrics=epoch_metrics)
    untouched, _ = whole()
    assert curves["far"].shape == (EPOCHS, 3, 2)
    expected = np.sum((np.asarray(state.params["w"]) @ DATA["x"][:4].T) ** 2, -1)
    np.testing.assert_allclose(curves["far"][-1], expected, rtol=1e-5)
    np.testing.assert_array_equal(state.params["w"], untouched.params["w"])
    # the curve of a shorter training is the beginning of the longer one's
    _, shorter = fitted(epochs=2, epoch_metrics=epoch_metrics)
    np.testing.assert_allclose(shorter["far"], curves["far"][:2], rtol=1e-6)


def test_a_batch_larger_than_the_rows_is_refused():
    with pytest.raises(InputError, match="3 rows do not fill a batch of 8"):
        samplers.shuffled(jax.random.key(0), 3, 8)


def test_a_member_that_loses_its_loss_is_marked_with_its_step_and_the_others_go_on(tmp_path):
    """One arm of one seed is told to see a row that spoils it; which step that is says the order.

    It stays marked although a later loss of it would be finite: nothing here depends on its w.
    """
    spoilt = np.zeros((3, 2), np.float32)
    spoilt[1, 0] = 1.0

    def spoiling(variables, batch, key):
        found = loss_fn(variables, batch, key)
        bad = jnp.any(batch.rows["row"] == 13) & (batch.numbers["spoilt"] > 0)
        return found._replace(loss=found.loss + jnp.where(bad, jnp.nan, 0.0))

    data = DATA | {"row": np.arange(ROWS)}
    numbers = NUMBERS | {"spoilt": spoilt}
    fit = lambda loss, **more: train.fit(  # noqa: E731
        loss, OPTIMIZER, states(), data, ORDER, epochs=2, numbers=numbers, **more
    )
    state, curves = fit(spoiling)
    steps = np.asarray(ORDER(1, 0))
    (first,) = np.flatnonzero((steps == 13).any(1))
    wanted = np.full((3, 2), -1)
    wanted[1, 0] = first
    np.testing.assert_array_equal(train_state.diverged(state), wanted)
    others = wanted < 0
    sound, same = fit(loss_fn)
    np.testing.assert_array_equal(state.params["w"][others], sound.params["w"][others])
    assert np.isnan(curves["loss"][:, 1, 0]).all() and np.isfinite(curves["loss"][:, others]).all()
    assert (train_state.diverged(sound) == -1).all() and np.isfinite(same["loss"]).all()


def test_what_is_compiled_without_optimisations_computes_the_same():
    state, curves = whole()
    hasty_state, hasty_curves = fitted(execution=Execution(fast_compile=True))
    assert Execution(fast_compile=True).compiler_options() == compilation.quick_options()
    assert Execution().compiler_options() is None
    assert_same((state.params, curves), (hasty_state.params, hasty_curves), rtol=1e-5, atol=1e-6)


def test_a_column_of_the_data_may_bear_the_name_of_a_number():
    """A column of tens called "weight" beside the numbers ½ and 1 of that name: both are seen."""
    numbers = {"weight": np.array([[0.5, 1.0]], np.float32)}

    def loss(variables, batch, key):
        seen = batch.rows["weight"].mean() * batch.numbers["weight"]
        return train_state.Outcome(variables["params"]["b"] * 0.0, {"seen": seen})

    data = {**DATA, "weight": np.full(ROWS, 10.0, np.float32)}
    _, curves = train.fit(loss, OPTIMIZER, states(seeds=1), data, ORDER, epochs=1, numbers=numbers)
    np.testing.assert_allclose(curves["seen"][0, 0], [5.0, 10.0])


def test_the_mean_of_counts_is_no_count(monkeypatch):
    # The steps see the rows 0 to 3 and 4 to 7: 3 and then 4 of them are above 0.
    data = {"inputs": np.arange(8, dtype=np.float32)}

    def counted(variables, batch, key):
        above = jnp.sum(batch.rows["inputs"] > 0)
        return train_state.Outcome(jnp.sum(variables["params"]), {"above": above})

    def in_order(seed, epoch):
        return jnp.arange(8).reshape(2, 4)

    for step_by_step in (False, True):
        monkeypatch.setattr(step_program, "is_faster", lambda jaxpr, told=step_by_step: told)
        start = train_state.members(
            lambda key: {"params": jnp.zeros(2), "state": {}},
            OPTIMIZER,
            jax.random.split(jax.random.key(0), 1),
        )
        _, curves = train.fit(counted, OPTIMIZER, start, data, in_order, epochs=1)
        assert curves["above"].tolist() == [[[3.5]]]


def test_trainings_in_other_orders_are_one_program():
    def program(sampler):
        more = {"epochs": 2, "numbers": NUMBERS}
        return train.Training(loss_fn, OPTIMIZER, states(), DATA, sampler, **more).program

    for draw in (samplers.shuffled, samplers.scattered):
        one = draw(jax.random.key(1), np.arange(1, ROWS), BATCH)
        other = draw(jax.random.key(2), np.arange(ROWS - 1), BATCH)
        assert not np.array_equal(one(0, 0), other(0, 0))
        assert program(one) is program(other)


def test_a_seeds_arms_see_one_view_of_a_step_whichever_train_together():
    def see(rows, key):
        return {**rows, "x": rows["x"] + jax.random.normal(key, (1, 3)), "y": rows["y"]}

    def loss(variables, batch, key):
        outcome = loss_fn(variables, batch, key)
        # the first arm diverges in the second step, and the second goes on
        bad = (batch.numbers["weight"] > 1) & (variables["params"]["b"] != 0)
        metrics = {"view": jnp.sum(batch.rows["x"] * batch.rows["y"][:, None])}
        return train_state.Outcome(jnp.where(bad, jnp.nan, outcome.loss), metrics)

    numbers = {"weight": np.tile(np.float32([2.0, 0.5]), (3, 1))}

    def trained(**options):
        return train.fit(
            loss, OPTIMIZER, states(), DATA, ORDER, epochs=EPOCHS, numbers=numbers, views=see,
            **options,
        )  # fmt: skip

    state, curves = trained()
    assert (train_state.diverged(state) == [[1, -1]] * 3).all()
    np.testing.assert_array_equal(curves["view"][..., 0], curves["view"][..., 1])
    apart, alone = trained(execution=Execution(members_per_chunk=1))
    np.testing.assert_allclose(alone["view"][..., 1], curves["view"][..., 1], rtol=1e-5)
    np.testing.assert_allclose(apart.params["w"][:, 1], state.params["w"][:, 1], rtol=1e-4)
