"""Comparison of distillation methods: one teacher, the same students, batches and budget."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from experiments.compare_methods import chains, cifar, own, pairs, tuning
from experiments.compare_methods.config import Config
from experiments.compare_methods.rows import ASSISTANT, KD, LABELS, NAMES, PSEUDO, TEACHER
from kd_jax import fingerprint
from kd_jax.command import source_files
from kd_jax.data import Split
from kd_jax.distill import methods, teachers
from kd_jax.distill.driver import checks, fitting, named_teachers
from kd_jax.distill.methods import plugin
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification
from kd_jax.metrics.records import seed_records
from kd_jax.runtime import parallel
from kd_jax.storage import run_folder
from kd_jax.training import keys
from kd_jax.training import state as train_state

PAIRS: dict[str, tuple[Callable, Callable]] = {  # (data, the pair of one teacher)
    "digits": (pairs.load_digits, pairs.digits),
    "mnist": (functools.partial(pairs.load_images, "mnist"), pairs.mnist_few_labels),
    "fashion": (functools.partial(pairs.load_images, "fashion_mnist"), pairs.fashion),
    "cifar100": (cifar.load, cifar.resnet56_to_20),
    "cifar100x4": (cifar.load, cifar.resnet32x4_to_8x4),
}


def data_and_pair(name: str) -> tuple[Callable, Callable]:
    """What reads the data of a pair, and what makes the pair of one teacher of them."""
    return PAIRS.get(name) or (functools.partial(own.load, name), own.pair)


def one_step(config: Config, spec: pairs.PairSpec) -> list[methods.Method]:
    """The methods that train once, all that fit the networks of the pair."""
    inputs = spec.data.train.inputs[:1]
    of_both = [named_teachers.features_of(x, inputs) for x in (spec.teacher.model, spec.student)]
    found = [
        *methods.without_teacher(config.smoothing),
        methods.pseudo_labels()._replace(row=PSEUDO, label_weight=1.0),
        *methods.of_logits(config.temperatures),
    ]
    if all(of_both):  # not of networks that give logits alone
        found += methods.of_relations() + methods.of_vectors()
    found.append(methods.mutual(spec.student))
    if all(map(has_maps, of_both)):
        found += methods.of_maps() + methods.of_projected_maps()
    if spec.factors:
        found.append(methods.factor_transfer(pairs.FACTORS))
    return found


def has_maps(features: dict[str, Any]) -> bool:
    """Whether some feature of a network is a map, as far as its shape tells."""
    return any(x.ndim == 4 for x in features.values())


def steps_by_row(config: Config, spec: pairs.PairSpec) -> dict[str, list[chains.Step]]:
    """{row: steps} of all that is trained, what takes longest first: no core waits at the end.

    Those are chains, then methods of maps and with projectors, then of relations, of logits last.

    Args:
        config: settings.
        spec: of the pair and any of its teachers, whose networks are alike.
    """
    labels, kd = methods.labels_only(), methods.of_logits(config.temperatures)[0]
    found = {}
    if spec.assistant:
        again = chains.born_again(labels, kd)
        found = {again[-1].method.row: again}
        found[ASSISTANT] = chains.assistant(spec.assistant, kd)
    found |= {m.row: [chains.Step(m)] for m in reversed(one_step(config, spec))}
    kept = {LABELS, KD, *(NAMES[name] for name in config.methods)}
    added = of_plugin(config)
    for method in added:
        known = (
            f"--plugin={config.plugin} has a method {method.row}, as there is: name it otherwise"
        )
        require(method.row not in found, known)
    absent = [NAMES[name] for name in config.methods if NAMES[name] not in found]
    if absent and len(config.methods) < len(NAMES):  # they were named
        print(f"{spec.name}: no row of {', '.join(absent)}, which do not fit its networks")
    found = {row: steps for row, steps in found.items() if row in kept}
    found |= {method.row: [chains.Step(method)] for method in added}
    tune = tuner(config, spec.name)
    return {
        row: [step._replace(method=tune(step.method)) for step in steps]
        for row, steps in found.items()
    }


def tuner(config: Config, pair: str) -> Callable[[methods.Method], methods.Method]:
    """What gives a method of a pair its grid or, with --explored, its chosen setting."""
    if config.explored:
        return functools.partial(tuning.at, pair=pair, known=tuning.explored())
    return functools.partial(tuning.grid, tried=config.tried)


def of_plugin(config: Config) -> list[methods.Method]:
    """The methods of --plugin, if there are any."""
    return checks.listed(plugin.of_file(config.plugin)) if config.plugin else []


def check(spec: pairs.PairSpec, of_rows: dict[str, list[chains.Step]]) -> None:
    """Try the term of every method on the networks of a pair, before its teacher is trained.

    Args:
        spec: of the pair and any of its teachers.
        of_rows: of `steps_by_row`.

    Raises:
        InputError: a term does not fit the networks, or gives no finite number.
    """
    train = Split(spec.data.train.inputs[:1], spec.data.train.labels[:1])
    unknown = np.zeros((1, spec.data.classes), np.float32)
    taught = fitting.Taught(
        {name: unknown for name in ("teacher", "permuted")}, np.ones(1, bool),
        named_teachers.features_of(spec.teacher.model, train.inputs),
    )  # fmt: skip
    for step in itertools.chain.from_iterable(of_rows.values()):
        if step.method.row != NAMES["ft"]:  # whose batches have what its paraphraser, trained, says
            known = fitting.of_known_teachers([step.method], taught)
            checks.check(known, step.network or spec.student, train, taught)


def record_teacher(prepared: Callable[[], pairs.Prepared], task) -> list[dict]:
    """The record of a pair's teacher, with its calibration and the names of its layers."""
    pair, taught = prepared()
    about = pair.data.about
    saved_models.save_teachers(task.run, taught, pair.data.test, about=about, **where(task))
    logits, labels = taught.logits["test"], pair.data.test.labels
    bins = classification.calibration(logits, labels)
    metrics = teachers.metrics(logits, labels)
    metrics |= {f"bin_{n}": jax.device_get(x) for n, x in bins.items()}
    return seed_records(TEACHER, metrics, layers=list(pair.teacher_layers))


