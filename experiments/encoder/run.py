"""A sentence encoder with a half, a third and a sixth of its layers: cut, or cut and distilled."""

import dataclasses
import functools
import itertools
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np

from experiments.encoder import report, speed, student_loss
from kd_jax import experiment, fingerprint, losses
from kd_jax.data import banking77, gsm8k, padding
from kd_jax.errors import InputError, require
from kd_jax.export import saved_models as networks
from kd_jax.metrics import linear_probe, records
from kd_jax.models import bert
from kd_jax.pretrained import bert as encoder
from kd_jax.pretrained import layer_selection, sentence_embeddings, tokenizer
from kd_jax.pretrained import model_folder as folders
from kd_jax.runtime import progress  # fmt: skip
from kd_jax.storage import array_cache, checkpoint, run_folder
from kd_jax.training import loop, optimizers, samplers
from kd_jax.training import state as train_state

BATCH, SHOWN = 32, 64  # sentences in a step, and kept beside a student for its export


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the encoder's distillation."""

    seeds: int = experiment.setting(3, "how many seeds each row is averaged over")
    teacher: str = experiment.place(
        "", "folder or hub name of the teacher (default: MiniLM, 6 layers)"
    )
    layers: tuple[int, ...] = experiment.setting((3, 2, 1), "layers of the students")
    epochs: int = experiment.setting(2, "epochs over the texts")
    sentences: int = experiment.setting(3000, "sentences of GSM8K among the texts")
    text: str = experiment.place("", "file with more texts, one on a line")
    longest: int = experiment.setting(32, "tokens of a text that a student learns from")
    rate: float = experiment.setting(1e-3, "largest learning rate")
    hidden_weight: float = experiment.setting(1.0, "weight of the states' squared error")
    gram_weight: float = experiment.setting(10.0, "weight of the batch's similarities")
    questions: int = experiment.setting(0, "questions of each intent at most (default: all)")
    draws: int = experiment.setting(20, "draws of five labels of each intent")

    PRESETS = {
        "default": {},
        "smoke": {
            "seeds": 2, "layers": (2,), "epochs": 1, "sentences": 64, "questions": 6,
            "longest": 24, "draws": 2,
        },
    }  # fmt: skip

    def validate(self):
        experiment.check_counts(
            self, "epochs", "sentences", "longest", "draws", *(["questions"] * bool(self.questions))
        )
        given = ",".join(map(str, self.layers))
        distinct = len(set(self.layers)) == len(self.layers)
        require(
            self.layers and min(self.layers) >= 1 and distinct,
            f"--layers={given}: expected different numbers, each 1 or more",
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
        self.tokens = tokenizer.encode(words, self.texts, sentence_embeddings.LONGEST)
        self.test_tokens = tokenizer.encode(words, test_texts, sentence_embeddings.LONGEST)
        self.draws = settings.draws

    def vectors(self, network, params):
        """(vectors of the training questions, of the test questions) by one encoder."""
        return tuple(
            sentence_embeddings.embed(network, params, x) for x in (self.tokens, self.test_tokens)
        )

    def measures(self, vectors, neighbours=None):
        """probe.all_measures of what `vectors` gives."""
        known, test = vectors
        return linear_probe.all_measures(
            known, self.labels, test, self.test_labels, self.draws, neighbours
        )


def student_of(network, params, count, seed, *, at_random=False):
    """(network, its first parameters, the teacher's layers that it imitates)."""
    chosen = layer_selection.alternate(network.layers, count)
    student = dataclasses.replace(network, layers=count)
    start = layer_selection.cut(params, chosen)
    if at_random:
        drawn = bert.sentence_encoder(student).init(jax.random.fold_in(jax.random.key(5), seed))
        start = {**start, "layers": drawn["layers"]}
    return student, start, chosen


def weights_of(settings, arm):
    """The weights [1, 1] of the loss's second and third term in an arm."""
    chosen = {"hidden_weight": settings.hidden_weight, "gram_weight": settings.gram_weight}
    used = arm != report.VECTORS
    return {name: np.full((1, 1), used * x, np.float32) for name, x in chosen.items()}


def training_of(settings, student, start, imitated, taught):
    """(the train.Training of a shape's students, parameters and seed -> the state to start with).

    imitated: which of taught.hidden are the states that this student's layers imitate.
    """
    lengths = taught.tokens.mask.sum(1)
    widths = (*student_loss.WIDTHS, settings.longest)
    order = samplers.by_length(jax.random.key(2), lengths, widths, BATCH)
    optimizer = student_loss.optimizer(settings.rate, optimizers.steps(settings.epochs, order))
    hidden = taught.hidden[:, imitated]
    data = {**taught.tokens._asdict(), "vectors": taught.vectors, "hidden": hidden}

    def state_of(params, seed):
        one = jax.tree.map(lambda x: jnp.asarray(x)[None, None], params)
        return train_state.grid(one, optimizer, jax.random.split(jax.random.key(seed), 1))

    loss = student_loss.loss(bert.sentence_encoder(student).apply)
    training = loop.Training(
        loss, optimizer, state_of(start, 0), data, order, epochs=settings.epochs, seeds=0,
        numbers=weights_of(settings, report.DISTILLED),
    )  # fmt: skip
    return training, state_of


def distil(training, label, snapshots):
    """(a student's parameters, {the loss's terms in the last epoch}, when it diverged)."""
    with progress.bar(label, training.epochs) as bar:
        state, curves = training.run(bar, snapshots)
    last = {f"train_{name}": float(x[-1, 0, 0]) for name, x in curves.items()}
    found = jax.tree.map(lambda x: np.asarray(x[0, 0]), state.params)
    return found, last, train_state.diverged(state)[0, 0]


CODE = fingerprint.source(
    loop, samplers, linear_probe, losses.relations, losses.features, bert, encoder, tokenizer,
    sentence_embeddings, layer_selection, first_of_each, more_texts, Banking, student_of,
    weights_of, training_of,
)  # fmt: skip


def load(settings):
    """(network, params, tokenizer, folder) of the teacher."""
    where = folders.find(settings.teacher) if settings.teacher else sentence_embeddings.packaged()
    network, params = encoder.load(where)
    require(
        max(settings.layers) < network.layers,
        f"--layers={max(settings.layers)}: expected fewer than the teacher's {network.layers}",
    )
    longest = max(settings.longest, sentence_embeddings.LONGEST)
    require(
        longest <= network.positions,
        f"texts have up to {longest} tokens: expected {network.positions} at most, the positions "
        f"of {where}; choose another teacher, or a smaller --longest if that is what is too long",
    )
    return network, params, tokenizer.tokenizer(where), where


def taught_of(settings, network, params, words, banking, digest):
    """What the teacher says of all texts, computed once and kept."""
    texts = [*banking.texts, *more_texts(settings)]
    tokens = tokenizer.encode(words, texts, settings.longest)
    imitated = sorted(
        {n for c in settings.layers for n in layer_selection.alternate(network.layers, c)}
    )
    facts = {"teacher": digest, "tokens": fingerprint.arrays(tokens), "layers": imitated}
    facts["code"] = fingerprint.source(student_loss.outputs, bert)

    def compute():
        found = student_loss.outputs(network, params, tokens, imitated)
        return {"vectors": found.vectors, "hidden": found.hidden}

    where = pathlib.Path(settings.workdir).absolute() / "teachers" / digest[:16]
    kept = array_cache.cached(where, facts, compute, again=settings.retrain)
    return student_loss.TeacherOutputs(tokens, **kept), imitated, facts["tokens"]


def students(settings, known, banking, here, neighbours, count):
    """The students of so many layers: the cut and each arm's seeds, appended to the run."""
    network, params, taught, imitated = known
    of_teacher = network, params, count
    student, start, chosen = student_of(*of_teacher, 0)

    asked = padding.unasked(banking.test_tokens, SHOWN)

    def measured(params, arm, seeds, more, lost=-1):
        one = jax.tree.map(lambda x: x[None, None], params)
        net, row = bert.sentence_encoder(student), report.named(count, arm)
        networks.keep(here, net, one, [row], asked, seed=seeds[0])
        what = {"row": report.named(count, arm), "arm": arm, "layers": count}

        @functools.cache
        def measure():
            return banking.measures(banking.vectors(student, params), neighbours) | more

        here.append([records.of_network({**what, "seed": s}, measure, lost) for s in seeds])

    if not here.has(row=report.named(count, report.CUT), seed=settings.seeds - 1):
        measured(start, report.CUT, range(settings.seeds), {})  # no seed changes it
    places = [imitated.index(n) for n in chosen]
    training, state_of = training_of(settings, student, start, places, taught)
    for arm, seed in itertools.product(report.TRAINED, range(settings.seeds)):
        row = report.named(count, arm)
        if here.has(row=row, seed=seed):
            continue
        _, first, _ = student_of(*of_teacher, seed, at_random=arm == report.RANDOM)
        training.again(state_of(first, seed), seed, weights_of(settings, arm))
        snapshots = checkpoint.of_run(here, count, arm, seed)
        found, last, lost = distil(training, f"{row}, seed {seed}", snapshots)
        measured(found, arm, [seed], last, lost)
        snapshots.clear()


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """Teacher, students, records, table and figure."""
    network, params, words, folder = load(settings)
    digest = fingerprint.arrays(params)
    banking = Banking(settings, words)
    taught, imitated, texts = taught_of(settings, network, params, words, banking, digest)
    facts = {"data": banking77.DIGEST, "texts": texts, "teacher": digest, "code": CODE}
    here = run_folder.Run(settings.workdir, "encoder", settings.results_key(), facts)
    vectors = banking.vectors(network, params)
    neighbours = linear_probe.nearest(*vectors)
    if not here.has(row=report.TEACHER):
        cuts = [student_of(network, params, count, 0)[:2] for count in settings.layers]
        costs = speed.costs([(network, params), *cuts], banking.test_tokens, folder)
        more = {"tests": len(banking.test_labels), "layers": network.layers, "costs": costs}
        here.append([{"row": report.TEACHER, "seed": 0, **banking.measures(vectors), **more}])
    known = network, params, taught, imitated
    for count in settings.layers:
        students(settings, known, banking, here, neighbours, count)
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)
