"""Generalist and specialists of the 2015 paper (section 5) on 100 classes that confuse.

Command:  ./run.sh specialists [--manual_dir=FOLDER]
Takes:    about 10 minutes on 2 CPU cores
Expected: specialists answer more images right than the generalist, and than the generalist trained
          longer; a student of all of them together beats the same student on labels

The paper's 100 million images are private; here a class is a pair of MNIST digits, with 60 images
for training. Classes that the generalist confuses go to one specialist, which begins as a copy of
it, sees its classes in half of each batch, and calls the rest its dustbin. All specialists of all
seeds train in one program. At the test those that know the generalist's likeliest class are asked.
What the paper leaves to the future comes last: one student of generalist and specialists together.
"""

import dataclasses
import functools
import time

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import (
    checkpoint,
    config,
    controls,
    evaluate,
    fingerprint,
    losses,
    models,
    optimizers,
    progress,
    record,
    specialists,
    students,
    supervised,
    teaching,
    train,
)
from kd_jax.data import two_digits
from kd_jax.report import specialists as report

BATCH, ASKED, STEPS = 60, 1, 100  # ASKED: of the generalist's likeliest classes; STEPS of eq. 5
OF_GENERALIST, OF_JOINED, OF_PERMUTED = range(3)  # which of the stacked teacher logits
T, LABEL_WEIGHT = 2.0, 0.5


