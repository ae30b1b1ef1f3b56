"""Comparison of distillation methods: one teacher, the same students, batches and budget."""

import functools

import jax

from experiments.compare_methods import chains, cifar, pairs
from experiments.compare_methods.config import Config
from experiments.compare_methods.rows import ASSISTANT, TEACHER
from kd_jax.distill import methods, teachers
from kd_jax.distill.methods.training import TeacherStudentPair
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.metrics.records import seed_records
from kd_jax.storage import run_folder

STUDENT_KEY = 4
PAIRS = {
    "digits": pairs.digits,
    "mnist": pairs.mnist_1000,
    "fashion": pairs.fashion,
    "cifar100": cifar.resnet56_to_20,
    "cifar100x4": cifar.resnet32x4_to_8x4,
}


def one_step(pair: TeacherStudentPair) -> list[methods.Method]:
    """The methods that train once, all that fit the networks of the pair."""
    found = [
        *methods.without_teacher(),
        *methods.of_logits(),
        *methods.of_relations(),
        *methods.of_vectors(),
        methods.mutual(pair.recipe.model),
    ]
    if any(x.ndim == 4 for x in pair.teacher_layers.values()):
        found += methods.of_maps() + methods.of_projected_maps()
    if "factor" in pair.arrays:
        found.append(methods.factor_transfer(pairs.FACTORS))
    return found


def steps_by_row(prepared: pairs.Prepared) -> dict[str, list[chains.Step]]:
    """{row: steps} of all that is trained: chains first, as they take longest."""
    labels, kd = methods.without_teacher()[0], methods.of_logits()[0]
    found = {}
    if prepared.assistant:
        again = chains.born_again(labels, kd)
        found = {again[-1].method.row: again}
        found[ASSISTANT] = chains.assistant(prepared.assistant, kd)
    return found | {m.row: [chains.Step(m)] for m in one_step(prepared.pair)}


def record_teacher(prepared: pairs.Prepared, task) -> list[dict]:
    """The record of a pair's teacher, with its calibration and the names of its layers."""
    pair, taught = prepared.pair, prepared.taught
    saved_models.save_teachers(task.run, taught, pair.data.test, pair=pair.name)
    logits, labels = taught.logits["test"], pair.data.test.labels
    bins = classification.calibration(logits, labels)
    metrics = teachers.metrics(logits, labels)
    metrics |= {f"bin_{n}": jax.device_get(x) for n, x in bins.items()}
    return seed_records(TEACHER, metrics, layers=list(pair.teacher_layers))


def train(config: Config, pair: TeacherStudentPair, steps: list[chains.Step], task) -> list[dict]:
    """Train and save the students of a method's steps; their records."""
    keys = jax.random.split(jax.random.key(STUDENT_KEY), config.seeds)
    records, students = chains.through(pair, steps, keys, task.snapshots)
    for step, model, params in students:
        rows, test, grid = (
            [step.method.row],
            pair.data.test,
            jax.tree.map(lambda x: x[:, None], params),
        )
        saved_models.save(task.run, model, grid, rows, test, pair.test_logits, pair=pair.name)
    return records


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teacher of each pair, then the students of every method."""
    specs = {name: PAIRS[name](config) for name in config.pairs}
    run.uses(data={spec.name: spec.data.digest for spec in specs.values()})
    for spec in specs.values():
        prepared, known = pairs.prepare(spec, run), {"pair": spec.name}
        teacher = {**known, "row": TEACHER}, functools.partial(record_teacher, prepared)
        students = [
            ({**known, "row": row}, functools.partial(train, config, prepared.pair, steps))
            for row, steps in steps_by_row(prepared).items()
        ]
        run.each([teacher, *students], workers=config.workers)
