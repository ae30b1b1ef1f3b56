"""Every distillation method on equal terms: one teacher, the same students, batches and budget."""

import dataclasses
import functools

import jax

from experiments.compare_methods import chains, cifar, pairs, report
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.distill import controls, methods, teachers
from kd_jax.distill.methods import training
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import cka, classification
from kd_jax.metrics.records import of_metrics
from kd_jax.runtime import parallel
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop

STUDENT_KEY = 4
PAIRS = {
    "digits": pairs.digits,
    "mnist": pairs.mnist_1000,
    "fashion": pairs.fashion,
    "cifar100": cifar.resnet56_to_20,
    "cifar100x4": cifar.resnet32x4_to_8x4,
}


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the comparison."""

    pairs: tuple[str, ...] = experiment.setting(("mnist", "fashion"), f"of {', '.join(PAIRS)}")
    teacher_epochs: int = experiment.setting(8, "epochs of the teacher; ×20 on 1,000 labels")
    student_epochs: int = experiment.setting(
        10, "epochs of the students; half on MNIST, with ten times the rows"
    )
    workers: int = experiment.place(2, "trainings side by side; each keeps about one core busy")

    PRESETS = {
        "default": {},
        "quick": {"pairs": ("digits",), "student_epochs": 20},
        "cifar100": {
            "pairs": ("cifar100", "cifar100x4"),
            "teacher_epochs": 240,
            "student_epochs": 240,
            "workers": 1,
        },
        "smoke": {"pairs": ("digits",), "seeds": 2, "teacher_epochs": 2, "student_epochs": 2},
    }

    def validate(self):
        require(self.pairs, f"--pairs is empty: expected some of {', '.join(PAIRS)}")
        for name in self.pairs:
            require(name in PAIRS, f"--pairs={name}: expected some of {', '.join(PAIRS)}")
        experiment.check_counts(self, "teacher_epochs", "student_epochs", "workers")


def single(pair):
    """The methods that train once, all that fit the networks of the pair."""
    found = [
        *methods.alone()[1:],
        *methods.of_logits(),
        *methods.of_relations(),
        *methods.of_vectors(),
        methods.mutual(pair.student),
    ]
    shape = jax.ShapeDtypeStruct((1, *pair.data.train.inputs.shape[1:]), "float32")
    params = jax.eval_shape(pair.student.init, jax.random.key(0))
    _, features = jax.eval_shape(pair.student.apply, params, shape)
    if any(x.ndim == 4 for x in features.values()):
        found += methods.of_maps() + methods.of_projected_maps()
    if "factor" in pair.arrays:
        found.append(methods.factor_transfer(pairs.FACTORS))
    return found


def jobs(prepared):
    """{row: steps} of everything that is trained: chains first, as they take longest."""
    labels, kd = methods.alone()[0], methods.of_logits()[0]
    found = {}
    if prepared.assistant:
        again = chains.born_again(labels, kd)
        found = {again[-1].method.row: again}
        found["assistant itself"] = chains.assistant(prepared.assistant, kd)
    return found | {m.row: [chains.Step(m)] for m in [labels, *single(prepared.pair)]}


def prepare(settings, name, run):
    """The Prepared of one name; records its teacher."""
    prepared = PAIRS[name](settings)
    pair, taught = prepared.pair, prepared.taught
    run.facts[pair.name] = {"data": pair.data.digest, "teacher": taught.fingerprint}
    if not run.has(row=report.TEACHER, pair=pair.name):
        where, one = {"pair": pair.name}, jax.tree.map(lambda x: x[:1], taught.params)
        saved_models.keep_teachers(run, taught.model, one, report.TEACHER, pair.data.test, **where)
        metrics = teachers.metrics(taught.logits["test"], pair.data.test.labels)
        bins = classification.calibration(taught.logits["test"], pair.data.test.labels)
        metrics |= {f"bin_{n}": jax.device_get(x) for n, x in bins.items()}
        shared = {"pair": pair.name, "layers": list(pair.shown)}
        run.append(of_metrics(report.TEACHER, metrics, **shared))
    return prepared


def train_job(settings, pair, run, steps):
    """The records of one job's steps."""
    keys = jax.random.split(jax.random.key(STUDENT_KEY), settings.seeds)

    def snapshots_of(row):
        facts = {"code": STUDENT_CODE, "pair": run.facts[pair.name], "row": row}
        return checkpoint.Snapshots(run.path(f"training {fingerprint.of(facts)}"), facts)

    def keep(step, student, params):
        rows, test = [step.method.row], pair.data.test
        grid = jax.tree.map(lambda x: x[:, None], params)
        saved_models.keep(run, student, grid, rows, test, pair.test_logits, pair=pair.name)

    return chains.through(pair, steps, keys, snapshots_of, keep)


STUDENT_CODE = fingerprint.source(
    loop, training, chains, methods.base, methods.parameter_free, methods.with_projector,
    controls, classification, cka, losses.logits, losses.features, losses.feature_maps,
    losses.relations, losses.contrastive, models.mlp, models.convnet, models.projectors, pairs,
    cifar, single, jobs,
)  # fmt: skip


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole experiment: teachers, every method, records, tables, figures."""
    facts = {"code": [pairs.TEACHER_CODE, STUDENT_CODE]}
    here = run_folder.Run(settings.workdir, "compare_methods", settings.results_key(), facts)
    for name in settings.pairs:
        prepared = prepare(settings, name, here)
        pair = prepared.pair
        left = [
            steps for row, steps in jobs(prepared).items() if not here.has(row=row, pair=pair.name)
        ]
        one = functools.partial(train_job, settings, pair, here)
        for records in parallel.results(one, left, settings.workers):
            here.append(records)
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)
