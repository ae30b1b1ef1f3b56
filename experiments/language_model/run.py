"""A decoder with a third of its layers distilled from the whole one: objectives side by side."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from experiments.language_model import generation as writing
from experiments.language_model import objectives
from experiments.language_model import rows as names
from kd_jax import fingerprint
from kd_jax.data import gsm8k, padding
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.language import (
    answers,
    generation,
    gsm8k_texts,
    student_loss,
    teacher_cache,
    teacher_outputs,
    tiny_teacher,
    tokens,
)
from kd_jax.metrics import cost, records
from kd_jax.models import llama, llama_unrolled
from kd_jax.pretrained import decoder_folder, layer_selection
from kd_jax.pretrained import llama as llama_files
from kd_jax.pretrained import load as pretrained
from kd_jax.storage import run_folder
from kd_jax.training import keys, optimizers, samplers, sequential
from kd_jax.training import state as train_state

SAVED_TEXTS = 16  # saved beside a student for its export
STUDENT, SFT = "student", "sft"  # folders, the latter of each seed
GENERATED = 32, 4  # tokens and texts by which generation is timed
SNAPSHOTS = 120.0  # seconds between two: one holds three times the parameters


class Distillation(NamedTuple):
    """The teacher, the Texts that students learn from, and those that they are measured on.

    model: the teacher's ChatModel; question: --prompt as Tokens, if any.
    """

    teacher: teacher_cache.DecoderTeacher
    texts: tokens.Texts
    test: tokens.Texts
    model: pretrained.ChatModel
    question: padding.Tokens | None


def load_teacher(config, problems):
    """(DecoderTeacher, its ChatModel). Raises: InputError when it does not fit the settings."""
    if config.tiny:
        some = [text for problem in problems[: config.texts] for text in problem]
        model = tiny_teacher.chat_model(keys.key(config.base_seed, "teacher"), some)
    else:
        model = pretrained.load(config.teacher)
    net, params, stop = model.net, model.params, model.stop
    require(
        config.layers < net.layers,
        f"--layers={config.layers}: expected fewer than the teacher's {net.layers}",
    )
    require(
        config.prompt_tokens + config.answer_tokens <= net.max_position_embeddings,
        f"--prompt_tokens={config.prompt_tokens} and --answer_tokens={config.answer_tokens}: "
        f"expected {net.max_position_embeddings} in all at most, the teacher's positions",
    )
    kept = max(each.top_k for each in objectives.chosen(config))
    require(
        kept < net.vocabulary,
        f"--top_k={kept}: expected below {net.vocabulary}, the teacher's vocabulary",
    )
    net = dataclasses.replace(net, dtype=jnp.bfloat16 if config.bfloat16 else jnp.float32)
    digest = fingerprint.arrays(params)
    return teacher_cache.DecoderTeacher(net, jax.device_put(params), digest, stop), model


def load(config):
    """The Distillation. Raises: InputError when teacher and settings do not fit together."""
    problems, test = gsm8k.load(config.data_dir, config.manual_dir)
    teacher, model = load_teacher(config, problems)
    chat = gsm8k_texts.chat_of(model)
    question = None
    if config.prompt:
        question = writing.prompt_of(chat, config.prompt, teacher.net, config.answer_tokens)
    lengths = config.prompt_tokens, config.answer_tokens
    texts = gsm8k_texts.encode(chat, problems, config.texts + config.tests, lengths)
    held_out = texts.take(slice(config.texts, None))  # whether they are measured or not
    if not config.validation_only:
        held_out = gsm8k_texts.encode(chat, test, config.tests, lengths)
    return Distillation(teacher, texts.take(slice(config.texts)), held_out, model, question)


class DecoderStudents:
    """Trains and measures students of a Distillation."""

    def __init__(self, config, data, run):
        self.config, self.data, self.execution = config, data, run.execution
        teacher = data.teacher
        self.cache = teacher_cache.TeacherCache(
            teacher, run.workdir, config.batch_size, again=run.retrain
        )
        chosen = layer_selection.spaced(teacher.net.layers, config.layers)
        net, self.start = layer_selection.student(teacher.net, teacher.params, chosen)
        self.net = dataclasses.replace(net, remat=config.remat)
        self.read_out = teacher_outputs.read_out(teacher.params, teacher.net.variant.logits_cap)
        self.trainings = {}
        self.evaluator = student_loss.evaluator(self.net)
        self.sampler = answers.sampler(self.net, teacher.stop)

    def rows(self, objective):
        """What students of an objective learn from."""
        return self.cache.rows(
            objective, self.data.texts, keys.key(self.config.base_seed, "samples")
        )

    def order(self):
        """The sampler of the order in which every objective's students see the problems."""
        key = keys.key(self.config.base_seed, "student", "order")
        return samplers.scattered(key, self.config.texts, self.config.batch_size)

    def training(self, objective):
        """The Sequential training of an objective's students; the one before is let go first."""
        if objective.row not in self.trainings:
            self.trainings.clear()
            self.trainings[objective.row] = self._training(objective)
        return self.trainings[objective.row]

    def _training(self, objective):
        config, teacher = self.config, self.data.teacher
        net, start = llama_unrolled.for_long(self.net, self.start)
        sampler, key = self.order(), keys.key(config.base_seed, "student")
        steps = optimizers.steps(config.epochs, sampler)
        shared, on_policy = self.read_out, None
        if objective.on_policy_fraction:  # its own texts are new: the whole teacher reads them
            shared, fraction = teacher.params | shared, objective.on_policy_fraction
            on_policy = student_loss.on_policy(self.net, teacher.net, fraction, teacher.stop)
        return sequential.Sequential(
            student_loss.loss(net, objective, config.micro_batches, on_policy),
            optimizers.adamw_warmup_cosine(config.learning_rate, steps), start,
            self.rows(objective), sampler, key, epochs=config.epochs, shared={"teacher": shared},
            execution=self.execution,
        )  # fmt: skip

    def measure(self, params):
        """{metric: value} of a student on the held-out texts, and in what it samples itself."""
        test, size = self.data.test, self.config.batch_size
        found = self.evaluator(params, test, self.cache.hidden(test), self.read_out, size)
        return _test(found | self.sampler(params, test, size, self._sampled_by()))

    def _sampled_by(self):
        """The key of what teacher and students sample to be measured."""
        return keys.key(self.config.base_seed, "samples", "measured")

    def measure_teacher(self, chosen, task):
        """The teacher's record, with the sizes of its caches and its generation speeds."""
        net, params, *_ = self.data.teacher
        test, size = self.data.test, self.config.batch_size
        hidden = self.cache.hidden(test)
        own = student_loss.evaluate_teacher(test, hidden, self.read_out, size)
        sample = answers.sampler(net, self.data.teacher.stop)
        own = _test(own | sample(params, test, size, self._sampled_by()))
        cached = [each for each in chosen if each.top_k or each.row == names.FORWARD]
        sizes = {each.row: teacher_cache.size_of(self.rows(each)) for each in cached}
        more = {"layers": net.layers, "vocabulary": net.vocabulary, "caches": sizes}
        more |= {"parameters": cost.parameters(params)}
        more |= {"generation_speeds": writing.speeds(net, params, test.prompts, *GENERATED)}
        return [{"seed": 0, **own, **more}]

    def measure_cut(self, task):
        """The record of the layers that students start from."""
        count = cost.parameters(self.start)
        return [{"seed": 0, "parameters": count, **self.measure(self.start)}]

    def train(self, objective, seed, task):
        """The record of one student.

        The first one of forward KL is left in the run's folder too, as a Hugging Face model.
        """
        training = self.training(objective)
        task.execution.snapshots.every = SNAPSHOTS
        label = f"{objective.row}, seed {seed}"
        start = self.start
        if objectives.after_sft(objective):
            _, start = llama_files.load(task.run.path(f"{SFT}-{seed}"))
        _, start = llama_unrolled.for_long(self.net, start)
        fitted = training.fit(start, seed, label=label, execution=task.execution)
        fitted = fitted._replace(params=llama_unrolled.stacked(fitted.params))
        self.save(task.run, objective, fitted.params, seed)
        more = {"train_loss": float(fitted.curves["loss"][-1]), "peak_bytes": training.peak_bytes()}
        (first, began), (last, ended) = fitted.clock[0], fitted.clock[-1]
        if last > first:  # a single epoch has but its end
            steps = self.config.texts // self.config.batch_size
            learned = float(fitted.curves["tokens"][first:last].sum()) * steps
            more["tokens_per_second"] = learned / (ended - began)
        return [
            records.network_record({}, lambda: self.measure(fitted.params) | more, fitted.diverged)
        ]

    def save(self, run, objective, params, seed):
        """Save a student for export, with the first held-out texts."""
        few = tokens.next_token_split(self.data.test.take(slice(SAVED_TEXTS)))
        one = train_state.stateless(jax.tree.map(lambda x: x[None, None], params))
        saved_models.save(run, llama.decoder(self.net), one, [objective.row], few, seed=seed)
        if objective.row == names.FORWARD and not seed:
            decoder_folder.save(run.path(STUDENT), self.net, params, self.data.model)
        if objective.row == names.SFT and self.config.all_objectives:  # with which others begin
            llama_files.save(run.path(f"{SFT}-{seed}"), self.net, params)


