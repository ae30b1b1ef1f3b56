"""A recipe each of whose settings may be changed; as a program it prints fingerprints as JSON."""

import functools
import json

import jax
import numpy as np
import optax

from kd_jax import fingerprint, models
from kd_jax.data import augment
from kd_jax.distill import teachers
from kd_jax.training import optimizers, samplers


def moved(key, image, radius=1):
    return augment.jitter(key, image, radius)


def scaled(factor):
    def scale(key, image):
        return factor * image

    return scale


class Noise:
    """Augmentation by a method of an object."""

    def __init__(self, size):
        self.size = size

    def add(self, key, image):
        return image + self.size * jax.random.normal(key, image.shape)


def schedule(steps=100, peak=1e-3):
    return optax.cosine_decay_schedule(peak, steps)


def recipe(
    width=8, dropout=0.5, stddev=0.1, key=1, rows=100, batch_size=10, epochs=3, augment=moved,
    optimizer=None,
):  # fmt: skip
    """A NetworkRecipe, built anew with each call."""
    start = jax.nn.initializers.normal(stddev)
    net = models.MLP((width,), 10, dropout=dropout, kernel_init=start)
    sampler = samplers.shuffled(jax.random.key(key), rows, batch_size)
    optimizer = optimizer or optax.adam(1e-3)
    return teachers.NetworkRecipe(
        models.functional(net, (8, 8)), optimizer, sampler, epochs, augment
    )


def either(first):
    """One of two functions of one name, which hold the same."""
    if first:
        return lambda key, image: image + 1
    return lambda key, image: image + 2


CHANGES = {
    "width": {"width": 9},
    "dropout": {"dropout": 0.4},
    "standard deviation of the first weights": {"stddev": 0.2},
    "key of the order": {"key": 2},
    "number of rows": {"rows": 101},
    "which rows": {"rows": np.arange(1, 101)},
    "batch size": {"batch_size": 11},
    "epochs": {"epochs": 4},
    "no augmentation": {"augment": None},
    "another function": {"augment": augment.jitter},
    "number in a closure": {"augment": scaled(2.0)},
    "another number in a closure": {"augment": scaled(3.0)},
    "argument of a partial": {"augment": functools.partial(moved, radius=2)},
    "another argument of a partial": {"augment": functools.partial(moved, radius=3)},
    "a method": {"augment": Noise(1.0).add},
    "the object of a method": {"augment": Noise(2.0).add},
    "a lambda": {"augment": either(True)},
    "the other lambda": {"augment": either(False)},
    "mapped": {"augment": jax.vmap(moved, in_axes=(None, 0))},
    "mapped over another axis": {"augment": jax.vmap(moved, in_axes=(None, 1))},
    "learning rate": {"optimizer": optax.adam(2e-3)},
    "b2": {"optimizer": optax.adam(1e-3, b2=0.99)},
    "schedule": {"optimizer": optax.adam(schedule())},
    "steps of a schedule": {"optimizer": optax.adam(schedule(101))},
    "peak of a schedule": {"optimizer": optax.adam(schedule(peak=2e-3))},
    "weight decay": {"optimizer": optax.adamw(1e-3, weight_decay=1e-3)},
    "more weight decay": {"optimizer": optax.adamw(1e-3, weight_decay=2e-3)},
    "momentum": {"optimizer": optax.sgd(1e-3, 0.9)},
    "limit of norms": {"optimizer": optax.chain(optax.adam(1e-3), optimizers.max_norm(3.0))},
    "other limit": {"optimizer": optax.chain(optax.adam(1e-3), optimizers.max_norm(4.0))},
    "Muon": {"optimizer": optimizers.muon_warmup_cosine(1e-3, 100)},
}


def digests():
    """{change: fingerprint of the recipe with it}."""
    known = {"none": {}, **CHANGES}
    return {name: fingerprint.value(recipe(**change)) for name, change in known.items()}


if __name__ == "__main__":
    print(json.dumps(digests()))
