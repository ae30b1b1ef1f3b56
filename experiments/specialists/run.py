"""Generalist and specialists of the 2015 paper (section 5) on classes that are easily confused."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from experiments.specialists import data as two_digits
from experiments.specialists import report
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.distill import controls, specialists, students, teachers
from kd_jax.errors import InputError
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.runtime import progress
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, optimizers, samplers
from kd_jax.training import state as train_state

BATCH, ASKED, STEPS = 60, 1, 100  # ASKED: of the generalist's likeliest classes; STEPS of eq. 5
OF_GENERALIST, OF_JOINED, OF_PERMUTED = range(3)  # which of the stacked teacher logits
T, LABEL_WEIGHT = 2.0, 0.5


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of generalist, specialists and students."""

    seeds: int = experiment.setting(
        8, "how many generalists, each with its specialists and students"
    )
    width: int = experiment.setting(12, "units in each of the two hidden layers of every network")
    epochs: int = experiment.setting(40, "epochs of the generalist")
    specialists: int = experiment.setting(20, "how many specialists")
    size: int = experiment.setting(10, "special classes of each")
    special_epochs: int = experiment.setting(15, "epochs of the specialists over their classes")
    student_epochs: int = experiment.setting(40, "epochs of the students")

    PRESETS = {
        "default": {},
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "width": 16,
            "epochs": 2,
            "specialists": 3,
            "size": 4,
            "special_epochs": 1,
            "student_epochs": 1,
        },
    }

    def validate(self):
        names = "width", "epochs", "specialists", "size", "special_epochs", "student_epochs"
        experiment.check_counts(self, *names)


@functools.cache
def network(width, classes, shape):
    """Two hidden layers of ReLUs over inputs of the given shape."""
    return models.functional(models.MLP((width, width), classes), shape)


def network_of(settings, data, classes):
    """The network for a data set's inputs and so many classes."""
    return network(settings.width, classes, data.train.inputs.shape[1:])


def generalist_course(settings, data):
    """How the generalist is trained."""
    order = samplers.shuffled(jax.random.key(2), len(data.train.labels), BATCH)
    facts = {"experiment": "specialists", "width": settings.width, "code": GENERALIST_CODE}
    epochs, net = settings.epochs, network_of(settings, data, data.classes)
    return teachers.Recipe(
        report.GENERALIST, net, optimizers.adam(1e-3, epochs, order), order, epochs, facts
    )


def classes_of(settings, logits):
    """Special classes [S, K, size], by what generalists [S, N, C] confuse; no labels are read."""
    found = []
    for seed, scores in enumerate(logits):
        columns = specialists.confusions(jax.nn.softmax(scores))
        centres = specialists.online_k_means(columns, settings.specialists, seed=seed)
        found.append(specialists.special_classes(columns, centres, settings.size))
    return np.stack(found)


def fit_specialists(settings, data, params, special, snapshots):
    """Parameters [S, K, …] of all specialists, trained in one program from their generalists."""
    flat = special.reshape(-1, settings.size)
    first = [
        specialists.from_generalist(jax.tree.map(lambda x, s=s: x[s], params), classes)
        for s, of_seed in enumerate(special)
        for classes in of_seed
    ]
    first = jax.tree.map(lambda *x: jnp.stack(x)[:, None], *first)
    own = np.stack([specialists.as_special(data.train.labels, classes) for classes in flat])
    order = specialists.half_special(jax.random.key(4), own, settings.size, BATCH)
    net, epochs = network_of(settings, data, settings.size + 1), settings.special_epochs
    optimizer = optimizers.adam(1e-3, epochs, order)
    state = train_state.grid(first, optimizer, jax.random.split(jax.random.key(5), len(flat)))
    with progress.bar(f"{len(flat)} specialists", epochs) as shown:
        state, _ = loop.fit(
            teachers.loss(net.apply), optimizer, state, {"inputs": data.train.inputs}, order,
            epochs=epochs, own={"labels": own}, report=shown, snapshots=snapshots,
        )  # fmt: skip
    return jax.tree.map(lambda x: x[:, 0].reshape(*special.shape[:2], *x.shape[2:]), state.params)


