"""A sentence encoder with a half, a third and a sixth of its layers: cut, or cut and distilled.

Command:  ./run.sh encoder [--text=FILE] [--teacher=FOLDER] [--manual_dir=FOLDER]
Takes:    40 minutes on 2 CPU cores
Expected: a cut alone keeps most of the teacher's accuracy; distilled from it, students of 3 and 2
          layers keep nearly all, at twice and three times the speed
Needs:    requirements-transformers.txt

The teacher is all-MiniLM-L6-v2 (6 layers of 384), which a package carries. Students begin with some
of its layers and its embeddings, which stay, and imitate its vectors and states on texts without
labels: the questions of BANKING77's training set and sentences of GSM8K's. Measured on BANKING77,
whose labels no student has seen: a linear probe on all labels and on five of each class (mean of
20 draws), and nearest neighbours.
"""

import dataclasses
import functools
import pathlib
import re
import time

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import (
    checkpoint,
    config,
    fingerprint,
    losses,
    orders,
    probe,
    progress,
    record,
    teacher,
    train,
)  # fmt: skip
from kd_jax.data import banking77, gsm8k
from kd_jax.errors import InputError, require
from kd_jax.models import bert
from kd_jax.pretrained import encoder, folder, sentences, shorter, text
from kd_jax.report import encoder as report

BATCH, TIMED = 32, 1000  # sentences in a step; sentences whose embedding is timed


@dataclasses.dataclass(frozen=True)
class Config(config.Common):
    """Settings of the encoder's distillation."""

    seeds: int = config.setting(3, "how many seeds each row is averaged over")
    teacher: str = config.place("", "folder or hub name of the teacher (default: MiniLM, 6 layers)")
    layers: tuple[int, ...] = config.setting((3, 2, 1), "layers of the students")
    epochs: int = config.setting(3, "epochs over the texts")
    sentences: int = config.setting(3000, "sentences of GSM8K among the texts")
    text: str = config.place("", "file with more texts, one on a line")
    longest: int = config.setting(32, "tokens of a text that a student learns from")
    rate: float = config.setting(5e-4, "largest learning rate")
    hidden_weight: float = config.setting(1.0, "weight of the states' squared error")
    gram_weight: float = config.setting(10.0, "weight of the batch's similarities")
    questions: int = config.setting(0, "questions of each intent at most (default: all)")

    PRESETS = {
        "default": {},
        "smoke": {
            "seeds": 2, "layers": (2,), "epochs": 1, "sentences": 64, "questions": 6,
            "longest": 24,
        },
    }  # fmt: skip

    def validate(self):
        config.check_counts(
            self, "epochs", "sentences", "longest", *(["questions"] * bool(self.questions))
        )
        require(
            self.layers and min(self.layers) >= 1, f"--layers={self.layers}: expected 1 or more"
        )
        require(self.rate > 0, f"--rate={self.rate:g}: expected a number above 0")
        for name in ("hidden_weight", "gram_weight"):
            weight = getattr(self, name)
            require(0 <= weight < 1e6, f"--{name}={weight:g}: expected 0 or more")


def first_of_each(questions, count):
    """The first `count` texts of every intent, and their labels; 0: all."""
    labels = questions.labels
    order = np.argsort(labels, kind="stable")
    place = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    rows = np.sort(order[place < (count or len(labels))])
    return [questions.texts[row] for row in rows], labels[rows]


def more_texts(settings):
    """Sentences of GSM8K's training questions, and the lines of --text."""
    problems, _ = gsm8k.load(settings.data_dir, settings.manual_dir)
    found = [s for p in problems for s in re.split(r"(?<=[.?!])\s+", p.question.strip()) if s]
    drawn = np.random.default_rng(0).permutation(len(found))[: settings.sentences]
    texts = [found[row] for row in np.sort(drawn)]
    if settings.text:
        path = pathlib.Path(settings.text).expanduser()
        require(path.is_file(), f"--text={settings.text} is no file: expected one text on a line")
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--text={settings.text} is unreadable as UTF-8 ({error})") from None
        texts += [line.strip() for line in lines if line.strip()]
    return texts


