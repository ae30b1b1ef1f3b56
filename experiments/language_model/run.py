"""A decoder with a third of its layers learns from the whole one: objectives side by side."""

import dataclasses
import pathlib
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from experiments.language_model import generation as writing
from experiments.language_model import report
from experiments.language_model.objectives import FEW, MORE
from kd_jax import experiment, fingerprint, losses
from kd_jax.data import gsm8k, padding
from kd_jax.errors import require
from kd_jax.export import saved_models as networks
from kd_jax.language import generation as generate
from kd_jax.language import (
    gsm8k_texts,
    objectives,
    student_loss,
    teacher_cache,
    teacher_outputs,
    tiny_teacher,
    tokens,
)
from kd_jax.metrics import cost, records
from kd_jax.models import llama
from kd_jax.pretrained import chat_template, layer_selection
from kd_jax.pretrained import llama as decoder
from kd_jax.pretrained import load as named
from kd_jax.runtime import memory, progress
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, optimizers, samplers
from kd_jax.training import state as train_state

SHOWN = 16  # texts kept beside a student for its export
STUDENT, WRITTEN = "student", (32, 4)  # a folder; tokens and texts by which writing is timed
SNAPSHOTS = 120.0  # seconds between two: one holds three times the parameters


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the decoder's distillation."""

    seeds: int = experiment.setting(3, "how many orders of the data each row is averaged over")
    teacher: str = experiment.place(
        "", "folder, hub name or .gguf of a Llama (default: SmolLM2-135M)"
    )
    layers: int = experiment.setting(10, "layers of the students")
    texts: int = experiment.setting(320, "training problems")
    tests: int = experiment.setting(48, "held-out problems")
    prompt_tokens: int = experiment.setting(48, "tokens of a prompt at most")
    answer_tokens: int = experiment.setting(64, "tokens of an answer at most")
    batch: int = experiment.setting(4, "problems in a step")
    parts: int = experiment.setting(1, "micro-batches of a step, one of them in memory at a time")
    epochs: int = experiment.setting(2, "epochs over the problems")
    rate: float = experiment.setting(5e-4, "largest learning rate")
    every: bool = experiment.setting(False, "every objective, not four of them")
    half: bool = experiment.setting(False, "layers compute in bfloat16")
    rematerialised: bool = experiment.setting(False, "layers are computed again for the gradient")
    choosing: bool = experiment.setting(False, "held out are training problems, to choose settings")
    tiny: bool = experiment.setting(False, "a tiny random teacher, to see that it runs")
    prompt: str = experiment.place(
        "", "a question that teacher and student then answer side by side"
    )
    temperature: float = experiment.place(0.0, "of these answers (default: the likeliest tokens)")
    top_p: float = experiment.place(
        1.0, "of these answers: least probability of what is drawn from"
    )

    PRESETS = {
        "default": {},
        "accelerator": {
            "texts": 6400, "tests": 1024, "prompt_tokens": 192, "answer_tokens": 256,
            "batch": 64, "parts": 4, "epochs": 3, "every": True, "half": True,
            "rematerialised": True,
        },
        "smoke": {
            "optimize": False,
            "seeds": 2, "layers": 2, "texts": 16, "tests": 8, "prompt_tokens": 96,
            "answer_tokens": 96, "batch": 4, "every": True, "tiny": True,
        },
    }  # fmt: skip

    def validate(self):
        counts = "layers", "texts", "tests", "batch", "parts", "epochs"
        experiment.check_counts(self, *counts, "prompt_tokens", "answer_tokens")
        require(
            self.batch % self.parts == 0,
            f"--parts={self.parts}: expected a divisor of --batch={self.batch}",
        )
        require(
            self.texts >= self.batch,
            f"--texts={self.texts}: expected --batch={self.batch} or more",
        )
        require(self.rate > 0, f"--rate={self.rate:g}: expected a number above 0")
        require(
            0 <= self.temperature < 100, f"--temperature={self.temperature:g}: expected 0 or more"
        )
        require(0 < self.top_p <= 1, f"--top_p={self.top_p:g}: expected above 0, 1 at most")
        require(
            not (self.tiny and self.teacher), "--tiny and --teacher: expected one of them at most"
        )


class Known(NamedTuple):
    """The teacher, the Texts that students learn from, and those that they are measured on.

    words: the teacher's tokenizer; question: --prompt as Tokens, if any.
    """

    teacher: teacher_cache.Teacher
    texts: tokens.Texts
    held: tokens.Texts
    words: Any
    question: padding.Tokens | None


