"""Sentence encoders with a half, a third and a sixth of the layers: cut, or cut and distilled."""

import functools

import jax

from experiments.encoder import data, speed
from experiments.encoder.rows import CUT, EMBEDDINGS, RANDOM, TEACHER, TRAINED, row_name
from kd_jax import fingerprint
from kd_jax.data import banking77, padding
from kd_jax.export import saved_models
from kd_jax.language.encoder import costs, measures, outputs, reading, students
from kd_jax.language.encoder.training import Recipe, Training
from kd_jax.metrics import records
from kd_jax.models import bert
from kd_jax.pretrained import sentence_embeddings
from kd_jax.pretrained.encoder import Encoder
from kd_jax.training import keys, state

SAVED_TEXTS, TIMED = 64, 1000  # texts saved beside a student for its export; those that are timed
MEASURES = "probe_accuracy", "few_accuracy", "nearest_accuracy", "nearest_agreement"
TERMS = "cosine", "hidden", "gram"


def load(config):
    """The teacher, an Encoder. Raises: InputError when settings do not fit it."""
    teacher = Encoder(config.teacher or sentence_embeddings.packaged())
    students.check(teacher, config.layers)
    return teacher


def losses_of(arm):
    """The terms of the loss in an arm."""
    return TERMS[:1] if arm == EMBEDDINGS else TERMS


class EncoderStudents:
    """Trains and measures students of one teacher on one measures.Task."""

    def __init__(self, config, teacher, task, tokens, run):
        self.config, self.teacher, self.task, self.tokens = config, teacher, task, tokens
        self.run = run
        self.training = functools.lru_cache(maxsize=1)(self._training)

    @functools.cached_property
    def outputs(self):
        """What the teacher says of the texts that students learn from."""
        every = (students.of_layers(self.teacher, count).imitates for count in self.config.layers)
        imitated = sorted({layer for layers in every for layer in layers})
        where = self.run.workdir
        return outputs.cached(self.teacher, self.tokens, imitated, where, again=self.run.retrain)

    def _training(self, count):
        """The Training of students of so many layers."""
        config = self.config
        weights = {"cosine": 1.0, "hidden": config.hidden_weight, "gram": config.gram_weight}
        recipe = Recipe(
            config.epochs, config.batch_size, config.learning_rate, config.widths, weights
        )
        student = students.of_layers(self.teacher, count)
        return Training(
            student, self.outputs, TERMS, recipe, base_seed=config.base_seed,
            execution=self.run.execution,
        )  # fmt: skip

    def measured(self, vectors, names=MEASURES):
        """{measure: its mean} of an encoder's vectors."""
        found = measures.means(self.task.examples(vectors))
        return {name: found[name] for name in names}

    def measure_teacher(self, task):
        """The teacher's record, with what it and its cuts cost."""
        cuts = [students.of_layers(self.teacher, count) for count in self.config.layers]
        encoders = [students.encoder_of(self.teacher, cut, cut.params) for cut in cuts]
        timed = self.teacher.tokens(self.task.held.texts[:TIMED])
        every = [self.teacher, *encoders]
        work = [functools.partial(encoder.vectors, timed) for encoder in every]
        work += [speed.in_torch(self.teacher.folder, timed)] if speed.installed() else []
        found, speeds = costs.costs(every, work, len(timed.ids), self.config.rounds)
        found[0] |= dict(zip(["torch_sentences_per_second"], speeds))
        more = {"tests": len(self.task.held.texts), "layers": self.teacher.network.layers}
        own = self.measured(self.task.of_teacher, MEASURES[:-1])
        return [{"seed": 0, **own, **more, "costs": found}]

    def measure(self, task, student, params):
        """Save a student and measure it."""
        found = students.encoder_of(self.teacher, student, params)
        one = state.stateless(jax.tree.map(lambda x: x[None, None], found.params))
        texts = self.task.held.texts[:SAVED_TEXTS]
        test = padding.unlabeled(self.teacher.tokens(texts))
        net, seed = bert.sentence_encoder(student.network), task.known.get("seed", 0)
        saved_models.save(task.run, net, one, [task.known["row"]], test, seed=seed)
        return self.measured(self.task.vectors(found))

    def cut(self, count, task):
        """The one record of a cut, which is not trained: no seed changes it."""
        student = students.of_layers(self.teacher, count)
        return [{"seed": 0, **self.measure(task, student, student.params)}]

    def first(self, count, arm, seed):
        """A Student as it begins."""
        key = keys.key(self.config.base_seed, "student", seed) if arm == RANDOM else None
        return students.of_layers(self.teacher, count, drawn_by=key)

    def train(self, count, arm, seed, task):
        """The record of one trained student."""
        student, label = self.first(count, arm, seed), f"{row_name(count, arm)}, seed {seed}"
        fitted = self.training(count).fit(
            student, seed, losses_of(arm), label=label, execution=task.execution
        )
        last = {f"train_{name}": float(x[-1]) for name, x in fitted.curves.items()}
        measure = functools.partial(self.measure, task, student, fitted.params)
        return [records.network_record({}, lambda: measure() | last, fitted.diverged)]


def run(config, run):
    """Measure the teacher and its cuts, train the students; record them."""
    teacher = load(config)
    task = data.intents(config, teacher)
    texts = [*task.train.texts, *data.unlabeled_texts(config)]
    tokens = reading.read(teacher, texts, config.max_length).tokens
    found = fingerprint.arrays(tokens)
    run.uses(data=banking77.DIGEST, texts=found, teacher=outputs.digest(teacher))
    trained = EncoderStudents(config, teacher, task, tokens, run)
    units = [({"row": TEACHER}, trained.measure_teacher)]
    for count in config.layers:
        known = {"row": row_name(count, CUT), "arm": CUT, "layers": count}
        units.append((known, functools.partial(trained.cut, count)))
        for arm in TRAINED:
            for seed in range(config.seeds):
                known = {"row": row_name(count, arm), "arm": arm, "layers": count, "seed": seed}
                units.append((known, functools.partial(trained.train, count, arm, seed)))
    run.each(units)
