"""Hinton, Vinyals and Dean 2015, section 2: its equations as numbers and as trainings."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from experiments.equations_2015 import rows
from experiments.equations_2015.config import Config
from kd_jax import losses, models
from kd_jax.data import Dataset, mnist_5k
from kd_jax.distill import ensembles, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.storage import run_folder
from kd_jax.training import samplers

TEACHER_SAMPLER, TEACHER_KEY, STUDENT_SAMPLER, STUDENT_KEY = 1, 2, 3, 4
TEMPERATURES, DRAWN, CLASSES = (1.0, 5.0, 20.0, 50.0, 100.0, 1000.0), 1000, 10
ARMS = [  # weight 0 stands for the limit of soft targets, logit matching
    *students.arms(rows.SOFT, (1.0, 5.0, 20.0, 100.0), soft_weight=1.0, teacher="arithmetic"),
    Arm(rows.MATCHING, soft_weight=0.0, teacher="arithmetic"),
    Arm(rows.OF_ARITHMETIC, 2.0, soft_weight=1.0, teacher="arithmetic"),
    Arm(rows.OF_GEOMETRIC, 2.0, soft_weight=1.0, teacher="geometric"),
]


def gradients(seed: int) -> list[dict]:
    """Records over T: how far the gradient of T² KL is from its limit, and its norm without T².

    Equation 4: dC/dz_i → (z_i − v_i)/(N T²) for zero-mean z and v, so T² N dC/dz → z − v.
    """
    z, v = jax.random.normal(jax.random.key(seed), (2, DRAWN, CLASSES))
    z, v = z - z.mean(-1, keepdims=True), v - v.mean(-1, keepdims=True)
    limit, found = z - v, []
    for t in TEMPERATURES:
        gradient = jax.grad(lambda z, t=t: losses.soft_targets(z, v, temperature=t).sum())(z)
        by_hand = t * (jax.nn.softmax(z / t) - jax.nn.softmax(v / t))  # equation 2, times T²
        norm = float(jnp.linalg.norm(gradient))
        apart = jnp.linalg.norm(CLASSES * gradient - limit) / jnp.linalg.norm(limit)
        found.append({
            "row": f"T={t:g}",
            "seed": seed,
            "temperature": t,
            "equation_2_error": float(jnp.linalg.norm(gradient - by_hand)) / norm,
            "limit_error": float(apart),
            "gradient_norm": norm,
            "gradient_norm_without_t2": norm / t**2,
        })  # fmt: skip
    return found


def recipe(net: models.MLP, sampler_key: int, batch_size: int, epochs: int, count: int):
    """The Recipe of a network for the ten digits, on `count` of them."""
    sampler = samplers.shuffled(jax.random.key(sampler_key), count, batch_size)
    return teachers.adam_recipe(models.functional(net, (28, 28)), 3e-3, sampler, epochs)


def teacher_recipe(config: Config, count: int) -> teachers.Recipe:
    """784-width-width-10 with dropout."""
    net = models.MLP((config.teacher_width,) * 2, CLASSES, dropout=0.5)
    return recipe(net, TEACHER_SAMPLER, 100, config.teacher_epochs, count)


def student_recipe(config: Config, count: int) -> teachers.Recipe:
    """784-20-20-10."""
    net = models.MLP((20, 20), CLASSES)
    return recipe(net, STUDENT_SAMPLER, 50, config.student_epochs, count)


def loss(apply: Callable, augment_batch=None) -> Callable:
    """Soft targets at T, or where their weight is 0 the limit that they have, logit matching."""

    def loss_fn(params, batch, key):
        logits, _ = apply(params, batch["inputs"])
        teacher = jnp.take(batch["teachers"], batch["source"], axis=1)
        soft = losses.soft_targets(logits, teacher, temperature=batch["temperature"])
        match = losses.logit_matching(logits, teacher)
        term = jnp.where(batch["soft_weight"] > 0, soft, match)
        return jnp.mean(term), {"matching": jnp.mean(match)}

    return loss_fn


def trainings(config: Config, data: Dataset, taught: teachers.Teachers, task) -> list[dict]:
    """Records of the teachers, of their means, and of the students."""
    arithmetic, geometric = (
        {split: mean(x) for split, x in taught.logits.items()}
        for mean in (ensembles.arithmetic_mean, ensembles.geometric_mean)
    )
    sources = {"arithmetic": arithmetic["train"], "geometric": geometric["train"]}
    recipe, names = student_recipe(config, len(data.train.labels)), [arm.row for arm in ARMS]
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)
    params, curves = students.fit(
        recipe, ARMS, data.train, sources, keys, loss=loss, snapshots=task.snapshots
    )
    model, test, of_mean = recipe.model, data.test, arithmetic["test"]
    saved_models.save(task.run, model, params, names, test, of_mean, **task.known)
    logits = classification.predict(model.apply, params, test.inputs)
    measured = {
        rows.ARITHMETIC: teachers.metrics(of_mean[None], test.labels),
        rows.GEOMETRIC: teachers.metrics(geometric["test"][None], test.labels),
    }
    for a, name in enumerate(names):
        curve = {"curve": curves["matching"][:, :, a].T}
        measured[name] = teachers.metrics(logits[:, a], test.labels) | curve
    found = [records.seed_records(name, metrics) for name, metrics in measured.items()]
    return taught.records(data) + sum(found, [])


def run(config: Config, run: run_folder.Run) -> None:
    """Measure gradients, then train the ensemble and the students, and record all."""
    data = mnist_5k.load()
    run.uses(data=data.digest)
    keys = jax.random.split(jax.random.key(TEACHER_KEY), config.members)
    recipe = teacher_recipe(config, len(data.train.labels))
    taught = teachers.together(rows.MEMBER, recipe, keys, data, run)

    def all_gradients(task):
        return [record for seed in range(config.seeds) for record in gradients(seed)]

    run.each([
        ({"part": rows.GRADIENT}, all_gradients),
        ({"part": rows.TRAINING}, functools.partial(trainings, config, data, taught)),
    ])  # fmt: skip
