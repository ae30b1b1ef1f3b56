"""Black-box distillation: restricted teacher outputs, query pools, numbers of queries."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from experiments.black_box import outputs, queries
from experiments.black_box.config import Config
from experiments.black_box.rows import (
    ACTIVE,
    ALL,
    CLASSES,
    LABEL,
    PERMUTED,
    POOLS,
    STRATEGIES,
    TEACHER,
    TRAINING,
)
from kd_jax import losses, models
from kd_jax.data import Dataset, Split, augment, out_of_domain
from kd_jax.distill import controls, students, teachers
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.metrics.records import seed_records
from kd_jax.storage import run_folder
from kd_jax.training import keys, samplers
from kd_jax.training import state as train_state


def outputs_of(config: Config) -> dict[str, Callable]:
    """{row: the output that its students see}; the control of permuted classes is none of them."""
    top, decimals = config.top, config.decimals
    return {
        LABEL: outputs.hard_label,
        f"top-{top} labels, ranked": functools.partial(outputs.ranked, k=top),
        f"top-{top} probabilities": functools.partial(outputs.top_k, k=top),
        f"probabilities, {decimals} decimal{'s' * (decimals > 1)}": functools.partial(
            outputs.rounded, decimals=decimals
        ),
        ALL: outputs.probabilities,
    }


@functools.cache
def network(width, **options):
    """Two hidden layers of ReLUs for the ten digits."""
    return models.functional(models.MLP((width, width), CLASSES, **options), (28, 28))


def teacher_recipe(config: Config, rows: int, teacher: int) -> teachers.NetworkRecipe:
    """784-width-width-10 with dropout, on images moved by up to 2 pixels."""
    net = network(config.teacher_width, dropout=0.25)
    order = keys.key(config.base_seed, "teacher", teacher, "order")
    sampler = samplers.shuffled(order, rows, config.teacher_batch_size)
    rate, epochs = config.teacher_learning_rate, config.teacher_epochs
    return teachers.adam_recipe(net, rate, sampler, epochs, augment.jitter)


def fit_teacher(config: Config, data: Dataset, teacher: int, run) -> teachers.Teachers:
    """A teacher, trained or restored."""
    recipe = teacher_recipe(config, len(data.train.labels), teacher)
    return teachers.one(
        TEACHER, recipe, keys.key(config.base_seed, "teacher", teacher), data, run, seed=teacher,
    )  # fmt: skip


def restricted(config: Config, logits, teacher: int) -> dict[str, np.ndarray]:
    """{row: targets as logits [N, C]} of every output, for the teacher's logits [N, C]."""
    p, logits = np.asarray(jax.nn.softmax(logits)), np.asarray(logits)
    found = {
        row: np.asarray(losses.as_logits(output(p))) for row, output in outputs_of(config).items()
    }
    seed = keys.number(config.base_seed, "draw", "permuted", teacher)
    return {**found, PERMUTED: controls.permuted(logits, p.argmax(-1), seed)}


def answers(taught: teachers.Teachers, inputs) -> np.ndarray:
    """The logits [N, C] of a teacher for the inputs of a pool."""
    params = train_state.one_arm(taught.variables)
    return classification.predict(taught.model.apply, params, inputs)[0, 0]


def draws(config: Config, teacher: int) -> list[int]:
    """The seeds that the students of a teacher draw their queries with."""
    return [
        keys.number(config.base_seed, "draw", "queries", teacher, seed)
        for seed in range(config.seeds)
    ]


