"""Sentence encoders with a half, a third and a sixth of the layers: cut, or cut and distilled."""

import functools
import pathlib
from typing import Any, NamedTuple

import jax

from experiments.encoder import data, speed, student_loss
from experiments.encoder.rows import CUT, EMBEDDINGS, RANDOM, TEACHER, TRAINED, row_name
from kd_jax import fingerprint
from kd_jax.data import banking77, padding
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import linear_probe, records
from kd_jax.models import bert
from kd_jax.pretrained import bert as encoder
from kd_jax.pretrained import layer_selection, model_folder, sentence_embeddings, sentence_folder
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.storage import array_cache
from kd_jax.training import keys, optimizers, samplers, sequential, state

SAVED_TEXTS = 64  # saved beside a student for its export


class EncoderTeacher(NamedTuple):
    """A pretrained encoder: its network, parameters, tokenizer, folder and digest."""

    network: Any
    params: Any
    tokenizer: Any
    folder: pathlib.Path
    digest: str


def load(config):
    """The EncoderTeacher. Raises: InputError when settings do not fit it."""
    given = config.teacher
    folder = model_folder.find(given) if given else sentence_embeddings.packaged()
    sentence_folder.require_mean(folder)
    network, params = encoder.load(folder)
    require(
        max(config.layers) < network.layers,
        f"--layers={max(config.layers)}: expected fewer than the teacher's {network.layers}",
    )
    longest = max(config.max_length, sentence_embeddings.MAX_LENGTH)
    require(
        longest <= network.longest,
        f"texts have up to {longest} tokens: expected {network.longest} at most, "
        f"the positions of {folder}; choose another teacher, or a smaller "
        "--max_length if that is too long",
    )
    tokenizer = tokenizers.load(folder)
    return EncoderTeacher(network, params, tokenizer, folder, fingerprint.arrays(params))


def student_of(teacher, count, key=None):
    """(network, its first parameters, the teacher's layers that it imitates).

    key: of layers that are drawn anew; None: they are the teacher's.
    """
    chosen = layer_selection.alternate(teacher.network.layers, count)
    student, start = layer_selection.student(teacher.network, teacher.params, chosen)
    if key is not None:
        drawn = state.at(state.initialize(bert.sentence_encoder(student).init)(key[None]), 0)
        start = {**start, "layers": drawn["params"]["layers"]}
    return student, start, chosen


def weights_of(config, arm):
    """The weights of the loss's second and third term in an arm."""
    used = arm != EMBEDDINGS
    weights = {"hidden_weight": config.hidden_weight, "gram_weight": config.gram_weight}
    return {name: used * x for name, x in weights.items()}


def teacher_outputs(config, teacher, tokens, run):
    """(TeacherOutputs of all texts, the layers in them), computed once and cached."""
    network = teacher.network
    every = (layer_selection.alternate(network.layers, count) for count in config.layers)
    imitated = sorted({layer for layers in every for layer in layers})
    facts = {"teacher": teacher.digest, "tokens": fingerprint.arrays(tokens), "layers": imitated}
    facts |= {"code": fingerprint.code(student_loss.outputs), "net": fingerprint.value(network)}
    folder = pathlib.Path(run.workdir).absolute() / "teachers" / teacher.digest[:16]

    def compute():
        found = student_loss.outputs(network, teacher.params, tokens, imitated)
        return {"vectors": found.vectors, "hidden": found.hidden}

    found = array_cache.cached(folder, facts, compute, again=run.retrain)
    return student_loss.TeacherOutputs(tokens, **found), imitated


