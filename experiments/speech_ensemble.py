"""The 2015 paper's speech experiments on spoken digits: an ensemble in one net, and few labels.

Command:  ./run.sh speech_ensemble [--manual_dir=FOLDER]
Takes:    about 30 minutes on 2 CPU cores; --preset=paper (8 layers of 2,560) is for an accelerator
Expected: in the paper's set-up a student keeps a tenth of what ten networks gain over one, with as
          many unlabelled recordings half of it (paper: 86 %); with 3 % of the recordings soft
          targets are 11 points ahead of labels

Section 4: ten networks that differ by their initialisation, and students of the same size taught
by the mean of their predictions. Members, baseline and students train equally long. Further set-ups
look for what keeps more of the gain; the best is chosen on validation. Section 6: a student of few
recordings, taught by one network that saw them all. Frames are 40 log-mel filters every 10 ms; the
state of the 21st of 26 frames is the digit times three parts of it.
"""

import dataclasses
import functools

import jax
import numpy as np

from kd_jax import (
    checkpoint,
    config,
    controls,
    ensembles,
    evaluate,
    fingerprint,
    frames,
    losses,
    models,
    optimizers,
    record,
    students,
    supervised,
    teaching,
    train,
)
from kd_jax.data import Split, filter_bank, speech, spoken_digits
from kd_jax.errors import require
from kd_jax.report import speech as report
from kd_jax.report import speech_rows as named
from kd_jax.shipping import kept

ARITHMETIC, GEOMETRIC, PERMUTED = range(3)  # which of the stacked teacher logits
TEMPERATURES, BATCH = (1.0, 2.0, 5.0, 10.0), 128
FIRST_FEW = 0  # seed of the draw of few recordings


@dataclasses.dataclass(frozen=True)
class Config(config.Common):
    """Settings of the speech experiments."""

    members: int = config.setting(10, "networks in the ensemble")
    layers: int = config.setting(4, "hidden layers of every network")
    width: int = config.setting(256, "units in each of them")
    epochs: int = config.setting(4, "epochs of members, baseline and students alike")
    share: float = config.setting(0.03, "of the training recordings, where there are few")
    share_epochs: int = config.setting(60, "epochs on those")
    takes: int = config.setting(20, "training recordings of each speaker and digit, at most 20")

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
        config.check_counts(self, *counts)
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
    order = train.shuffled(jax.random.key(2), len(data.train.labels), BATCH)
    facts = {"experiment": "speech_ensemble", "code": MEMBER_CODE, "layers": settings.layers}
    facts |= {"width": settings.width, "takes": settings.takes}
    course = supervised.Course(
        named.MEMBER, network(settings), optimizers.adam(1e-3, epochs, order), order, epochs, facts
    )
    keys = jax.random.split(jax.random.key(1), settings.members)
    where = {"workdir": settings.workdir, "retrain": settings.retrain}
    return course, teaching.together(course, keys, data, **where)


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
        more = load(settings, late=filter_bank.STEP / 2).frames.train
    else:
        more = load(settings, first=10 + settings.takes).frames.train
    members = jax.tree.map(lambda x: x[:, None], taught.params)
    logits = evaluate.predict(course.model.apply, members, more.inputs)[:, 0]
    if setup.unlabelled:  # what the ensemble says takes the place of the labels
        more = more._replace(labels=ensembles.arithmetic(logits).argmax(-1).astype(np.int32))
    both = [np.concatenate(pair) for pair in zip(split, more)]
    return Split(*both), np.concatenate([teachers, stacked(logits, more.labels)])


def teach(settings, setup, spoken, course, taught, run):
    """The records of a set-up: its ensemble and its students."""
    split, teachers = transfer_set(settings, setup, spoken, course, taught)
    net, wanted = network(settings, setup.wider), arms(setup)
    order = train.shuffled(jax.random.key(4), len(split.labels), BATCH)
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
    kept.keep(run, net, params, rows, test, mean, part=setup.name)
    found = frames.of_ensemble(spoken, taught, setup.name)
    for a, arm in enumerate(wanted):
        one = jax.tree.map(lambda x, a=a: x[:, a : a + 1], params)
        seen = {
            name: evaluate.predict(net.apply, one, getattr(spoken.frames, name).inputs)[:, 0]
            for name in ("validation", "test")
        }
        more = {"part": setup.name, "family": arm.family, "temperature": arm.temperature}
        found += record.of_metrics(arm.row, frames.measured(spoken, seen), **more)
    snapshots.clear()
    if setup.unlabelled:
        first = (r for r in run.records() if r["part"] == SETUPS[0].name)
        found += [r | {"part": setup.name} for r in first if r["row"] == named.LABELS]
    return found


def teach_few(settings, spoken, taught, run):
    """The records of section 6: few recordings, labels or the soft targets of one member."""
    rows = speech.fraction(spoken, settings.share, FIRST_FEW)
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
    order = train.shuffled(jax.random.key(6), len(rows), min(BATCH, len(rows)))
    net, epochs = network(settings), settings.share_epochs
    keys = jax.random.split(jax.random.key(5), settings.seeds)
    snapshots = checkpoint.of_run(run, named.LOW)
    parts = {"train": split, "validation": spoken.frames.validation, "test": spoken.frames.test}
    arrays = {name: part._asdict() for name, part in parts.items()}
    _, curves = students.fit(
        net, optimizers.adam(1e-3, epochs, order), wanted, keys,
        {**split._asdict(), "teachers": teachers}, order, epochs=epochs,
        watch=train.Watch(functools.partial(frames.accuracies, net.apply), arrays),
        snapshots=snapshots,
    )  # fmt: skip
    snapshots.clear()
    found = frames.of_everything(spoken, taught)
    for a, arm in enumerate(wanted):
        of_arm = {name: curves[name][:, :, a].T for name in parts}
        found += frames.at_epochs(arm.row, of_arm, np.full(settings.seeds, epochs - 1))
        if arm.row == named.LAST:
            found += frames.at_epochs(named.STOPPED, of_arm, of_arm["validation"].argmax(1))
    return found


def load(settings, late=0.0, first=10):
    """The spoken digits with the training recordings from take `first` on; late: in seconds."""
    takes = speech.TAKES | {"train": range(first, first + settings.takes)}
    return speech.load(settings.data_dir, settings.manual_dir, takes=takes, late=late)


MEMBER_CODE = fingerprint.source(
    train, supervised, losses.logits, models.mlp, network, optimizers, fit_ensemble,
    filter_bank, speech, spoken_digits,
)  # fmt: skip
STUDENT_CODE = fingerprint.source(
    train, students, controls, ensembles, evaluate, frames, losses.logits, arms, stacked,
    transfer_set, teach, teach_few, load,
)  # fmt: skip


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole experiment: ensembles, students, records, table, figures."""
    spoken = load(settings)
    facts = {"data": spoken.frames.digest, "code": [MEMBER_CODE, STUDENT_CODE]}
    here = record.Run(settings.workdir, "speech_ensemble", settings.results_key(), facts)
    for setup in SETUPS:
        epochs = settings.epochs * setup.times
        course, taught = fit_ensemble(settings, spoken.frames, epochs)
        if not here.has(part=setup.name):
            here.append(teach(settings, setup, spoken, course, taught, here))
        if setup == SETUPS[0] and not here.has(part=named.LOW):
            here.append(teach_few(settings, spoken, taught, here))
    here.conclude(table, report.draw)


if __name__ == "__main__":
    config.launch(Config, run)