def fit(config: Config, teacher: int, rows, targets, pool: Split, execution, group=1):
    """Train students of a teacher on row numbers [S, n] of a pool, an arm for each of the targets.

    Args: group: how many students in turn share an initialization.
    Returns: their model, arms, parameters [S, A, …] and when they diverged [S, A].
    """
    net, count, batch_size = network(config.width), rows.shape[1], config.batch_size
    order = keys.key(config.base_seed, "student", teacher, "order")
    sampler = queries.sampler(order, rows, batch_size)
    epochs = config.steps * batch_size // count
    recipe = teachers.adam_recipe(net, config.learning_rate, sampler, epochs)
    each = keys.keys(config.base_seed, "student", teacher, count=config.seeds)
    arms = [students.Arm(row, weight=1.0, teacher=row) for row in targets]
    params, curves = students.fit(
        recipe, arms, pool, targets, train_state.at(each, np.arange(len(rows)) // group),
        label=f"{count:,} queries", execution=execution,
    )  # fmt: skip
    return net, arms, params, curves["diverged"]


def random_queries(config: Config, queried, test, task) -> list[dict]:
    """Records of students of random queries, one row per output.

    Args:
        config: the settings.
        queried: (teacher, part) -> the Split of a pool and what the teacher answers, by row.
        test: teacher -> the test Split and the teacher's logits for it.
        task: of a part, a number of queries and a teacher.
    """
    part, count, teacher = (task.known[x] for x in ("part", "queries", "teacher_seed"))
    pool, targets = queried(teacher, part)
    rows = queries.random(draws(config, teacher), len(pool.inputs), count)
    net, arms, params, diverged = fit(config, teacher, rows, targets, pool, task.execution)
    saved_models.save(task.run, net, params, [*targets], *test(teacher), **task.known)
    return students.records(arms, diverged, test=students.evaluate(net, params, *test(teacher)))


def active_learning(config: Config, output: str, queried, test, task) -> list[dict]:
    """Records of rounds of queries, random or of the smallest margin of the student before.

    Members [S, 2] are laid out as seeds [2 S], since each queries rows of its own.
    """
    teacher = task.known["teacher_seed"]
    (pool, targets), test = queried(teacher, TRAINING), test(teacher)
    chance = queries.random(draws(config, teacher), len(pool.inputs), config.rounds[-1])
    rows, target, found = chance[:, : config.rounds[0]], {output: targets[output]}, []
    for count, following in zip(config.rounds, [*config.rounds[1:], None]):
        both = np.stack([chance[:, :count], rows], axis=1).reshape(-1, count)
        execution = task.execution.part(f"{count} queries")
        net, _, params, diverged = fit(config, teacher, both, target, pool, execution, group=2)
        measured = students.evaluate(net, params, *test)
        for choice, row in enumerate(STRATEGIES):
            one = train_state.at(params, np.arange(choice, len(both), 2))
            saved_models.save(task.run, net, one, [row], *test, **task.known, queries=count)
            metrics = {f"test_{name}": x[choice::2, 0] for name, x in measured.items()}
            found += seed_records(row, metrics, diverged[choice::2, 0], queries=count)
        if following:
            last = train_state.at(params, np.arange(1, len(both), 2))
            p = jax.nn.softmax(classification.predict(net.apply, last, pool.inputs)[:, 0])
            rows = queries.smallest_margin(rows, queries.margin(p), following)
    return found


def pools_of(config: Config, images, others, teacher: int) -> dict[str, Callable]:
    """{part: a function that gives its inputs}; mixes and noise are drawn for each teacher."""
    count, shape = max(config.budgets), images.shape[1:]
    mixed, random = (
        keys.number(config.base_seed, "draw", what, teacher) for what in ("mixes", "noise")
    )
    mixes = functools.partial(queries.mixes, images, count, mixed)
    noise = functools.partial(queries.noise, count, shape, random)
    return dict(zip(POOLS, (lambda: images, mixes, lambda: others, noise)))


def units_of(config: Config, queried, test, record) -> list[tuple[dict, Callable]]:
    """The units of work, teacher by teacher and pool by pool; see `random_queries`."""
    by_chance = functools.partial(random_queries, config, queried, test)
    units: list[tuple[dict, Callable]] = []
    for teacher in range(config.teachers):
        known = {"teacher_seed": teacher}
        units.append(({"part": TEACHER, **known}, record))
        units += [
            ({"part": part, "queries": count, **known}, by_chance)
            for part in POOLS
            for count in config.budgets
        ]
        units += [
            (
                {"part": part, **known},
                functools.partial(active_learning, config, output, queried, test),
            )
            for output, part in ACTIVE.items()
        ]
    return units


def run(config: Config, run: run_folder.Run) -> None:
    """Train each teacher, then students of every output and pool, then those of active learning."""
    where = config.data_dir, config.manual_dir
    data, others, digests = out_of_domain.with_mnist(config.mnist_5k, *where)
    largest = min(len(data.train.inputs), len(others))
    for name, count in (("budgets", config.budgets[-1]), ("rounds", config.rounds[-1])):
        require(count <= largest, f"--{name}: {count} queries, but there are {largest} images")
    run.uses(data=digests)

    @functools.cache
    def taught(teacher):
        return fit_teacher(config, data, teacher, run)

    @functools.lru_cache(maxsize=1)
    def queried(teacher, part):
        inputs = pools_of(config, data.train.inputs, others, teacher)[part]()
        found = restricted(config, answers(taught(teacher), inputs), teacher)
        return Split(inputs, np.zeros(len(inputs), np.int32)), found

    def test(teacher):
        return data.test, taught(teacher).logits["test"][0]

    def record(task):
        teacher = task.known["teacher_seed"]
        saved_models.save_teachers(task.run, taught(teacher), data.test, teacher_seed=teacher)
        return taught(teacher).records(data)

    run.each(units_of(config, queried, test, record), by=("queries",))
