"""Networks by name: of the widths that were asked for, for the problem's inputs, or why not."""

import jax
import numpy as np
import pytest
from drawn_images import png_files, write_folder
from refusals import refused

from kd_jax import models
from kd_jax.command import networks, problem

FACTORIES = """
from __future__ import annotations
import flax.linen as nn
import jax.numpy as jnp
from kd_jax import models

class Net(nn.Module):
    classes: int = 2
    @nn.compact
    def __call__(self, x, train):
        return nn.Dense(self.classes)(x.reshape(len(x), -1)), {}

class Sized(nn.Module):
    width: int
    classes: int

def both(shape, count):
    return models.functional(models.MLP((5,), count), shape)

def by_name(classes):
    return models.MLP((6,), classes)

def nothing():
    return models.MLP((7,), 2)

def three():
    return models.MLP((7,), 3)

def number():
    return 3

def needy(width):
    return models.MLP((width,), 2)

def broken():
    raise OSError("no weights")

def narrow():
    def apply(variables, x, train=False, key=None):
        return (jnp.dot(x, jnp.ones((9, 2))), {}), {}
    return models.Model(lambda key: {"params": {}, "state": {}}, apply)
"""


@pytest.fixture
def table(settings, people):
    """Inputs [5] of two classes."""
    return problem.read(settings(data=people(), label="old", ignore=("id",)))


@pytest.fixture
def images(settings, tmp_path):
    """Images [8, 12, 3] of two classes."""
    names = [f"{'ab'[n % 2]}/{n}.png" for n in range(20)]
    write_folder(tmp_path / "images", png_files(names, height=8, width=12))
    return problem.read(settings(data=tmp_path / "images"))


def sizes(model):
    """How many numbers the parameters of a model have."""
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    return sum(np.prod(x.shape) for x in jax.tree.leaves(shapes["params"]))


def test_dense_layers(table, images):
    # 5 × 7 + 7, 7 × 3 + 3, 3 × 2 + 2
    assert sizes(networks.student("mlp:7,3", table)) == 42 + 24 + 8
    assert sizes(networks.student("mlp:1", images)) == 8 * 12 * 3 + 1 + 4
    assert sizes(networks.student("mlp:7", table, classes=4)) == 42 + 32
    # of one name the same Model, so that it is compiled once
    assert networks.student("mlp:7", table) is networks.student("mlp: 7", table)


def test_convolutions_are_pooled_as_long_as_the_sides_are_even(images):
    # 8 × 12 -> 4 × 6 -> 2 × 3, which stays
    kernels = 9 * (3 * 4 + 4 * 5 + 5 * 6) + 4 + 5 + 6
    assert sizes(networks.student("cnn:4,5,6", images)) == kernels + 2 * 3 * 6 * 2 + 2


def test_residual_networks(images):
    for name, depth, widths in [
        ("resnet8", 8, (16, 16, 32, 64)),
        ("resnet8x4", 8, (32, 64, 128, 256)),
    ]:
        found = networks.student(name, images).network.net  # behind the standardization
        assert (found.depth, found.widths, found.classes) == (depth, widths, 2)


def test_factories_are_given_what_they_ask_for(table, write):
    path = write("mine.py", FACTORIES)
    for name, count in [
        ("both", 5 * 5 + 5 + 5 * 2 + 2),
        ("by_name", 5 * 6 + 6 + 6 * 2 + 2),
        ("nothing", 5 * 7 + 7 + 7 * 2 + 2),
        ("Net", 5 * 2 + 2),
    ]:
        model = networks.student(f"{path}:{name}", table)
        assert isinstance(model, models.Model) and sizes(model) == count


@pytest.mark.parametrize(
    "name, match",
    [
        ("cnn:16", r"is for images \[H, W, C\] and people has inputs \[5\]: .*mlp:64,64"),
        ("resnet8", "is for images"),
        ("mpl:64", "--student=mpl:64: expected mlp:64,64, .*; did you mean 'mlp'"),
        ("mpl", "did you mean 'mlp'"),
        ("zzz", "the networks are"),
        ("mlp", "expected the widths of the layers"),
        ("mlp:", "expected the widths"),
        ("mlp:0", "expected the widths"),
        ("mlp:64;64", "expected the widths"),
        ("mlp:999999", "from 1 to 65,536"),
        ("{}:none", "has no none"),
        ("{}x.py:f", "there is no such file"),
        ("{}:three", r"gives logits \[2, 3\] for 2 inputs \[2, 5\]: expected \[2, 2\]"),
        ("{}:number", "returns int: expected a kd_jax.Model or a flax.linen module"),
        ("{}:needy", "missing 1 required positional argument: 'width'"),
        ("{}:Sized", "missing 1 required positional argument: 'width'"),  # the shape is none
        ("{}:broken", "OSError: no weights"),
        ("{}:narrow", r"raises TypeError for 2 inputs \[2, 5\]: dot_general"),
    ],
)  # fmt: skip
def test_bad_students_are_one_line(table, write, name, match):
    refused(match, networks.student, name.format(write("mine.py", FACTORIES)), table)


def test_bad_networks_for_images_are_one_line(images):
    refused("--teacher=resnet9: expected a depth of 6n", networks.student, "resnet9", images,
            flag="--teacher=")  # fmt: skip
    refused("did you mean 'resnet", networks.student, "resnt8", images)