class Banking:
    """BANKING77 as tokens of one tokenizer: what encoders are measured on."""

    def __init__(self, settings, words):
        train_questions, test_questions, _ = banking77.load(settings.data_dir, settings.manual_dir)
        self.texts, self.labels = first_of_each(train_questions, settings.questions)
        test_texts, self.test_labels = first_of_each(test_questions, settings.questions)
        self.tokens = text.encode(words, self.texts, sentences.LONGEST)
        self.test_tokens = text.encode(words, test_texts, sentences.LONGEST)

    def vectors(self, network, params):
        """(vectors of the training questions, of the test questions) by one encoder."""
        apply = bert.sentence_encoder(network).apply
        return tuple(sentences.embed(apply, params, x) for x in (self.tokens, self.test_tokens))

    def measures(self, vectors, neighbours=None):
        """probe.all_measures of what `vectors` gives."""
        known, test = vectors
        return probe.all_measures(known, self.labels, test, self.test_labels, neighbours)


def costs(network, params, tokens):
    """Parameters, bytes and speed of an encoder."""
    timed = text.Tokens(tokens.ids[:TIMED], tokens.mask[:TIMED])
    apply = bert.sentence_encoder(network).apply
    sentences.embed(apply, params, timed)  # compiles
    took = []
    for _ in range(3):
        began = time.perf_counter()
        sentences.embed(apply, params, timed)
        took.append(time.perf_counter() - began)
    sizes = {name: sum(x.size for x in jax.tree.leaves(params[name])) for name in params}
    return {
        "layers": network.layers,
        "parameters": sum(sizes.values()),
        "layer_parameters": sizes["layers"],
        "bytes": 4 * sum(sizes.values()),
        "sentences_per_second": len(timed.ids) / min(took),
    }


def student_of(network, params, count, seed, *, at_random=False):
    """(network, its first parameters, the teacher's layers that it imitates)."""
    chosen = shorter.alternate(network.layers, count)
    student = dataclasses.replace(network, layers=count)
    start = shorter.cut(params, chosen)
    if at_random:
        drawn = bert.sentence_encoder(student).init(jax.random.fold_in(jax.random.key(5), seed))
        start = {**start, "layers": drawn["layers"]}
    return student, start, chosen


def weights_of(settings, arm):
    """The weights of the loss's second and third term in an arm."""
    if arm == report.VECTORS:
        return {"hidden_weight": 0.0, "gram_weight": 0.0}
    return {"hidden_weight": settings.hidden_weight, "gram_weight": settings.gram_weight}