class EncoderStudents:
    """Trains and measures students of one teacher on one IntentTask."""

    def __init__(self, config, teacher, task, tokens, run):
        self.config, self.teacher, self.task, self.tokens = config, teacher, task, tokens
        self.run = run
        self.training = functools.lru_cache(maxsize=1)(self._training)

    @functools.cached_property
    def outputs(self):
        """`teacher_outputs` of the texts that students learn from."""
        return teacher_outputs(self.config, self.teacher, self.tokens, self.run)

    @functools.cached_property
    def embeddings(self):
        """The teacher's embeddings of the task."""
        return self.task.embeddings(self.teacher.network, self.teacher.params)

    @functools.cached_property
    def neighbors(self):
        """The teacher's nearest neighbors of the test questions."""
        return linear_probe.nearest_neighbors(*self.embeddings)

    def _training(self, count):
        """The Sequential training of students of so many layers."""
        config, (found, imitated) = self.config, self.outputs
        student, start, chosen = student_of(self.teacher, count)
        widths = (*config.widths, config.max_length)
        lengths = found.tokens.mask.sum(1)
        order = keys.key(config.base_seed, "student", "order")
        sampler = samplers.by_length(order, lengths, widths, config.batch_size)
        steps = optimizers.steps(config.epochs, sampler)
        hidden = found.hidden[:, [imitated.index(layer) for layer in chosen]]
        return sequential.Sequential(
            student_loss.loss(bert.sentence_encoder(student).apply, config.widths),
            student_loss.optimizer(config.learning_rate, steps), start,
            {**found.tokens._asdict(), "vectors": found.vectors, "hidden": hidden}, sampler,
            keys.key(config.base_seed, "student"), epochs=config.epochs,
            numbers=weights_of(config, TRAINED[0]), execution=self.run.execution,
        )  # fmt: skip

    def measure_teacher(self, task):
        """The teacher's record, with what it and its cuts cost."""
        network, params, _, folder, _ = self.teacher
        cuts = [student_of(self.teacher, count)[:2] for count in self.config.layers]
        encoders = [(network, params), *cuts]
        costs = speed.costs(encoders, self.task.test_tokens, folder, self.config.rounds)
        more = {"tests": len(self.task.test_labels), "layers": network.layers, "costs": costs}
        return [{"seed": 0, **self.task.measure(self.embeddings), **more}]

    def measure(self, task, student, params):
        """Save a student and measure it."""
        one = state.stateless(jax.tree.map(lambda x: x[None, None], params))
        test = padding.unlabeled(self.task.test_tokens.take(slice(SAVED_TEXTS)))
        net, seed = bert.sentence_encoder(student), task.known.get("seed", 0)
        saved_models.save(task.run, net, one, [task.known["row"]], test, seed=seed)
        return self.task.measure(self.task.embeddings(student, params), self.neighbors)

    def cut(self, count, task):
        """One record per seed of a cut that is not trained, though no seed changes it."""
        student, start, _ = student_of(self.teacher, count)
        found = self.measure(task, student, start)
        return [{"seed": seed, **found} for seed in range(self.config.seeds)]

    def first(self, count, arm, seed):
        """(network, its first parameters) of a student."""
        key = keys.key(self.config.base_seed, "student", seed) if arm == RANDOM else None
        return student_of(self.teacher, count, key)[:2]

    def train(self, count, arm, seed, task):
        """The record of one trained student."""
        student, start = self.first(count, arm, seed)
        label = f"{row_name(count, arm)}, seed {seed}"
        fitted = self.training(count).fit(
            start, seed, label=label, execution=task.execution,
            numbers=weights_of(self.config, arm),
        )  # fmt: skip
        last = {f"train_{name}": float(x[-1]) for name, x in fitted.curves.items()}
        measure = functools.partial(self.measure, task, student, fitted.params)
        return [records.network_record({}, lambda: measure() | last, fitted.diverged)]


def run(config, run):
    """Measure the teacher and its cuts, train the students; record them."""
    teacher = load(config)
    task = data.IntentTask(config, teacher.tokenizer)
    texts = [*task.texts, *data.unlabeled_texts(config)]
    tokens = tokenizers.encode(teacher.tokenizer, texts, config.max_length)
    found = fingerprint.arrays(tokens)
    run.uses(data=banking77.DIGEST, texts=found, teacher=teacher.digest)
    students = EncoderStudents(config, teacher, task, tokens, run)
    units = [({"row": TEACHER}, students.measure_teacher)]
    for count in config.layers:
        known = {"row": row_name(count, CUT), "arm": CUT, "layers": count}
        units.append((known, functools.partial(students.cut, count)))
        for arm in TRAINED:
            for seed in range(config.seeds):
                known = {"row": row_name(count, arm), "arm": arm, "layers": count, "seed": seed}
                units.append((known, functools.partial(students.train, count, arm, seed)))
    run.each(units)