def _test(found):
    return {name if name == "tokens" else f"test_{name}": x for name, x in found.items()}


def train(config, data, run):
    """Measure the teacher and its cut, train the students of every objective."""
    chosen, students = objectives.chosen(config), DecoderStudents(config, data, run)
    units = [
        ({"row": names.TEACHER}, functools.partial(students.measure_teacher, chosen)),
        ({"row": names.CUT}, students.measure_cut),
    ]
    for objective in chosen:
        for seed in range(config.seeds):
            known = {"row": objective.row, "seed": seed}
            units.append((known, functools.partial(students.train, objective, seed)))
    run.each(units)


def said(config, data, folder):
    """What the teacher and the student in a folder answer to --prompt, as text."""
    teacher, choose = data.teacher, generation.greedy
    if config.temperature:
        choose = generation.sampled(config.temperature, config.top_p)
    who = {
        "teacher": (teacher.net, teacher.params),
        f"student ({names.FORWARD})": llama_files.load(folder),
    }
    key = keys.key(config.base_seed, "generation")
    how = data.model.tokenizer, data.question, teacher.stop, config.answer_tokens, choose, key
    return f"--- question\n{config.prompt}\n" + "\n".join(
        f"--- {name}, {net.layers} layers\n{writing.answer(net, params, *how)}"
        for name, (net, params) in who.items()
    )


def run(config, run):
    """Train, or only answer --prompt where a finished run of these settings has the student."""
    data = load(config)
    run.uses(data=gsm8k.DIGEST, teacher=data.teacher.digest)
    folder = run_folder.finished(run) if config.prompt else None
    if folder is None:
        train(config, data, run)
    if config.prompt:
        print(said(config, data, (folder or run.folder) / STUDENT))
