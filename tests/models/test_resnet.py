"""Residual networks: counts derived by hand, and what a residual and its norms must mean."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kd_jax import models
from kd_jax.metrics import cost
from kd_jax.models import resnet

# Weights of one part, a channels in and b out: a 3×3 convolution 9ab, a 1×1 one ab, a norm 2b.
#   stem from 3 to w:   27w + 2w = 29w
#   block within b:     2·9bb + 2·2b = 18b² + 4b
#   block from a to b:  9ab + 9bb + 4b, and ab + 2b for its projection = 10ab + 9b² + 6b
#   head of 100:        100b + 100
# A stage of n blocks has n − 1 of the second kind, and begins with one of the third, unless it
# changes neither channels nor stride: the first stage of the narrow networks.
COUNTS = {
    # n = 1 and not 3: two of each of resnet20's less, 2·(4,672 + 18,560 + 73,984) = 194,432
    "resnet8": 464 + 14_016 + 51_648 + 205_696 + 6_500 - 194_432,
    # 29·16 = 464; 3·4,672 = 14,016; 14,528 + 2·18,560 = 51,648; 57,728 + 2·73,984 = 205,696; 6,500
    "resnet20": 464 + 14_016 + 51_648 + 205_696 + 6_500,
    # n = 9 and not 3: six more of each, 6·(4,672 + 18,560 + 73,984) = 583,296
    "resnet56": 464 + 14_016 + 51_648 + 205_696 + 6_500 + 583_296,
    # 29·32 = 928; one block per stage: 57,728, 230,144, 919,040; head 25,700
    "resnet8x4": 928 + 57_728 + 230_144 + 919_040 + 25_700,
    # n = 5 and not 1: four more of each, 4·(73,984 + 295,424 + 1,180,672) = 6,200,320
    "resnet32x4": 928 + 57_728 + 230_144 + 919_040 + 25_700 + 6_200_320,
}
DEPTHS = {"resnet8": 8, "resnet20": 20, "resnet56": 56, "resnet8x4": 8, "resnet32x4": 32}


@functools.cache
def shapes(name):
    """The shapes of the variables of a named network for 100 classes; nothing is computed."""
    net = models.functional(getattr(models, name)(100), (32, 32, 3))
    return net, jax.eval_shape(net.init, jax.random.key(0))


def drawn(init, seed=0):
    """Variables of the shapes that init gives, from NumPy: scales near 1, biases near 0."""
    random = np.random.default_rng(seed)

    def draw(path, leaf):
        values = random.normal(size=leaf.shape) * (0.3 if leaf.ndim > 1 else 0.1)
        return np.float32(values + any(x in jax.tree_util.keystr(path) for x in ("scale", "var")))

    return jax.tree.map_with_path(draw, jax.eval_shape(init, jax.random.key(0)))


@functools.cache
def small():
    """One block per stage and few channels, its parameters, and six images of 8 × 8."""
    model = models.functional(models.ResNet(8, (4, 4, 8, 16), 5, "group"), (8, 8, 3))
    images = np.random.default_rng(1).normal(size=(6, 8, 8, 3)).astype(np.float32)

    def apply(params, inputs, train=False):
        return model.apply({"params": params, "state": {}}, inputs, train)[0]

    params = drawn(model.init)["params"]
    return jax.jit(apply, static_argnames="train"), params, images


@jax.jit
def slopes(params, images):
    """Of the mean loss by the parameters, and of the first example's logits by all images."""
    apply, *_ = small()

    def loss(params, images):
        logits = apply(params, images, train=True)[0]
        mean = -jax.nn.log_softmax(logits)[jnp.arange(6), jnp.arange(6) % 5].mean()
        return mean, (logits[0] ** 2).sum()

    _, pull = jax.vjp(loss, params, images)  # one program: most of the time is compilation
    return pull((1.0, 0.0))[0], pull((0.0, 1.0))[1]


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_are_those_counted_by_hand(name):
    assert cost.parameters(shapes(name)[1]["params"]) == COUNTS[name]


@pytest.mark.parametrize("name", DEPTHS)
def test_the_depth_counts_the_layers_on_the_longest_path(name):
    paths = [jax.tree_util.keystr(p) for p, _ in jax.tree.leaves_with_path(shapes(name)[1])]
    kernels = [path for path in paths if "kernel" in path and "projection" not in path]
    assert len(kernels) == DEPTHS[name]