def load(settings):
    """What is Known. Raises: InputError when teacher and settings do not fit together."""
    known, test = gsm8k.load(settings.data_dir, settings.manual_dir)
    if settings.tiny:
        some = [text for problem in known[: settings.texts] for text in problem]
        (net, params), words = tiny_teacher.teacher(), tiny_teacher.tokenizer(some)
    else:
        net, params, words = named.load(settings.teacher)
    require(
        settings.layers < net.layers,
        f"--layers={settings.layers}: expected fewer than the teacher's {net.layers}",
    )
    net = dataclasses.replace(net, dtype=jnp.bfloat16 if settings.half else jnp.float32)
    asked = teacher_cache.Teacher(
        net, jax.device_put(params), fingerprint.arrays(params), chat_template.stop_token(words)
    )
    longest = settings.prompt_tokens, settings.answer_tokens
    require(
        sum(longest) <= net.positions,
        f"--prompt_tokens={longest[0]} and --answer_tokens={longest[1]}: expected "
        f"{net.positions} in all at most, the teacher's positions",
    )
    question = None
    if settings.prompt:
        question = writing.asked(words, settings.prompt, net, settings.answer_tokens)
    texts = gsm8k_texts.texts(words, known, settings.texts + settings.tests, longest)
    held = gsm8k_texts.part(
        texts, slice(settings.texts, None)
    )  # kept out, whether asked for or not
    if not settings.choosing:
        held = gsm8k_texts.texts(words, test, settings.tests, longest)
    return Known(asked, gsm8k_texts.part(texts, slice(settings.texts)), held, words, question)


def student_of(settings, net, params):
    """(the students' Llama, the parameters that they start with) of the teacher's."""
    chosen = layer_selection.spaced(net.layers, settings.layers)
    more = {"layers": settings.layers, "rematerialised": settings.rematerialised}
    return dataclasses.replace(net, **more), layer_selection.cut(params, chosen)


def training_of(settings, asked, objective, rows):
    """(the train.Training of an objective's students, seed -> the state that one starts with)."""
    net, start = student_of(settings, asked.net, asked.params)
    order = samplers.scattered(jax.random.key(2), settings.texts, settings.batch)
    steps = optimizers.steps(settings.epochs, order)
    optimizer = optimizers.adamw_warmup_cosine(settings.rate, steps)
    said, writes = teacher_outputs.read_out(asked.params), None
    if objective.share:  # its own texts are new: the whole teacher reads them
        said = asked.params
        writes = student_loss.on_policy(net, asked.net, objective.share, asked.stop)

    def state_of(seed):
        one = jax.tree.map(lambda x: jnp.asarray(x)[None, None], start)
        return train_state.grid(one, optimizer, jax.random.split(jax.random.key(seed), 1))

    loss = student_loss.loss(net, objective, settings.parts, writes)
    training = loop.Training(
        loss, optimizer, state_of(0), rows, order,
        epochs=settings.epochs, seeds=0, shared={"teacher": said},
    )  # fmt: skip
    return training, state_of


def distil(settings, objective, training, here, seed):
    """(parameters, {what the training took}, when it diverged) of one student."""
    snapshots = checkpoint.of_run(here, objective.row, seed)
    snapshots.every = SNAPSHOTS
    seen = []
    with progress.bar(f"{objective.row}, seed {seed}", settings.epochs) as bar:

        def report_and_time(done, curves):
            seen.append((done, time.monotonic()))
            bar(done, curves)

        state, curves = training.run(report_and_time, snapshots)
    took = {
        "train_loss": float(curves["loss"][-1, 0, 0]),
        "peak_bytes": memory.peak(training.program),
    }
    (first, began), (last, ended) = seen[0], seen[-1]
    if last > first:  # a single epoch has but its end
        steps = settings.texts // settings.batch
        learnt = float(curves["tokens"][first:last].sum()) * steps
        took["tokens_per_second"] = learnt / (ended - began)
    snapshots.clear()
    lost = train_state.diverged(state)[0, 0]
    return jax.tree.map(lambda x: x[0, 0], state.params), took, lost