def fit_longer(settings, course, data, params, snapshots):
    """Parameters [S, …] of the control: generalists trained for as many epochs more."""
    epochs = settings.special_epochs
    optimizer = optimizers.adam(1e-3, epochs, course.order)
    keys = jax.random.split(jax.random.key(6), settings.seeds)
    state = train_state.grid(jax.tree.map(lambda x: x[:, None], params), optimizer, keys)
    with progress.bar(report.LONGER, epochs) as shown:
        state, _ = loop.fit(
            teachers.loss(course.model.apply), optimizer, state, data.train._asdict(),
            course.order, epochs=epochs, report=shown, snapshots=snapshots,
        )  # fmt: skip
    return train_state.arm_params(state)


def joined(net, logits, params, special, inputs, shift):
    """log q [S, N, C] of generalists' logits and their specialists. Args: shift: of dustbins."""
    found = []
    for scores, one, classes in zip(logits, params_of_seeds(params, len(logits)), special):
        each = classification.predict(net.apply, jax.tree.map(lambda x: x[:, None], one), inputs)[
            :, 0
        ]
        each[..., -1] += shift
        log_p = np.asarray(jax.nn.log_softmax(scores))
        asked = specialists.active(log_p, classes, ASKED)
        log_m = jax.nn.log_softmax(each)
        found.append(np.asarray(specialists.join(log_p, log_m, classes, asked, steps=STEPS)))
    return np.stack(found)


def params_of_seeds(params, seeds):
    """The parameters of each seed, one after the other."""
    return [jax.tree.map(lambda x, s=s: x[s], params) for s in range(seeds)]


def examine(row, logits, labels, special, *, part, names):
    """Records of a row: metrics, conditional accuracy, right answers by coverage."""
    found = {f"test_{k}": np.asarray(x) for k, x in classification.measure(logits, labels).items()}
    right = logits.argmax(-1) == labels
    conditional, by_cover, images = [], [], []
    for scores, hits, classes in zip(logits, right, special):
        member = (classes[:, :, None] == labels).any(1)  # [K, N]
        chosen = np.stack([c[scores[:, c].argmax(1)] for c in classes])
        conditional.append(np.mean((chosen == labels)[member]))
        cover, length = member.sum(0), len(classes) + 1
        by_cover.append(np.bincount(cover, hits, length).astype(int))
        images.append(np.bincount(cover, minlength=length))
    found |= {"conditional_accuracy": np.array(conditional), "special": names[special]}
    found |= {"right_by_cover": np.array(by_cover), "images_by_cover": np.array(images)}
    return records.of_metrics(row, found, part=part)


def student_arms():
    """Students of the generalist's form: on labels, and of each teacher."""
    mixed = {"temperature": T, "soft": 1.0, "hard": LABEL_WEIGHT}
    return [
        students.Arm(report.LABELS, report.LABELS, hard=1.0),
        students.Arm(report.SMOOTHED, report.SMOOTHED, hard=1.0, epsilon=0.1),
        students.Arm(report.OF_GENERALIST, report.OF_GENERALIST, source=OF_GENERALIST, **mixed),
        students.Arm(report.OF_JOINED, report.OF_JOINED, source=OF_JOINED, **mixed),
        students.Arm(report.OF_PERMUTED, report.OF_PERMUTED, source=OF_PERMUTED, **mixed),
    ]


def teach(settings, data, generalists, together, snapshots, keep):
    """{row: test logits} of students of generalists and of all together, [S, N, C] each.

    Args: keep: (network, params [S, A, …], rows) keeps the students.
    """
    labels = data.train.labels
    permuted = [controls.permuted(x, labels, seed) for seed, x in enumerate(together)]
    own = np.stack([generalists, together, permuted], axis=2, dtype=np.float32)
    order = samplers.shuffled(jax.random.key(8), len(labels), BATCH)
    net, epochs = network_of(settings, data, data.classes), settings.student_epochs
    wanted = student_arms()
    keys = jax.random.split(jax.random.key(7), settings.seeds)
    params, _ = students.fit(
        net, optimizers.adam(1e-3, epochs, order), wanted, keys, data.train._asdict(), order,
        epochs=epochs, own={"teachers": own}, snapshots=snapshots,
    )  # fmt: skip
    keep(net, params, [arm.row for arm in wanted])
    logits = classification.predict(net.apply, params, data.test.inputs)
    return {arm.row: logits[:, a] for a, arm in enumerate(wanted)}