def where(task) -> dict:
    """The fields that tell rows of the same name apart: their pair and their teacher."""
    return {name: task.known[name] for name in ("pair", "teacher_seed")}


def train(
    config: Config,
    spec: pairs.PairSpec,
    prepared: Callable[[], pairs.Prepared],
    steps: list[chains.Step],
    task,
) -> list[dict]:
    """Train and save the students of a method's steps; their records."""
    first = keys.keys(config.base_seed, "student", spec.seed, count=config.seeds)
    pair, fast = prepared().pair, spec.fast_compile or config.fast_compile
    execution = task.execution._replace(fast_compile=fast)
    records, students = chains.through(pair, steps, first, execution)
    test = pair.data.test, pair.test_logits
    for step, model, params in students:
        grid = train_state.one_arm(params)
        known = {"about": pair.data.about, **where(task)}
        saved_models.save(task.run, model, grid, [step.method.row], *test, **known)
    return records


def units_of(
    config: Config,
    spec: pairs.PairSpec,
    of_rows: dict[str, list[chains.Step]],
    prepared: Callable[[], pairs.Prepared],
) -> list:
    """The units of work of a pair and one teacher: its record, then the students of every method.

    Args:
        config: settings.
        spec: of the pair.
        of_rows: of `steps_by_row`; the same for all teachers, so that they share programs.
        prepared: what `pairs.prepare` gives, called when there is a unit to do.
    """
    known = {"pair": spec.name, "teacher_seed": spec.seed}
    teacher = {**known, "row": TEACHER}, functools.partial(record_teacher, prepared)
    return [teacher] + [
        ({**known, "row": row}, functools.partial(train, config, spec, prepared, steps))
        for row, steps in of_rows.items()
    ]


def run(config: Config, run: run_folder.Run) -> None:
    """Train the teachers of each pair, then the students of every method."""
    if config.explored:
        tuning.check(config)
    makers = {name: data_and_pair(name) for name in config.pairs}
    data = {name: load(config) for name, (load, _) in makers.items()}
    run.uses(data={name: found.digest for name, found in data.items()})
    run.uses(pairs={name: source_files.digest(name) for name in makers.keys() - PAIRS.keys()})
    if config.plugin:
        run.uses(plugin=source_files.digest(f"{config.plugin}:METHODS"))
    if config.explored:
        run.uses(explored=fingerprint.of(tuning.explored()))
    for name, found in data.items():
        specs = [makers[name][1](config, found, seed) for seed in range(config.teachers)]
        of_rows = steps_by_row(config, specs[0])
        check(specs[0], of_rows)
        for line in own.few_steps(config, specs[0]) if name not in PAIRS else ():
            print(line)
        for spec in specs:
            prepare = functools.partial(pairs.prepare, config, spec, run)
            units = units_of(config, spec, of_rows, parallel.once(prepare))
            run.each(units, workers=config.workers)