def students(settings, known, objective, rows, here, measures):
    """Trains an objective's students one after the other and appends their records to the run.

    The first student of forward KL is left in the run's folder, as Hugging Face lays out a model.
    """
    left = [s for s in range(settings.seeds) if not here.has(row=objective.row, seed=s)]
    if not left:
        return
    training, state_of = training_of(settings, known.teacher, objective, rows)
    for seed in left:
        training.again(state_of(seed), seed)
        params, took, lost = distil(settings, objective, training, here, seed)
        keep(settings, known, objective.row, params, seed, here)
        if objective.row == report.FORWARD and not seed:
            net, _ = student_of(settings, known.teacher.net, known.teacher.params)
            decoder.save(here.path(STUDENT), net, params)
            known.words.save(str(here.path(STUDENT) / "tokenizer.json"))
        own = {"row": objective.row, "seed": seed}
        here.append([records.of_network(own, lambda p=params, t=took: measures(p) | t, lost)])


def keep(settings, known, row, params, seed, run):
    """Keep a student for export, with the first held-out texts."""
    net, _ = student_of(settings, known.teacher.net, known.teacher.params)
    few = tokens.asked(gsm8k_texts.part(known.held, slice(SHOWN)))
    one = jax.tree.map(lambda x: x[None, None], params)
    networks.keep(run, llama.decoder(net), one, [row], few, seed=seed)


CODE = fingerprint.source(
    loop, samplers, optimizers, generate, losses.logits, losses.sequence, losses.vocabulary,
    llama, teacher_cache, teacher_outputs, student_loss, objectives, gsm8k_texts, tokens,
    tiny_teacher, chat_template, layer_selection.cut, layer_selection.spaced, load, student_of,
    training_of,
)  # fmt: skip


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def trained(settings, known, chosen, facts):
    """Teacher, students, records, tables and figure: the folder of the run."""
    asked, texts, held, words, _ = known
    here = run_folder.Run(settings.workdir, "language_model", settings.results_key(), facts)
    where = pathlib.Path(settings.workdir) / "teachers"
    kept = teacher_cache.Kept(asked, where, settings.batch, again=settings.retrain)
    rows = {each.row: kept.rows(each, texts) for each in chosen}
    hidden, said = kept.hidden(held), teacher_outputs.read_out(asked.params)
    net, start = student_of(settings, asked.net, asked.params)
    measured = student_loss.measurer(net)

    def measures(params):
        return _test(measured(params, held, hidden, said, settings.batch))

    if not here.has(row=report.TEACHER):
        own = _test(student_loss.of_teacher(held, hidden, said, settings.batch))
        cached = [each.row for each in chosen if each.kept or each.row == report.FORWARD]
        sizes = {row: teacher_cache.size_of(rows[row]) for row in cached}
        more = {"layers": asked.net.layers, "vocabulary": asked.net.vocabulary, "caches": sizes}
        more |= {"parameters": cost.parameters(asked.params)}
        more |= {"written": writing.speeds(asked.net, asked.params, held.prompts, *WRITTEN)}
        here.append([{"row": report.TEACHER, "seed": 0, **own, **more}])
    if not here.has(row=report.CUT):
        more = {"parameters": cost.parameters(start)}
        here.append([{"row": report.CUT, "seed": 0, **measures(start), **more}])
    for objective in chosen:
        students(settings, known, objective, rows[objective.row], here, measures)
    here.conclude(table, report.draw)
    return here.folder


def compared(settings, known, student):
    """What the teacher and the student in a folder answer to --prompt, as text."""
    asked, choose = known.teacher, generate.greedy
    if settings.temperature:
        choose = generate.sampled(settings.temperature, settings.top_p)
    who = {
        "teacher": (asked.net, asked.params),
        f"student ({report.FORWARD})": decoder.load(student),
    }
    how = asked.stop, settings.answer_tokens, choose
    return f"--- question\n{settings.prompt}\n" + "\n".join(
        f"--- {name}, {net.layers} layers\n"
        + writing.answer(net, params, known.words, known.question, *how)
        for name, (net, params) in who.items()
    )


def run(settings):
    """The run, or the last one of these settings where only its students are asked."""
    known, chosen = load(settings), FEW + MORE * settings.every
    facts = {"data": gsm8k.DIGEST, "teacher": known.teacher.digest, "code": CODE}
    place = settings.workdir, "language_model", settings.results_key(), facts
    here = run_folder.finished(*place) if settings.prompt else None
    here = here or trained(settings, known, chosen, facts)
    if settings.prompt:
        print(compared(settings, known, here / STUDENT))


def _test(found):
    return {name if name == "tokens" else f"test_{name}": x for name, x in found.items()}


if __name__ == "__main__":
    experiment.launch(Config, run)
