"""The gradient of RKD-A, which is written out, against automatic differentiation in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kd_jax import losses


def plain(x, theirs):
    """The loss as the paper has it, in the precision of its arguments; coinciding pairs have 0."""

    def cosines(x):
        apart = x[None] - x[:, None]
        squares = jnp.sum(apart**2, -1)
        alive = squares > 0
        directions = apart / jnp.sqrt(jnp.where(alive, squares, 1))[..., None]
        directions = jnp.where(alive[..., None], directions, 0)
        return jnp.einsum("ijd,ikd->ijk", directions, directions)

    size = jnp.abs(cosines(x) - cosines(theirs))
    return jnp.mean(jnp.where(size < 1, size**2 / 2, size - 0.5))


def rows(seed, count, width):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def in_float64(function, *arrays):
    with jax.enable_x64(True):
        return np.asarray(function(*(jnp.asarray(x, jnp.float64) for x in arrays)))


def near(seed, distance):
    """Rows of which two are so far apart, of others about 3 apart."""
    x = rows(seed, 8, 5)
    x[3] = x[2] + np.float32(distance) * rows(seed + 1, 1, 5)[0]
    return x


def clusters(seed, spread):
    """Sixteen rows in four clusters, about 3 apart, of that spread."""
    return np.repeat(rows(seed, 4, 5), 4, 0) + np.float32(spread) * rows(seed + 1, 16, 5)


@pytest.mark.parametrize(
    "x, relative",
    [
        (rows(0, 8, 5), 1e-6),
        (rows(1, 33, 40), 1e-6),
        (rows(2, 3, 3), 1e-6),
        (near(3, 0), 1e-6),
        (near(4, 1e-2), 1e-6),
        (near(5, 1e-5), 1e-6),
        (clusters(10, 1e-2), 1e-6),
        (clusters(12, 1e-4), 1e-6),
        (1e5 + rows(6, 8, 5), 1e-6),
        (2e4 * rows(7, 8, 5), 1e-6),
        (1e-6 * rows(8, 8, 5), 1e-6),
    ],
)
def test_the_gradient_is_that_of_the_chain_of_derivatives(x, relative):
    theirs = rows(9, len(x), 4)
    expected = in_float64(jax.grad(plain), x, theirs)
    found = np.asarray(jax.grad(losses.relational_angle)(x, theirs))
    assert abs(found - expected).max() <= relative * abs(expected).max()


def test_it_is_0_where_there_is_no_angle():
    """Of one example, of rows that are all alike; of two the cosines are 1, the teacher's too."""
    for x in (rows(0, 1, 5), np.ones((6, 5), np.float32), rows(2, 2, 5)):
        found = jax.grad(losses.relational_angle)(x, rows(1, len(x), 4))
        np.testing.assert_allclose(found, 0, atol=1e-7)


@pytest.mark.parametrize("far", [0, 1e4])
def test_rows_that_are_left_out_have_none_and_the_others_theirs_alone(far):
    x, theirs, kept = rows(0, 9, 5) + np.float32(far), rows(1, 9, 4), np.arange(9) % 3 != 1
    found = np.asarray(jax.grad(losses.relational_angle)(x, theirs, where=kept))
    expected = in_float64(jax.grad(plain), x[kept], theirs[kept])
    assert (found[~kept] == 0).all()
    np.testing.assert_allclose(found[kept], expected, rtol=1e-4, atol=1e-6 * abs(expected).max())


def test_forwards_and_twice_as_the_chain_has_it():
    x, theirs, along = rows(0, 7, 5), rows(1, 7, 4), rows(2, 7, 5)
    _, forwards = jax.jvp(lambda x: losses.relational_angle(x, theirs), [x], [along])
    expected = in_float64(jax.grad(plain), x, theirs)
    np.testing.assert_allclose(forwards, np.sum(expected * along), rtol=1e-5)

    def twice(loss, x, theirs, along):
        return jax.jvp(lambda x: jax.grad(loss)(x, theirs), [x], [along])[1]

    found = np.asarray(twice(losses.relational_angle, x, theirs, along))
    wanted = in_float64(lambda *arrays: twice(plain, *arrays), x, theirs, along)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * abs(wanted).max())
