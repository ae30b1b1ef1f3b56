"""The 2015 paper's speech experiments on spoken digits: an ensemble in one net, and few labels."""

import dataclasses
import functools

import jax
import numpy as np

from experiments.speech_ensemble import data, metrics, report
from experiments.speech_ensemble import rows as named
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import Split, log_mel, spoken_digits
from kd_jax.distill import controls, ensembles, students, teachers
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, optimizers, samplers

ARITHMETIC, GEOMETRIC, PERMUTED = range(3)  # which of the stacked teacher logits
TEMPERATURES, BATCH = (1.0, 2.0, 5.0, 10.0), 128
FIRST_FEW = 0  # seed of the draw of few recordings


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the speech experiments."""

    members: int = experiment.setting(10, "networks in the ensemble")
    layers: int = experiment.setting(4, "hidden layers of every network")
    width: int = experiment.setting(256, "units in each of them")
    epochs: int = experiment.setting(4, "epochs of members, baseline and students alike")
    share: float = experiment.setting(0.03, "of the training recordings, where there are few")
    share_epochs: int = experiment.setting(60, "epochs on those")
    takes: int = experiment.setting(20, "training recordings of each speaker and digit, at most 20")

    PRESETS = {
        "default": {},
        "paper": {"layers": 8, "width": 2560, "epochs": 30},
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "members": 3,
            "layers": 2,
            "width": 16,
            "epochs": 1,
            "share": 0.2,
            "share_epochs": 3,
            "takes": 5,
        },
    }

    def validate(self):
        counts = "members", "layers", "width", "epochs", "share_epochs", "takes"
        experiment.check_counts(self, *counts)
        require(self.takes <= 20, f"--takes={self.takes}: expected at most 20")
        require(0 < self.share <= 1, f"--share={self.share:g}: expected above 0, at most 1")


@dataclasses.dataclass(frozen=True)
class Setup:
    """A way to train ensemble and students: how long, how wide the students, on which frames."""

    name: str
    times: int = 1
    wider: int = 1
    between: bool = False
    unlabelled: bool = False


SETUPS = (
    Setup("as the paper: students of the members' size, equally long"),
    Setup("members and students twice as long", times=2),
    Setup("students twice as wide", wider=2),
    Setup("students see the frames between the frames too", between=True),
    Setup("students hear as many recordings again, unlabelled", unlabelled=True),
)


def arms(setup):
    """The students of a set-up: all of the paper's in the first, the chief ones in the others."""
    mixed = students.over_temperatures(named.MIXED, TEMPERATURES, soft=1.0, hard=0.5)
    alone = students.Arm(named.ALONE, named.ALONE, 2.0, soft=1.0)
    on_labels = students.Arm(named.LABELS, named.LABELS, hard=1.0)
    if setup.unlabelled:  # labels only: the students of the first set-up
        chosen = students.Arm(named.CHOSEN, named.CHOSEN, hard=1.0)
        return [chosen, *mixed[:3], alone]
    if setup != SETUPS[0]:
        return [on_labels, *mixed[1:3], alone]
    other = mixed[1]._replace(row=named.OF_GEOMETRIC, family=named.OF_GEOMETRIC, source=GEOMETRIC)
    control = mixed[1]._replace(row=named.PERMUTED, family=named.PERMUTED, source=PERMUTED)
    smoothed = students.Arm(named.SMOOTHED, named.SMOOTHED, hard=1.0, epsilon=0.1)
    return [on_labels, smoothed, *mixed, alone, other, control]


@functools.cache
def network(settings, wider=1):
    """A deep network of ReLUs from 26 frames to 30 states."""
    hidden = (settings.width * wider,) * settings.layers
    return models.functional(models.MLP(hidden, 30), (26, 40))


def fit_ensemble(settings, data, epochs):
    """The Taught of the members, in one program."""
    order = samplers.shuffled(jax.random.key(2), len(data.train.labels), BATCH)
    facts = {"experiment": "speech_ensemble", "code": MEMBER_CODE, "layers": settings.layers}
    facts |= {"width": settings.width, "takes": settings.takes}
    course = teachers.Recipe(
        named.MEMBER, network(settings), optimizers.adam(1e-3, epochs, order), order, epochs, facts
    )
    keys = jax.random.split(jax.random.key(1), settings.members)
    where = {"workdir": settings.workdir, "retrain": settings.retrain}
    return course, teachers.together(course, keys, data, **where)


def stacked(logits, labels):
    """The teachers [N, K, C] that members' logits [M, N, C] make, in the order of ARITHMETIC, …"""
    mean = ensembles.arithmetic(logits)
    others = ensembles.geometric(logits), controls.permuted(mean, labels, seed=0)
    return np.stack([mean, *others], axis=1, dtype=np.float32)


def transfer_set(settings, setup, spoken, course, taught):
    """(Split, teachers [N, K, C]) that the students of a set-up are taught on."""
    split = spoken.frames.train
    teachers = stacked(taught.logits["train"], split.labels)
    if not (setup.between or setup.unlabelled):
        return split, teachers
    if setup.between:
        more = load(settings, late=log_mel.STEP / 2).frames.train
    else:
        more = load(settings, first=10 + settings.takes).frames.train
    members = jax.tree.map(lambda x: x[:, None], taught.params)
    logits = classification.predict(course.model.apply, members, more.inputs)[:, 0]
    if setup.unlabelled:  # what the ensemble says takes the place of the labels
        more = more._replace(labels=ensembles.arithmetic(logits).argmax(-1).astype(np.int32))
    both = [np.concatenate(pair) for pair in zip(split, more)]
    return Split(*both), np.concatenate([teachers, stacked(logits, more.labels)])


