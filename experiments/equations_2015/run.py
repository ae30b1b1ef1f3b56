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
from kd_jax.training import keys, samplers
from kd_jax.training.state import Outcome

CLASSES = 10


def arms(config: Config) -> list[Arm]:
    """The students; weight 0 stands for the limit of soft targets, logit matching."""
    t = config.mean_temperature
    arithmetic = students.arms(rows.SOFT, config.temperatures, weight=1, teacher="arithmetic")
    return [
        *arithmetic,
        Arm(rows.MATCHING, weight=0.0, teacher="arithmetic"),
        Arm(f"{rows.OF_ARITHMETIC}, T={t:g}", t, weight=1.0, teacher="arithmetic"),
        Arm(f"{rows.OF_GEOMETRIC}, T={t:g}", t, weight=1.0, teacher="geometric"),
    ]


def gradients(config: Config, seed: int) -> list[dict]:
    """Records over T: how far the gradient of T² KL is from its limit, and its norm without T².

    Equation 4: dC/dz_i → (z_i − v_i)/(N T²) for zero-mean z and v, so T² N dC/dz → z − v.
    """
    key = keys.key(config.base_seed, "draw", "logits", seed)
    z, v = jax.random.normal(key, (2, config.draws, CLASSES))
    z, v = z - z.mean(-1, keepdims=True), v - v.mean(-1, keepdims=True)
    limit, found = z - v, []
    for t in config.gradient_temperatures:
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


def teacher_recipe(config: Config, count: int, teacher: int) -> teachers.NetworkRecipe:
    """784-width-width-10 with dropout, on `count` digits."""
    net = models.MLP((config.teacher_width,) * 2, CLASSES, dropout=0.5)
    order = keys.key(config.base_seed, "teacher", teacher, "order")
    sampler = samplers.shuffled(order, count, config.teacher_batch_size)
    rate, network = config.teacher_learning_rate, models.functional(net, (28, 28))
    return teachers.adam_recipe(network, rate, sampler, config.teacher_epochs)


def student_recipe(config: Config, count: int, teacher: int) -> teachers.NetworkRecipe:
    """784-20-20-10, on `count` digits."""
    network = models.functional(models.MLP((20, 20), CLASSES), (28, 28))
    order = keys.key(config.base_seed, "student", teacher, "order")
    sampler = samplers.shuffled(order, count, config.student_batch_size)
    rate, epochs = config.student_learning_rate, config.student_epochs
    return teachers.adam_recipe(network, rate, sampler, epochs)


@functools.lru_cache(maxsize=8)  # trainings of one loss share their programs
def loss(apply: Callable) -> Callable:
    """Soft targets at T, or where their weight is 0 the limit that they have, logit matching."""

    def loss_fn(variables, batch, key):
        arm = batch.numbers
        (logits, _), state = apply(variables, batch.rows["inputs"])
        teacher = jnp.take(batch.rows["teachers"], arm["source"], axis=1)
        soft = losses.soft_targets(logits, teacher, temperature=arm["temperature"])
        match = losses.logit_matching(logits, teacher)
        term = jnp.where(arm["weight"] > 0, soft, match)
        return Outcome(jnp.mean(term), {"matching": jnp.mean(match)}, state)

    return loss_fn


def teach(config: Config, data: Dataset, teacher: int, run: run_folder.Run) -> teachers.Teachers:
    """The members of an ensemble, trained or restored."""
    recipe = teacher_recipe(config, len(data.train.labels), teacher)
    members = keys.keys(config.base_seed, "teacher", teacher, count=config.members)
    return teachers.together(rows.MEMBER, recipe, members, data, run)


def trainings(config: Config, data: Dataset, teacher: int, task: run_folder.Task) -> list[dict]:
    """Records of an ensemble's members, of their means, and of the students."""
    taught = teach(config, data, teacher, task.run)
    arithmetic, geometric = (
        {split: mean(x) for split, x in taught.logits.items()}
        for mean in (ensembles.arithmetic_mean, ensembles.geometric_mean)
    )
    sources = {"arithmetic": arithmetic["train"], "geometric": geometric["train"]}
    recipe, wanted = student_recipe(config, len(data.train.labels), teacher), arms(config)
    each = keys.keys(config.base_seed, "student", teacher, count=config.seeds)
    params, curves = students.fit(
        recipe, wanted, data.train, sources, each, loss=loss, execution=task.execution
    )
    names, model, test = [arm.row for arm in wanted], recipe.model, data.test
    saved_models.save(task.run, model, params, names, test, arithmetic["test"], **task.known)
    logits = classification.predict(model.apply, params, test.inputs)
    measured = {
        rows.ARITHMETIC: teachers.metrics(arithmetic["test"][None], test.labels),
        rows.GEOMETRIC: teachers.metrics(geometric["test"][None], test.labels),
    }
    for a, name in enumerate(names):
        curve = {"curve": curves["matching"][:, :, a].T}
        measured[name] = teachers.metrics(logits[:, a], test.labels) | curve
    found = [records.seed_records(name, metrics) for name, metrics in measured.items()]
    return taught.records(data) + sum(found, [])


def run(config: Config, run: run_folder.Run) -> None:
    """Measure gradients, then train each ensemble and its students, and record all."""
    data = mnist_5k.load()
    run.uses(data=data.digest)

    def all_gradients(task):
        return [record for seed in range(config.seeds) for record in gradients(config, seed)]

    run.each([
        ({"part": rows.GRADIENT}, all_gradients),
        *(
            (
                {"teacher_seed": teacher, "part": rows.TRAINING},
                functools.partial(trainings, config, data, teacher),
            )
            for teacher in range(config.teachers)
        ),
    ])  # fmt: skip
