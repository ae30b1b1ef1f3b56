"""Models, their cost, augmentation and evaluation against hand counts and float64 NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from in_process import untrained
from scipy import special

from kd_jax import models
from kd_jax.data import augment
from kd_jax.distill import bias_correction, controls
from kd_jax.metrics import classification, cost
from kd_jax.models import convnet


def network(**options):
    return models.functional(models.MLP((20, 20), 10, **options), (28, 28))


def test_parameter_and_multiply_add_counts():
    net = network()
    params = untrained(net)
    # 784·20 + 20 + 20·20 + 20 + 20·10 + 10 = 16,330; products alone 784·20 + 400 + 200 = 16,280
    assert cost.parameters(params["params"]) == 16_330 and cost.size_bytes(params) == 4 * 16_330
    assert cost.multiply_adds(net.apply, params, jnp.zeros((1, 28, 28))) == 16_280
    assert cost.multiply_adds(net.apply, params, jnp.zeros((3, 28, 28))) == 3 * 16_280


def test_multiply_adds_of_a_convolution_and_a_scan():
    # output 4×6×6, each of 3·3·2 products with the two input channels: 4·36·18 = 2,592
    image, kernel = jnp.zeros((1, 2, 8, 8)), jnp.zeros((4, 2, 3, 3))
    convolve = lambda x, k: jax.lax.conv(x, k, (1, 1), "VALID")  # noqa: E731
    assert cost.multiply_adds(convolve, image, kernel) == 2592
    five = lambda x: jax.lax.scan(lambda c, _: (c @ x, None), x, None, length=5)[0]  # noqa: E731
    assert cost.multiply_adds(five, jnp.zeros((3, 3))) == 5 * 27


def test_a_network_is_the_product_of_its_matrices():
    net = network()
    params = untrained(net)
    x = np.random.default_rng(0).random((4, 28, 28))
    p = jax.tree.map(lambda a: np.asarray(a, np.float64), params["params"])
    h1 = np.maximum(x.reshape(4, -1) @ p["hidden_1"]["kernel"] + p["hidden_1"]["bias"], 0)
    h2 = np.maximum(h1 @ p["hidden_2"]["kernel"] + p["hidden_2"]["bias"], 0)
    expected = h2 @ p["logits"]["kernel"] + p["logits"]["bias"]
    (logits, features), _ = jax.jit(net.apply)(params, x.astype(np.float32))
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    np.testing.assert_allclose(features["hidden_2"], h2, atol=1e-5)


def test_dropout_acts_only_while_training():
    net = network(dropout=0.5, input_dropout=0.2)
    params, x = untrained(net), np.ones((8, 28, 28), np.float32)
    apply = jax.jit(net.apply, static_argnames="train")
    (still, _), _ = apply(params, x)
    np.testing.assert_array_equal(still, apply(params, x, key=jax.random.key(1))[0][0])
    (one, _), _ = apply(params, x, train=True, key=jax.random.key(1))
    (two, _), _ = apply(params, x, train=True, key=jax.random.key(2))
    assert (one != two).any() and (one != still).any()


@pytest.mark.parametrize(
    "kernel, shape", [((3, 3), (2, 6, 5, 3)), ((1, 5), (1, 4, 7, 2)), ((5, 3), (2, 2, 1, 3))]
)
def test_convolution_is_the_usual_one(kernel, shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    module = convnet.Convolution(4, kernel)
    order = "NHWC", "HWIO", "NHWC"

    @jax.jit
    def both(x):
        params = module.init(jax.random.key(0), convnet.batch_last(x))
        kernel = params["params"]["kernel"]
        usual = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=order)
        return convnet.batch_last(module.apply(params, convnet.batch_last(x))), usual

    np.testing.assert_allclose(*both(x), atol=1e-5)


def test_pooling_takes_the_maximum_of_windows():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    # rows 0 1 2 3 / 4 5 6 7 / 8 … 15: the lower right of each window is the largest
    assert convnet.max_pool(x)[0, :, :, 0].tolist() == [[5, 7], [13, 15]]
    assert convnet.max_pool(x.reshape(1, 1, 16, 1)).shape == (1, 1, 8, 1)


def test_columns_as_channels_sees_one_axis():
    """Permuting the columns' weights with the columns changes nothing; the rows' order matters."""
    net = models.ConvNet((4,), (1,), 10)
    module = models.functional(models.ColumnsAsChannels(net), (28, 28))
    params, logits = untrained(module), jax.jit(module.logits)
    # kernel 3·3·28·4 + 4; after pooling 14 positions of 4 channels: 14·4·10 + 10
    assert cost.parameters(params["params"]) == 3 * 3 * 28 * 4 + 4 + 14 * 4 * 10 + 10
    x = np.random.default_rng(0).random((2, 28, 28), np.float32)
    order = np.random.default_rng(1).permutation(28)
    swapped = jax.tree.map(lambda a: a, params)
    kernel = params["params"]["net"]["conv_1"]["kernel"]
    swapped["params"]["net"]["conv_1"]["kernel"] = kernel[:, :, order]
    plain = np.asarray(logits(params, x))
    np.testing.assert_allclose(logits(swapped, x[:, :, order]), plain, atol=1e-5)
    assert np.abs(logits(swapped, x[:, order]) - plain).max() > 1e-3


def test_half_resolution_reads_means_of_four_pixels():
    net = models.ConvNet((2, 3), (1,), 5)
    whole, half = (models.functional(net, (4, 6)),
                   models.functional(models.HalfResolution(net), (8, 12)))  # fmt: skip
    variables = untrained(half)
    x = np.random.default_rng(3).random((2, 8, 12), np.float32)
    small = (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4
    inner = {**variables, "params": variables["params"]["net"]}
    (found, features), _ = half.apply(variables, x)
    np.testing.assert_allclose(found, whole.logits(inner, small), atol=1e-5)
    assert features["conv_1"].shape == (2, 4, 6, 2) and features["conv_2"].shape == (2, 2, 3, 3)


def test_uniform_control_keeps_the_labels_probability():
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=(40, 10)) * 4, rng.integers(10, size=40)
    even, rows = controls.uniform(logits, labels, 3.0), np.arange(40)
    p, q = special.softmax(logits / 3, -1), special.softmax(even / 3, -1)
    np.testing.assert_allclose(q[rows, labels], p[rows, labels], rtol=1e-9)
    rest = np.delete(q[0], labels[0])
    np.testing.assert_allclose(rest, rest[0], rtol=1e-9)


def test_errors_by_class_add_up():
    logits = np.eye(3)[[0, 1, 2, 0, 1]][None]
    assert classification.errors_by_class(logits, np.array([0, 1, 1, 2, 2])).tolist() == [[0, 1, 2]]


def test_bias_corrections():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=3000)
    logits = rng.normal(size=(3000, 3)) + 3 * np.eye(3)[labels]
    biased = logits - np.array([0, 2.5, 0])
    shift = bias_correction.match_prior(biased, [1], 1 / 3)
    mass = special.softmax(bias_correction.shifted(biased, [1], shift), -1)[:, 1].mean()
    assert mass == pytest.approx(1 / 3, abs=1e-4) and shift == pytest.approx(2.5, abs=0.2)
    shifts = np.arange(-5, 5.1, 0.5)
    assert bias_correction.best_shift(biased, labels, [1], shifts) == pytest.approx(2.5, abs=0.5)
    errors = bias_correction.errors_by_shift(biased, labels, [1], [0.0, 2.5])
    assert errors.tolist() == [
        (biased.argmax(-1) != labels).sum(),
        (logits.argmax(-1) != labels).sum(),
    ]


def test_jitter_moves_by_at_most_the_radius_in_every_direction():
    image = np.zeros((9, 9), np.float32)
    image[4, 4] = 1
    moved = jax.jit(jax.vmap(augment.jitter, in_axes=(0, None)))(
        jax.random.split(jax.random.key(0), 500), image
    )
    places = {tuple(np.argwhere(m)[0] - 4) for m in np.asarray(moved)}
    assert places == {(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)}


def test_jitter_brings_in_zeros_and_keeps_channels():
    image = np.ones((6, 6, 3), np.float32)
    moved = np.asarray(jax.jit(augment.jitter)(jax.random.key(3), image))
    assert moved.shape == image.shape and set(np.unique(moved)) <= {0.0, 1.0}


def test_permuted_teacher_keeps_label_and_spread():
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=(40, 10)).astype(np.float32), rng.integers(10, size=40)
    shuffled, rows = controls.permuted(logits, labels, 0), np.arange(40)
    np.testing.assert_array_equal(shuffled[rows, labels], logits[rows, labels])
    np.testing.assert_array_equal(np.sort(shuffled), np.sort(logits))
    assert (shuffled != logits).any()


def test_metrics_against_float64_numpy():
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(2, 3, 50, 4)) * 3, rng.normal(size=(50, 4)) * 3
    labels = rng.integers(4, size=50)
    found = classification.measure(student.astype(np.float32), labels, teacher.astype(np.float32))
    log_q, log_p = special.log_softmax(student, -1), special.log_softmax(teacher, -1)
    kl = (np.exp(log_p) * (log_p - log_q)).sum(-1).mean(-1)
    np.testing.assert_allclose(found["kl"], kl, rtol=1e-5)
    nll = -log_q[..., np.arange(50), labels].mean(-1)
    np.testing.assert_allclose(found["nll"], nll, rtol=1e-5)
    np.testing.assert_array_equal(found["errors"], (student.argmax(-1) != labels).sum(-1))
    agreement = (student.argmax(-1) == teacher.argmax(-1)).mean(-1)
    np.testing.assert_allclose(found["agreement"], agreement, rtol=1e-6)


@pytest.mark.parametrize("count", [5, 1000, 1003])
def test_predictions_do_not_depend_on_the_batches(count):
    net = network()
    params = untrained(net, 2, 3)
    images = np.random.default_rng(0).random((count, 28, 28), np.float32)
    found = classification.predict(net.apply, params, images)
    assert found.shape == (2, 3, count, 10)
    one = jax.tree.map(lambda x: x[1, 2], params)
    np.testing.assert_allclose(found[1, 2], jax.jit(net.logits)(one, images), atol=1e-5)