def answers(settings, course, data, taught, special, snapshots):
    """({row: test logits [S, N, C]}, what generalists and specialists say of the training rows)."""
    params = fit_specialists(settings, data, taught.params, special, snapshots("specialists"))
    longer = fit_longer(settings, course, data, taught.params, snapshots("longer"))
    longer = jax.tree.map(lambda x: x[:, None], longer)
    shift = specialists.dustbin_shift(settings.size / data.classes)
    net = network_of(settings, data, settings.size + 1)

    def together(split, shift):
        inputs = getattr(data, split).inputs
        return joined(net, taught.logits[split], params, special, inputs, shift)

    rows = {
        report.GENERALIST: taught.logits["test"],
        report.LONGER: classification.predict(course.model.apply, longer, data.test.inputs)[:, 0],
        report.JOINED: together("test", shift),
        report.UNCORRECTED: together("test", 0.0),
    }
    return rows, together("train", shift)


def section(settings, part, data, names, here):
    """The records of one task: generalists, specialists, control and students."""
    course = generalist_course(settings, data)
    keys = jax.random.split(jax.random.key(1), settings.seeds)
    where = {"workdir": settings.workdir, "retrain": settings.retrain}
    taught = teachers.together(course, keys, data, **where)
    here.facts[f"teacher, {part}"] = taught.fingerprint
    special = classes_of(settings, taught.logits["validation"])
    snapshots = functools.partial(checkpoint.of_run, here, part)
    rows, together = answers(settings, course, data, taught, special, snapshots)
    logits = taught.logits["train"], together
    known = {"teacher": report.GENERALIST, "part": part}
    said = {"test": data.test, "taught": taught.logits["test"]}
    keep = functools.partial(saved_models.keep, here, **said, **known)
    model, params = taught[:2]
    saved_models.keep_teachers(here, model, params, report.GENERALIST, data.test, part=part)
    rows |= teach(settings, data, *logits, snapshots("students"), keep)
    more = {"part": part, "names": np.array(names)}
    found = [examine(row, x, data.test.labels, special, **more) for row, x in rows.items()]
    return sum(found, [])


GENERALIST_CODE = fingerprint.source(
    loop, teachers, losses.logits, models.mlp, network, optimizers, generalist_course,
)  # fmt: skip
REST_CODE = fingerprint.source(
    loop, teachers, students, specialists, controls, classification, losses.logits, two_digits,
    models.mlp, network, network_of, optimizers, classes_of, fit_specialists, fit_longer, joined,
    examine, student_arms, teach, answers, section,
)  # fmt: skip


def tasks(settings):
    """{part: (Dataset, names of its classes)}: two digits, and BANKING77 with the extra."""
    where = settings.data_dir, settings.manual_dir
    found = {report.DIGITS: (two_digits.load(*where), [f"{c:02d}" for c in range(100)])}
    try:
        from kd_jax.pretrained import sentence_embeddings  # here, as it needs the transformer extra
    except InputError as error:
        print(f"without {report.QUESTIONS}: {error}")
        return found
    return found | {report.QUESTIONS: sentence_embeddings.bank_questions(*where)}


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole section: its tasks one after the other, records, table, figures."""
    known = tasks(settings)
    digests = {part: data.digest for part, (data, _) in known.items()}
    facts = {"data": digests, "code": [GENERALIST_CODE, REST_CODE]}
    here = run_folder.Run(settings.workdir, "specialists", settings.results_key(), facts)
    for part, (data, names) in known.items():
        if not here.has(part=part):
            here.append(section(settings, part, data, names, here))
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)