def distil(settings, student, start, imitated, taught, arm, seed, snapshots):
    """The parameters of a student after its training. imitated: which of taught.hidden."""
    lengths = taught.tokens.mask.sum(1)
    widths = (*shorter.WIDTHS, settings.longest)
    order = orders.by_length(jax.random.key(2), lengths, widths, BATCH)
    steps = settings.epochs * (len(lengths) // BATCH)
    optimizer = shorter.optimizer(settings.rate, steps)
    one = jax.tree.map(lambda x: jnp.asarray(x)[None, None], start)
    state = train.grid(one, optimizer, jax.random.split(jax.random.key(seed), 1))
    data = {
        **taught.tokens._asdict(),
        "vectors": taught.vectors,
        "hidden": taught.hidden[:, imitated],
    }
    numbers = {
        name: np.full((1, 1), x, np.float32) for name, x in weights_of(settings, arm).items()
    }
    loss = shorter.loss(bert.sentence_encoder(student).apply)
    label = f"{report.named(student.layers, arm)}, seed {seed}"
    with progress.bar(label, settings.epochs) as bar:
        state, curves = train.fit(
            loss, optimizer, state, data, order, epochs=settings.epochs, seeds=seed,
            numbers=numbers, report=bar, snapshots=snapshots,
        )  # fmt: skip
    last = {f"train_{name}": float(x[-1, 0, 0]) for name, x in curves.items()}
    return jax.tree.map(lambda x: np.asarray(x[0, 0]), state.params), last


ARMS = report.CUT, report.DISTILLED, report.VECTORS, report.RANDOM
CODE = fingerprint.source(
    train, orders, probe, losses.relations, losses.features, bert, encoder, text, sentences,
    shorter, first_of_each, more_texts, Banking, student_of, weights_of, distil,
)  # fmt: skip


def load(settings):
    """(network, params, tokenizer, digest) of the teacher."""
    where = folder.find(settings.teacher) if settings.teacher else sentences.packaged()
    network, params = encoder.load(where)
    require(
        max(settings.layers) < network.layers,
        f"--layers={max(settings.layers)}: expected fewer than the teacher's {network.layers}",
    )
    return network, params, text.tokenizer(where), fingerprint.arrays(params)


def taught_of(settings, network, params, words, banking, digest):
    """What the teacher says of all texts, computed once and kept."""
    texts = [*banking.texts, *more_texts(settings)]
    tokens = text.encode(words, texts, settings.longest)
    imitated = sorted({n for c in settings.layers for n in shorter.alternate(network.layers, c)})
    facts = {"teacher": digest, "tokens": fingerprint.arrays(tokens), "layers": imitated}
    facts["code"] = fingerprint.source(shorter.outputs, bert)

    def compute():
        found = shorter.outputs(network, params, tokens, imitated)
        return {"vectors": found.vectors, "hidden": found.hidden}

    where = pathlib.Path(settings.workdir).absolute() / "teachers" / digest[:16]
    kept = teacher.kept(where, facts, compute, again=settings.retrain)
    return shorter.Taught(tokens, **kept), imitated, facts["tokens"]


def student(settings, known, banking, here, neighbours, job):
    """The record of one student: its training, if its arm has one, and its measures."""
    network, params, taught, imitated = known
    count, arm, seed = job
    net, start, chosen = student_of(network, params, count, seed, at_random=arm == report.RANDOM)
    found, last = start, {}
    snapshots = checkpoint.of_run(here, *job)
    if arm != report.CUT:
        places = [imitated.index(n) for n in chosen]
        found, last = distil(settings, net, start, places, taught, arm, seed, snapshots)
    measures = banking.measures(banking.vectors(net, found), neighbours)
    snapshots.clear()
    return {"row": report.named(count, arm), "seed": seed, "arm": arm, **measures, **last}


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """Teacher, students, records, table and figure."""
    network, params, words, digest = load(settings)
    banking = Banking(settings, words)
    taught, imitated, texts = taught_of(settings, network, params, words, banking, digest)
    facts = {"data": banking77.DIGEST, "texts": texts, "teacher": digest, "code": CODE}
    here = record.Run(settings.workdir, "encoder", settings.results_key(), facts)
    vectors = banking.vectors(network, params)
    neighbours = probe.nearest(*vectors)
    if not here.has(row=report.TEACHER):
        more = costs(network, params, banking.test_tokens) | {"tests": len(banking.test_labels)}
        here.append([{"row": report.TEACHER, "seed": 0, **banking.measures(vectors), **more}])
    one = functools.partial(
        student, settings, (network, params, taught, imitated), banking, here, neighbours
    )
    for count in settings.layers:
        cost = costs(*student_of(network, params, count, 0)[:2], banking.test_tokens)
        for arm in ARMS:
            seeds = [
                s
                for s in range(settings.seeds)
                if not here.has(row=report.named(count, arm), seed=s)
            ]
            if arm == report.CUT and seeds:  # no seed changes it
                found = one((count, arm, 0))
                here.append([{**found, **cost, "seed": seed} for seed in seeds])
                continue
            for seed in seeds:
                here.append([{**one((count, arm, seed)), **cost}])
    here.conclude(table, report.draw)


if __name__ == "__main__":
    config.launch(Config, run)
