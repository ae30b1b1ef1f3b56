"""CIFAR-100 pairs in RepDistiller's setting, for an accelerator.

--preset=cifar100 has its numbers: 240 epochs of batches of 64, SGD with momentum 0.9 and weight
decay 5e-4, rate 0.05 divided by ten after 150, 180 and 210 epochs; crops and flips, the teacher
sees the augmented batch of the student; every method at its published weight. One departure: 5,000
training images are held out for validation.
Source: Tian, Krishnan and Isola 2020, arXiv 1910.10699, appendix, and its code, RepDistiller.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.compare_methods import pairs
from experiments.compare_methods.config import Config
from kd_jax import models
from kd_jax.data import Dataset, augment, cifar100
from kd_jax.training import optimizers

MOMENTUM, DECAY = 0.9, 5e-4
DROPS = (150 / 240, 180 / 240, 210 / 240)  # of all epochs


def load(config: Config) -> Dataset:
    """CIFAR-100."""
    seed = pairs.drawn(config, "held out")
    return cifar100.load(config.data_dir, config.manual_dir, seed=seed)


def resnet56_to_20(config: Config, data: Dataset, seed: int) -> pairs.PairSpec:
    """resnet56 teaches resnet20."""
    nets = models.resnet56(data.classes), models.resnet20(data.classes)
    return spec("CIFAR-100, resnet56 to resnet20", *nets, config, data, seed)


def resnet32x4_to_8x4(config: Config, data: Dataset, seed: int) -> pairs.PairSpec:
    """resnet32x4 teaches resnet8x4."""
    nets = models.resnet32x4(data.classes), models.resnet8x4(data.classes)
    return spec("CIFAR-100, resnet32x4 to resnet8x4", *nets, config, data, seed)


def spec(name, teacher, student, config: Config, data: Dataset, seed: int) -> pairs.PairSpec:
    """The PairSpec of two modules, all rows labeled."""
    shape, rows = data.train.inputs.shape[1:], np.arange(len(data.train.labels))
    teacher, student = models.functional(teacher, shape), models.functional(student, shape)
    labeled = rows >= 0
    recipe = pairs.teacher_recipe(
        config, teacher, labeled, config.teacher_epochs, seed, augment.crop_and_flip, sgd
    )
    return pairs.PairSpec(
        name, seed, data, rows, labeled, recipe, student, None, config.student_epochs,
        optimizer=sgd, views=views,
    )  # fmt: skip


def sgd(first, epochs, sampler):
    """SGD with momentum and weight decay, its rate dropping tenfold three times."""
    steps = optimizers.steps(epochs, sampler)
    rate = optax.piecewise_constant_schedule(first, {int(x * steps): 0.1 for x in DROPS})
    return optax.chain(optax.add_decayed_weights(DECAY), optax.sgd(rate, MOMENTUM))


def views(teacher, params):
    """(batch, key) -> the batch with its inputs cropped and flipped, and the teacher's outputs."""

    def see(batch, key):
        view_key, permutation_key = jax.random.split(key)
        inputs, labels = batch["inputs"], batch["labels"]
        inputs = jax.vmap(augment.crop_and_flip)(jax.random.split(view_key, len(inputs)), inputs)
        (logits, features), _ = teacher.apply(params, inputs)
        return {
            **batch,
            "inputs": inputs,
            "teachers": jnp.stack([logits, permuted(permutation_key, logits, labels)], axis=1),
            "features": features,
        }

    return see


def permuted(key, logits, labels):
    """As controls.permuted, drawn in the step: the wrong classes' logits shuffled, [B, C]."""
    right = jnp.arange(logits.shape[-1]) == labels[:, None]
    # both orders begin with the label; behind it one is random and the other ascending
    drawn = jnp.argsort(jnp.where(right, -1.0, jax.random.uniform(key, logits.shape)), -1)
    ascending = jnp.argsort(jnp.where(right, -1, jnp.arange(logits.shape[-1])), -1)
    place = jnp.argsort(ascending, -1)
    shuffled = jnp.take_along_axis(logits, drawn, -1)
    return jnp.take_along_axis(shuffled, place, -1)