@dataclasses.dataclass(frozen=True)
class Config(config.Common):
    """Settings of generalist, specialists and students."""

    width: int = config.setting(100, "units in each of the two hidden layers of every network")
    epochs: int = config.setting(20, "epochs of the generalist")
    specialists: int = config.setting(20, "how many specialists")
    size: int = config.setting(10, "special classes of each")
    special_epochs: int = config.setting(20, "epochs of the specialists over their classes")
    student_epochs: int = config.setting(40, "epochs of the students")

    PRESETS = {
        "default": {},
        "smoke": {
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
        config.check_counts(self, *names)


@functools.cache
def network(width, classes=100):
    """Two hidden layers of ReLUs over an image of two digits."""
    return models.functional(models.MLP((width, width), classes), (28, 56))


def generalist_course(settings, data):
    """How the generalist is trained."""
    order = train.shuffled(jax.random.key(2), len(data.train.labels), BATCH)
    facts = {"experiment": "specialists", "width": settings.width, "code": GENERALIST_CODE}
    epochs, net = settings.epochs, network(settings.width)
    return supervised.Course(
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


def half_special(key, own_labels, size):
    """order(member, epoch): half of each batch special, half of the rest, each shuffled anew.

    An epoch shows every special row once. Args: own_labels [M, N]: `size` means the dustbin. All
    classes have as many rows.
    """
    rows = jnp.asarray(np.argsort(own_labels == size, axis=1, kind="stable"))
    special = int((own_labels[0] != size).sum())
    half = min(BATCH // 2, special)
    steps = special // half

    def order(member, epoch):
        keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, member), epoch))
        mine, rest = rows[member, :special], rows[member, special:]
        drawn = [
            jax.random.permutation(k, x)[: steps * half].reshape(steps, half)
            for k, x in zip(keys, (mine, rest))
        ]
        return jnp.concatenate(drawn, axis=1)

    return order


def fit_specialists(settings, data, params, special, snapshots):
    """Parameters [S, K, …] of all specialists, trained in one program from their generalists."""
    flat = special.reshape(-1, settings.size)
    first = [
        specialists.from_generalist(jax.tree.map(lambda x, s=s: x[s], params), classes)
        for s, of_seed in enumerate(special)
        for classes in of_seed
    ]
    first = jax.tree.map(lambda *x: jnp.stack(x)[:, None], *first)
    own = np.stack([as_special(data.train.labels, classes) for classes in flat])
    order = half_special(jax.random.key(4), own, settings.size)
    net, epochs = network(settings.width, settings.size + 1), settings.special_epochs
    optimizer = optimizers.adam(1e-3, epochs, order)
    state = train.grid(first, optimizer, jax.random.split(jax.random.key(5), len(flat)))
    with progress.bar(f"{len(flat)} specialists", epochs) as shown:
        state, _ = train.fit(
            supervised.loss(net.apply), optimizer, state, {"inputs": data.train.inputs}, order,
            epochs=epochs, own={"labels": own}, report=shown, snapshots=snapshots,
        )  # fmt: skip
    return jax.tree.map(lambda x: x[:, 0].reshape(*special.shape[:2], *x.shape[2:]), state.params)


def as_special(labels, classes):
    """Labels as a specialist sees them: the place in its classes, or the dustbin after them."""
    places = np.full(100, len(classes), np.int32)
    places[classes] = np.arange(len(classes))
    return places[labels]


def fit_longer(settings, course, data, params, snapshots):
    """Parameters [S, …] of the control: generalists trained for as many epochs more."""
    epochs = settings.special_epochs
    optimizer = optimizers.adam(1e-3, epochs, course.order)
    keys = jax.random.split(jax.random.key(6), settings.seeds)
    state = train.grid(jax.tree.map(lambda x: x[:, None], params), optimizer, keys)
    with progress.bar(report.LONGER, epochs) as shown:
        state, _ = train.fit(
            supervised.loss(course.model.apply), optimizer, state, data.train._asdict(),
            course.order, epochs=epochs, report=shown, snapshots=snapshots,
        )  # fmt: skip
    return train.arm_params(state)


def joined(settings, logits, params, special, inputs, shift):
    """log q [S, N, C] of generalists' logits and their specialists. Args: shift: of dustbins."""
    net, found = network(settings.width, settings.size + 1), []
    for scores, one, classes in zip(logits, params_of_seeds(params, len(logits)), special):
        each = evaluate.predict(net.apply, jax.tree.map(lambda x: x[:, None], one), inputs)[:, 0]
        each[..., -1] += shift
        log_p = np.asarray(jax.nn.log_softmax(scores))
        asked = specialists.active(log_p, classes, ASKED)
        log_m = jax.nn.log_softmax(each)
        found.append(np.asarray(specialists.join(log_p, log_m, classes, asked, steps=STEPS)))
    return np.stack(found)


def params_of_seeds(params, seeds):
    """The parameters of each seed, one after the other."""
    return [jax.tree.map(lambda x, s=s: x[s], params) for s in range(seeds)]


def examine(row, logits, labels, special):
    """Records of a row: metrics, conditional accuracy, right answers by coverage."""
    found = {f"test_{k}": np.asarray(x) for k, x in evaluate.measure(logits, labels).items()}
    right = logits.argmax(-1) == labels
    conditional, by_cover, images = [], [], []
    for scores, hits, classes in zip(logits, right, special):
        member = (classes[:, :, None] == labels).any(1)  # [K, N]
        chosen = np.stack([c[scores[:, c].argmax(1)] for c in classes])
        conditional.append(np.mean((chosen == labels)[member]))
        cover, length = member.sum(0), len(classes) + 1
        by_cover.append(np.bincount(cover, hits, length).astype(int))
        images.append(np.bincount(cover, minlength=length))
    found |= {"conditional_accuracy": np.array(conditional), "special": special}
    found |= {"right_by_cover": np.array(by_cover), "images_by_cover": np.array(images)}
    return record.of_metrics(row, found)


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


def teach(settings, data, generalists, together, special, snapshots):
    """The records of students of generalists and of all together, [S, N, C] logits each."""
    labels = data.train.labels
    permuted = [controls.permuted(x, labels, seed) for seed, x in enumerate(together)]
    own = np.stack([generalists, together, permuted], axis=2, dtype=np.float32)
    order = train.shuffled(jax.random.key(8), len(labels), BATCH)
    net, epochs, wanted = network(settings.width), settings.student_epochs, student_arms()
    keys = jax.random.split(jax.random.key(7), settings.seeds)
    params, _ = students.fit(
        net, optimizers.adam(1e-3, epochs, order), wanted, keys, data.train._asdict(), order,
        epochs=epochs, own={"teachers": own}, snapshots=snapshots,
    )  # fmt: skip
    logits = evaluate.predict(net.apply, params, data.test.inputs)
    found = [
        examine(arm.row, logits[:, a], data.test.labels, special) for a, arm in enumerate(wanted)
    ]
    return sum(found, [])


def answers(settings, course, data, taught, special, snapshots):
    """({row: test logits [S, N, C]}, what generalists and specialists say of the training rows)."""
    params = fit_specialists(settings, data, taught.params, special, snapshots("specialists"))
    longer = fit_longer(settings, course, data, taught.params, snapshots("longer"))
    longer = jax.tree.map(lambda x: x[:, None], longer)
    shift = specialists.dustbin_shift(settings.size / 100)

    def together(split, shift):
        inputs = getattr(data, split).inputs
        return joined(settings, taught.logits[split], params, special, inputs, shift)

    rows = {
        report.GENERALIST: taught.logits["test"],
        report.LONGER: evaluate.predict(course.model.apply, longer, data.test.inputs)[:, 0],
        report.JOINED: together("test", shift),
        report.UNCORRECTED: together("test", 0.0),
    }
    return rows, together("train", shift)


GENERALIST_CODE = fingerprint.source(
    train, supervised, losses.logits, models.mlp, network, optimizers, generalist_course,
)  # fmt: skip
REST_CODE = fingerprint.source(
    train, supervised, students, specialists, controls, evaluate, losses.logits, two_digits,
    models.mlp, network, optimizers, classes_of, half_special, fit_specialists, as_special,
    fit_longer, joined, examine, student_arms, teach, answers,
)  # fmt: skip


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole section: generalists, specialists, control, students, records, table, figure."""
    began = time.monotonic()
    data = two_digits.load(settings.data_dir, settings.manual_dir)
    facts = {"data": data.digest, "code": [GENERALIST_CODE, REST_CODE]}
    here = record.Run(settings.workdir, "specialists", settings.results_key(), facts)
    course = generalist_course(settings, data)
    keys = jax.random.split(jax.random.key(1), settings.seeds)
    where = {"workdir": settings.workdir, "retrain": settings.retrain}
    taught = teaching.together(course, keys, data, **where)
    here.facts["teacher"] = taught.fingerprint
    special = classes_of(settings, taught.logits["validation"])

    snapshots = functools.partial(checkpoint.of_run, here)
    if not here.records():
        rows, together = answers(settings, course, data, taught, special, snapshots)
        found = [examine(row, x, data.test.labels, special) for row, x in rows.items()]
        logits = taught.logits["train"], together
        found.append(teach(settings, data, *logits, special, snapshots("students")))
        here.append(sum(found, []))
    text = table(here.folder)
    here.write("table.md", text)
    report.draw(here.folder)
    here.finish({"total": time.monotonic() - began})
    print(f"\n{text}\nrecords, table and figure: {here.folder}")


if __name__ == "__main__":
    config.launch(Config, run)
