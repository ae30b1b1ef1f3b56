"""Black-box distillation: restricted teacher outputs, query pools, numbers of queries."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from experiments.black_box import outputs, queries
from experiments.black_box.config import Config
from experiments.black_box.rows import ACTIVE, BATCH, OUTPUTS, POOLS, STRATEGIES, TEACHER, TRAINING
from kd_jax import models
from kd_jax.data import Split, augment, out_of_domain
from kd_jax.distill import controls, students, teachers
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.metrics.records import seed_records
from kd_jax.storage import run_folder
from kd_jax.training import samplers

TEACHER_KEY, SAMPLER_KEY, STUDENT_KEY, QUERY_KEY = 1, 2, 3, 4
RESTRICTED: tuple[Callable, ...] = (  # in the order of OUTPUTS, the last of which is a control
    outputs.hard_label,
    functools.partial(outputs.ranked, k=3),
    functools.partial(outputs.top_k, k=3),
    functools.partial(outputs.rounded, decimals=1),
    outputs.probabilities,
)


@functools.cache
def network(width, **options):
    """Two hidden layers of ReLUs for the ten digits."""
    return models.functional(models.MLP((width, width), 10, **options), (28, 28))


def teacher_recipe(config: Config, rows: int) -> teachers.Recipe:
    """784-width-width-10 with dropout, on images moved by up to 2 pixels."""
    net = network(config.teacher_width, dropout=0.25)
    sampler = samplers.shuffled(jax.random.key(SAMPLER_KEY), rows, BATCH)
    return teachers.adam_recipe(net, 1e-3, sampler, config.teacher_epochs, augment.jitter)


def restricted(logits) -> dict[str, np.ndarray]:
    """{row: targets as logits [N, C]} of every output, for the teacher's logits [N, C]."""
    p, logits = np.asarray(jax.nn.softmax(logits)), np.asarray(logits)
    permuted = controls.permuted(logits, p.argmax(-1), seed=0)
    return dict(zip(OUTPUTS, [*(outputs.as_logits(output(p)) for output in RESTRICTED), permuted]))


def query(taught: teachers.Teachers, inputs) -> tuple[Split, dict[str, np.ndarray]]:
    """A pool's inputs, without labels, and the teacher's restricted outputs for all of them."""
    params = jax.tree.map(lambda x: jnp.asarray(x)[:, None], taught.params)
    logits = classification.predict(taught.model.apply, params, inputs)[0, 0]
    return Split(inputs, np.zeros(len(inputs), np.int32)), restricted(logits)


def fit(config: Config, rows, targets, pool: Split, snapshots, group=1):
    """Train students on row numbers [S, n] of a pool, an arm for each of the targets.

    Args: group: how many students in turn share an initialization.
    Returns: their model, arms, parameters [S, A, …] and when they diverged [S, A].
    """
    net, count = network(config.width), rows.shape[1]
    sampler = queries.sampler(jax.random.key(QUERY_KEY), rows, BATCH)
    epochs = config.steps * BATCH // count
    recipe = teachers.adam_recipe(net, 2e-3, sampler, epochs)
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)
    arms = [students.Arm(row, soft_weight=1.0, teacher=row) for row in targets]
    params, curves = students.fit(
        recipe, arms, pool, targets, keys[np.arange(len(rows)) // group],
        label=f"{count:,} queries", snapshots=snapshots,
    )  # fmt: skip
    return net, arms, params, curves["diverged"]


def random_queries(config: Config, queried, test, task) -> list[dict]:
    """Records of students of random queries, one row per output; test: Split, teacher's logits."""
    pool, targets = queried(task.known["part"])
    rows = queries.random(config.seeds, len(pool.inputs), task.known["queries"])
    net, arms, params, diverged = fit(config, rows, targets, pool, task.snapshots)
    saved_models.save(task.run, net, params, OUTPUTS, *test, **task.known)
    return students.records(arms, diverged, test=students.measure(net, params, *test))


def active_learning(config: Config, output: str, queried, test, task) -> list[dict]:
    """Records of rounds of queries, random or of the smallest margin of the student before.

    Members [S, 2] are laid out as seeds [2 S], since each queries rows of its own.
    """
    pool, targets = queried(TRAINING)
    chance = queries.random(config.seeds, len(pool.inputs), config.rounds[-1])
    rows, found = chance[:, : config.rounds[0]], []
    for count, following in zip(config.rounds, [*config.rounds[1:], None]):
        both = np.stack([chance[:, :count], rows], axis=1).reshape(-1, count)
        snapshots, target = task.snapshots.part(f"{count} queries"), {output: targets[output]}
        net, _, params, diverged = fit(config, both, target, pool, snapshots, group=2)
        measured = students.measure(net, params, *test)
        for choice, row in enumerate(STRATEGIES):
            one = jax.tree.map(lambda x, c=choice: x[c::2], params)
            saved_models.save(task.run, net, one, [row], *test, **task.known, queries=count)
            metrics = {f"test_{name}": x[choice::2, 0] for name, x in measured.items()}
            found += seed_records(row, metrics, diverged[choice::2, 0], queries=count)
        if following:
            last = jax.tree.map(lambda x: x[1::2], params)
            p = jax.nn.softmax(classification.predict(net.apply, last, pool.inputs)[:, 0])
            rows = queries.smallest_margin(rows, queries.margin(p), following)
    return found


def pools_of(config: Config, images, others) -> dict[str, Callable]:
    """{part: a function that gives its inputs}."""
    count, shape = max(config.budgets), images.shape[1:]
    mixes = functools.partial(queries.mixes, images, count, seed=0)
    noise = functools.partial(queries.noise, count, shape, seed=0)
    return dict(zip(POOLS, (lambda: images, mixes, lambda: others, noise)))


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teacher, then students of every output and pool, then those of active learning."""
    where = config.data_dir, config.manual_dir
    data, others, digests = out_of_domain.with_mnist(config.mnist_5k, *where)
    largest = min(len(data.train.inputs), len(others))
    for name, count in (("budgets", config.budgets[-1]), ("rounds", config.rounds[-1])):
        require(count <= largest, f"--{name}: {count} queries, but there are {largest} images")
    run.uses(data=digests)
    recipe, keys = teacher_recipe(config, len(data.train.labels)), jax.random.key(TEACHER_KEY)[None]
    taught = teachers.together(TEACHER, recipe, keys, data, run)
    test, pools = (data.test, taught.logits["test"][0]), pools_of(config, data.train.inputs, others)

    @functools.lru_cache(maxsize=1)
    def queried(part):
        return query(taught, pools[part]())

    def teacher(task):
        saved_models.save_teachers(task.run, taught, data.test)
        return taught.records(data)

    by_chance = functools.partial(random_queries, config, queried, test)
    units: list[tuple[dict, Callable]] = [({"part": TEACHER}, teacher)]
    units += [({"part": p, "queries": n}, by_chance) for p in pools for n in config.budgets]
    for output, part in ACTIVE.items():
        work = functools.partial(active_learning, config, output, queried, test)
        units.append(({"part": part}, work))
    run.each(units, by=("queries",))