def teach(settings, setup, spoken, course, taught, run):
    """The records of a set-up: its ensemble and its students."""
    split, teachers = transfer_set(settings, setup, spoken, course, taught)
    net, wanted = network(settings, setup.wider), arms(setup)
    order = samplers.shuffled(jax.random.key(4), len(split.labels), BATCH)
    epochs = settings.epochs * setup.times
    snapshots = checkpoint.of_run(run, setup.name)
    keys = jax.random.split(jax.random.key(3), settings.seeds)
    data = {**split._asdict(), "teachers": teachers}
    params, _ = students.fit(
        net,
        optimizers.adam(1e-3, epochs, order),
        wanted,
        keys,
        data,
        order,
        epochs=epochs,
        snapshots=snapshots,
    )
    test, rows = spoken.frames.test, [arm.row for arm in wanted]
    mean = ensembles.arithmetic(taught.logits["test"])
    saved_models.keep(run, net, params, rows, test, mean, part=setup.name)
    found = metrics.of_ensemble(spoken, taught, setup.name)
    for a, arm in enumerate(wanted):
        one = jax.tree.map(lambda x, a=a: x[:, a : a + 1], params)
        seen = {
            name: classification.predict(net.apply, one, getattr(spoken.frames, name).inputs)[:, 0]
            for name in ("validation", "test")
        }
        more = {"part": setup.name, "family": arm.family, "temperature": arm.temperature}
        found += records.of_metrics(arm.row, metrics.measured(spoken, seen), **more)
    snapshots.clear()
    if setup.unlabelled:
        first = (r for r in run.records() if r["part"] == SETUPS[0].name)
        found += [r | {"part": setup.name} for r in first if r["row"] == named.LABELS]
    return found


def teach_few(settings, spoken, taught, run):
    """The records of section 6: few recordings, labels or the soft targets of one member."""
    rows = data.fraction(spoken, settings.share, FIRST_FEW)
    whole, one = spoken.frames.train, taught.logits["train"][0]
    split = Split(whole.inputs[rows], whole.labels[rows])
    altered = controls.permuted(one, whole.labels, seed=0)
    teachers = np.stack([one, altered], axis=1)[rows]
    wanted = [
        students.Arm(named.LAST, named.LAST, hard=1.0),
        students.Arm(named.SMOOTHED_LAST, named.SMOOTHED_LAST, hard=1.0, epsilon=0.1),
        students.Arm(named.SOFT, named.SOFT, 2.0, soft=1.0),
        students.Arm(named.PERMUTED_LAST, named.PERMUTED_LAST, 2.0, soft=1.0, source=1),
    ]
    order = samplers.shuffled(jax.random.key(6), len(rows), min(BATCH, len(rows)))
    net, epochs = network(settings), settings.share_epochs
    keys = jax.random.split(jax.random.key(5), settings.seeds)
    snapshots = checkpoint.of_run(run, named.LOW)
    parts = {"train": split, "validation": spoken.frames.validation, "test": spoken.frames.test}
    arrays = {name: part._asdict() for name, part in parts.items()}
    _, curves = students.fit(
        net, optimizers.adam(1e-3, epochs, order), wanted, keys,
        {**split._asdict(), "teachers": teachers}, order, epochs=epochs,
        watch=loop.Watch(functools.partial(metrics.accuracies, net.apply), arrays),
        snapshots=snapshots,
    )  # fmt: skip
    snapshots.clear()
    found = metrics.of_everything(spoken, taught)
    for a, arm in enumerate(wanted):
        of_arm = {name: curves[name][:, :, a].T for name in parts}
        found += metrics.at_epochs(arm.row, of_arm, np.full(settings.seeds, epochs - 1))
        if arm.row == named.LAST:
            found += metrics.at_epochs(named.STOPPED, of_arm, of_arm["validation"].argmax(1))
    return found


def load(settings, late=0.0, first=10):
    """The spoken digits with the training recordings from take `first` on; late: in seconds."""
    takes = data.TAKES | {"train": range(first, first + settings.takes)}
    return data.load(settings.data_dir, settings.manual_dir, takes=takes, late=late)


MEMBER_CODE = fingerprint.source(
    loop, teachers, losses.logits, models.mlp, network, optimizers, fit_ensemble, log_mel, data,
    spoken_digits,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    loop, students, controls, ensembles, classification, metrics, losses.logits, arms, stacked,
    transfer_set, teach, teach_few, load,
)  # fmt: skip


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole experiment: ensembles, students, records, table, figures."""
    spoken = load(settings)
    facts = {"data": spoken.frames.digest, "code": [MEMBER_CODE, STUDENT_CODE]}
    here = run_folder.Run(settings.workdir, "speech_ensemble", settings.results_key(), facts)
    for setup in SETUPS:
        epochs = settings.epochs * setup.times
        course, taught = fit_ensemble(settings, spoken.frames, epochs)
        if not here.has(part=setup.name):
            here.append(teach(settings, setup, spoken, course, taught, here))
        if setup == SETUPS[0] and not here.has(part=named.LOW):
            here.append(teach_few(settings, spoken, taught, here))
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)