@pytest.mark.parametrize(
    "name, widths", [("resnet56", (16, 32, 64)), ("resnet8x4", (64, 128, 256))]
)
def test_stages_halve_the_image_and_name_their_maps(name, widths):
    net, params = shapes(name)
    (logits, features), _ = jax.eval_shape(net.apply, params, jnp.zeros((2, 32, 32, 3)))
    assert logits.shape == (2, 100)
    assert {key: value.shape for key, value in features.items()} == {
        "stage_1": (2, 32, 32, widths[0]),
        "stage_2": (2, 16, 16, widths[1]),
        "stage_3": (2, 8, 8, widths[2]),
        "pooled": (2, widths[2]),
    }


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_a_block_without_residual_is_its_shortcut(norm):
    """With the last norm's scale at zero nothing is added: the input passes, or its projection."""
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 16)).astype(np.float32)
    for block in (resnet.ResidualBlock(16, norm=norm), resnet.ResidualBlock(24, 2, norm)):
        variables = drawn(lambda key, block=block: block.init(key, x, True))
        params = variables["params"]
        params["norm_2"] = jax.tree.map(jnp.zeros_like, params["norm_2"])
        shortcut = x
        if block.stride == 2:  # every second pixel, mixed by a matrix, then normed
            mixed = x[:, ::2, ::2] @ params["projection"]["kernel"][0, 0]
            # group norm: eight groups of three channels, of each example for itself
            groups = mixed.reshape(2, 9, 8, 3) if norm == "group" else mixed.reshape(18, 24)
            axes = (1, 3) if norm == "group" else 0
            mean, variance = groups.mean(axes, keepdims=True), groups.var(axes, keepdims=True)
            normed = ((groups - mean) / jnp.sqrt(variance + 1e-5)).reshape(2, 3, 3, 24)
            shortcut = normed * params["projection_norm"]["scale"]
            shortcut += params["projection_norm"]["bias"]
        expected = jnp.maximum(shortcut, 0)
        apply = jax.jit(block.apply, static_argnums=2, static_argnames="mutable")
        found, _ = apply(variables, x, True, mutable="batch_stats")
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_batch_norm_keeps_nine_tenths_of_its_statistics_at_a_step():
    """Of the stem, by hand in float64: a 3×3 convolution is nine shifted products."""
    model = models.functional(models.ResNet(8, (4, 4, 4, 4), 5), (4, 4, 3))
    variables = drawn(model.init)
    images = np.random.default_rng(2).normal(size=(3, 4, 4, 3))
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    kernel = np.float64(variables["params"]["stem"]["kernel"])
    maps = sum(padded[:, i : i + 4, j : j + 4] @ kernel[i, j] for i in range(3) for j in range(3))
    apply = jax.jit(model.apply, static_argnames="train")
    (trained, _), state = apply(variables, images, train=True)
    before, after = (x["batch_stats"]["stem_norm"] for x in (variables["state"], state))
    expected = {"mean": maps.mean((0, 1, 2)), "var": maps.var((0, 1, 2))}
    for name, value in expected.items():
        by_hand = 0.9 * np.float64(before[name]) + 0.1 * value
        np.testing.assert_allclose(after[name], by_hand, rtol=1e-4, atol=1e-6)
    (found, _), same = apply(variables, images)  # an evaluation knows the running ones alone
    jax.tree.map(np.testing.assert_array_equal, same, variables["state"])
    assert not np.allclose(found, trained, atol=1e-2)
    others = np.concatenate([images[:1], 0 * images[1:]])
    np.testing.assert_allclose(apply(variables, others)[0][0][0], found[0], rtol=1e-4, atol=1e-5)


def test_a_block_starts_with_he_normal_kernels_of_its_outputs():
    block, x = resnet.ResidualBlock(32), jnp.zeros((1, 2, 2, 32))
    params = jax.jit(block.init, static_argnums=2)(jax.random.key(0), x, False)["params"]
    # variance 2 / (9·32) of 9,216 draws, so the s.d. is known to 0.7 %
    assert params["conv_1"]["kernel"].std() == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.03)
    for name in ("norm_1", "norm_2"):
        assert (params[name]["scale"] == 1).all() and (params[name]["bias"] == 0).all()


def test_an_examples_logits_do_not_depend_on_the_others():
    """What group norm is here for: under batch norm these derivatives would not be zero."""
    apply, params, images = small()
    of_first = slopes(params, images)[1]
    assert (of_first[1:] == 0).all() and (of_first[0] != 0).any()
    together = apply(params, images)[0]
    np.testing.assert_allclose(apply(params, images[2:3])[0], together[2:3], atol=1e-4)


def test_features_are_what_the_logits_are_made_of():
    apply, params, images = small()
    logits, features = apply(params, images)
    assert all((features[f"stage_{i}"] >= 0).all() for i in (1, 2, 3))  # after the activation
    np.testing.assert_allclose(features["pooled"], features["stage_3"].mean((1, 2)), atol=1e-6)
    head = params["logits"]
    expected = features["pooled"] @ head["kernel"] + head["bias"]
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_the_scale_of_the_stem_does_not_matter():
    """Group norm takes out the scale of the convolution before it."""
    apply, params, images = small()
    plain = apply(params, images)[0]
    scaled = params | {"stem": {"kernel": 7 * params["stem"]["kernel"]}}
    np.testing.assert_allclose(apply(scaled, images)[0], plain, atol=1e-3)


def test_gradients_are_finite_and_reach_every_parameter():
    _, params, images = small()
    for leaf in jax.tree.leaves(slopes(params, images)[0]):
        assert np.isfinite(leaf).all() and np.any(leaf)
    black = np.zeros_like(images)  # a variance of zero in the stem's groups
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes(params, black)[0]))


def test_members_are_vmapped_like_any_network():
    apply, params, images = small()
    halved = jax.tree.map(lambda a: a / 2, params)
    both = jax.tree.map(lambda *members: np.stack(members), params, halved)
    logits = jax.jit(jax.vmap(apply, in_axes=(0, None)))(both, images)[0]
    np.testing.assert_allclose(logits[0], apply(params, images)[0], atol=1e-4)
    np.testing.assert_allclose(logits[1], apply(halved, images)[0], atol=1e-4)


def test_bad_depths_widths_and_norms_are_refused():
    for depth in (2, 10, 21, -4):
        with pytest.raises(ValueError, match=f"depth is {depth}: expected 6n \\+ 2"):
            models.ResNet(depth, resnet.NARROW, 10)
    with pytest.raises(ValueError, match="expected four"):
        models.ResNet(20, (16, 32, 64), 10)
    with pytest.raises(ValueError, match="norm is 'layer': expected one of batch, group"):
        models.ResNet(20, resnet.NARROW, 10, "layer")
