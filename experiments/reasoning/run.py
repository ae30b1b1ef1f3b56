"""A small decoder learns to reason from a larger one's chains of thought, or from less."""

import dataclasses
import functools
import pathlib

import jax
import numpy as np

from experiments.reasoning import (
    answering,
    arms,
    automaton,
    families,
    pools,
    problems,
    report,
    students,
    tasks,
    training,
    word_problems,
)  # fmt: skip
from kd_jax import experiment, fingerprint, losses
from kd_jax.data import gsm8k, padding
from kd_jax.errors import require
from kd_jax.export import saved_models as networks
from kd_jax.language import (
    generation,
    objectives,
    student_loss,
    teacher_cache,
    teacher_outputs,
    tokens,
)
from kd_jax.metrics import records
from kd_jax.models import llama
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import loop, optimizers

LAYERS, TEACHER_BATCH = 2, 32  # of the teacher of a family
TEACHING = "problems", "steps", "width"
SHOWN = 64  # problems kept beside a student for its export
HELD_OUT = 1000  # of the training problems of GSM8K, to choose settings on


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the students of reasoning."""

    task: str = experiment.setting("word_problems", "word_problems, automaton or gsm8k")
    teacher: str = experiment.place("", "gsm8k: folder, hub name or .gguf of a Llama that chats")
    tiny: bool = experiment.setting(False, "gsm8k: a tiny random teacher, to see that it runs")
    sizes: tuple[int, ...] = experiment.setting(
        (250, 1000, 4000), "problems that students learn from"
    )
    tests: int = experiment.setting(250, "test problems, as many of each kind")
    samples: int = experiment.setting(4, "chains that the teacher writes per problem")
    temperature: float = experiment.setting(1.8, "at which it samples them")
    steps: int = experiment.setting(600, "training steps of the students")
    own: int = experiment.setting(300, "on-policy: the last of them, on texts of their own")
    batch: int = experiment.setting(8, "texts in a step")
    rate: float = experiment.setting(1e-2, "largest learning rate")
    width: int = experiment.setting(64, "width of the students of a family")
    layers: int = experiment.setting(2, "layers of the students")
    heads: int = experiment.setting(2, "heads of the decoders of a family")
    teacher_problems: int = experiment.setting(
        20_000, "problems that the teacher of a family learns"
    )
    teacher_steps: int = experiment.setting(600, "its training steps")
    teacher_width: int = experiment.setting(128, "its width")
    prompt_tokens: int = experiment.setting(192, "gsm8k: tokens of a prompt at most")
    answer_tokens: int = experiment.setting(256, "gsm8k: tokens of an answer at most")
    together: int = experiment.setting(250, "texts that are read or written at a time")
    every: bool = experiment.setting(False, "on-policy JSD as well")
    choosing: bool = experiment.setting(False, "tested are held-out problems, to choose settings")

    PRESETS = {
        "default": {},
        "automaton": {
            "task": "automaton", "sizes": (50, 1000, 8000), "temperature": 2.2,
            "own": 500, "batch": 40, "heads": 4,
        },
        "accelerator": {
            "sizes": (250, 1000, 4000, 16_000), "tests": 1000, "steps": 4000, "own": 2000,
            "batch": 128, "teacher_problems": 100_000, "teacher_steps": 8000, "teacher_width": 256,
            "together": 1000, "every": True,
        },
        "gsm8k": {
            "task": "gsm8k", "sizes": (500, 2000, 5000), "tests": 1000, "batch": 32,
            "rate": 3e-4, "layers": 10, "together": 32,
        },
        "smoke": {
            "optimize": False,
            "task": "automaton", "seeds": 2, "sizes": (32, 64), "tests": 40, "steps": 40, "own": 30,
            "batch": 4, "width": 16, "layers": 1, "teacher_problems": 2000, "teacher_steps": 100,
            "teacher_width": 32, "together": 40,
        },
    }  # fmt: skip

    def validate(self):
        counts = "tests", "samples", "steps", "own", "batch", "width", "layers", "heads", "together"
        of_others = "prompt_tokens", "answer_tokens", *(f"teacher_{x}" for x in TEACHING)
        experiment.check_counts(self, *counts, *of_others)
        known = ", ".join(TASKS)
        require(self.task in TASKS, f"--task={self.task}: expected one of {known}")
        given = ",".join(map(str, self.sizes))
        whole = self.sizes and len(set(self.sizes)) == len(self.sizes) and min(self.sizes) > 0
        require(whole, f"--sizes={given}: expected different numbers of 1 or more")
        for name in ("steps", "own", "teacher_steps"):
            value, parts = getattr(self, name), training.PARTS
            require(value % parts == 0, f"--{name}={value}: expected a multiple of {parts}")
        require(self.own < self.steps, f"--own={self.own}: expected below --steps={self.steps}")
        for name in ("width", "teacher_width"):
            value, parts = getattr(self, name), 2 * self.heads
            require(value % parts == 0, f"--{name}={value}: expected a multiple of {parts}")
        for name in ("rate", "temperature"):
            value = getattr(self, name)
            require(0 < value < 100, f"--{name}={value:g}: expected a number above 0")
        require(
            self.task == "gsm8k" or not (self.teacher or self.tiny),
            f"--teacher and --tiny are of --task=gsm8k: expected neither with {self.task}",
        )
        require(not (self.teacher and self.tiny), "--tiny and --teacher: expected one at most")


def of_family(family, settings):
    """(Task, digest of its problems) of a family; its teacher is trained or restored."""
    held = dict.fromkeys(("test", "harder", "validation"), settings.tests)
    more = {"teacher": settings.teacher_problems, "train": max(settings.sizes)}
    found = family.load(held | more)
    taken = settings.teacher_steps, TEACHER_BATCH, settings.rate
    plan = training.Plan(*taken, optimizers.muon_warmup_cosine)
    net = families.network(found.words, settings.teacher_width, LAYERS, settings.heads)
    taught = families.taught(found, net, plan, settings.workdir, retrain=settings.retrain)
    student = families.network(found.words, settings.width, settings.layers, settings.heads)
    tests = {"test": "validation" if settings.choosing else "test", "harder": "harder"}
    return families.task(found, taught, student, tests), fingerprint.of(found.splits)


def of_gsm8k(settings):
    """(Task, digest of its problems and how they are read) of GSM8K and somebody else's teacher."""
    # the other tasks need none of the packages that these rooms need
    from experiments.reasoning import gsm8k as real
    from kd_jax.language import tiny_teacher
    from kd_jax.pretrained import load

    known, test = gsm8k.load(settings.data_dir, settings.manual_dir)
    if settings.tiny:
        model = (
            *tiny_teacher.teacher(),
            tiny_teacher.tokenizer([text for p in known[:100] for text in p]),
        )
    else:
        model = load.load(settings.teacher)
    kept = known[:-HELD_OUT], max(settings.sizes)
    held = known[-HELD_OUT:] if settings.choosing else test, settings.tests
    longest = settings.prompt_tokens, settings.answer_tokens
    facts = [gsm8k.DIGEST, fingerprint.source(real)]
    return real.task(model, kept, held, longest, settings.layers), fingerprint.of(facts)


TASKS = {
    "word_problems": lambda settings: of_family(word_problems, settings),
    "automaton": lambda settings: of_family(automaton, settings),
    "gsm8k": of_gsm8k,
}
CODE = fingerprint.source(
    loop, optimizers, generation, losses.logits, losses.sequence, llama, teacher_cache,
    teacher_outputs, student_loss, objectives, tokens, answering, arms, automaton, families,
    pools, problems, students, tasks, training, word_problems, of_family, of_gsm8k,
)  # fmt: skip


def wanted(settings):
    """The arms of a run; with GSM8K's long prompts as many tokens would be too many steps."""
    as_many = settings.task != "gsm8k"
    return arms.FEW + arms.AS_MANY * as_many + arms.MORE * settings.every


def of_teacher(settings, task, kept, sampled):
    """The record of the teacher: its answers, the majority of its samples, its chains."""
    asked = task.tests["test"]
    drawn = kept.chains(asked.blank(), settings.samples, settings.temperature)
    said = [[task.said(ids) for ids in answering.texts(each)] for each in drawn]
    voted = [answering.vote(each) for each in zip(*said)]
    measures = answering.measurer(task, task.teacher.net, settings.together)
    return {
        "row": report.TEACHER, "seed": 0, **measures(task.teacher.params),
        "tests": len(asked.gold), "samples": settings.samples,
        "vote_accuracy": float(answering.right(voted, asked.gold).mean()),
        "kept_accuracy": float(sampled.right.mean()),
        "solved_accuracy": float(sampled.right.any(0).mean()),
    }  # fmt: skip


def of_arm(arm, learnt, pupils, measures):
    """The records of an arm's students."""

    def measure(member):
        params = jax.tree.map(lambda x: x[member], learnt.params)
        more = {"train_loss": float(learnt.loss[member])}
        more |= {"train_tokens": float(np.round(learnt.tokens[member]))}
        return {**measures(params), **more}

    places = ({"row": arm.row, **place} for place in pupils.places(arm))
    return [
        records.of_network(place, functools.partial(measure, member), learnt.diverged[member])
        for member, place in enumerate(places)
    ]


def keep(task, arm, learnt, pupils, run):
    """Keep an arm's students of the most problems for export, with some problems of the test."""
    asked = padding.unasked(task.tests["test"].prompts, SHOWN)
    for member, place in enumerate(pupils.places(arm)):
        if place["problems"] == max(pupils.sizes):
            one = jax.tree.map(lambda x, m=member: x[m][None, None], learnt.params)
            known = {"seed": place["seed"], "problems": place["problems"]}
            networks.keep(run, llama.decoder(task.student), one, [arm.row], asked, **known)


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole experiment: teacher, its chains, students, records, tables and figure."""
    task, digest = TASKS[settings.task](settings)
    facts = {"data": digest, "teacher": task.teacher.digest, "code": CODE}
    here = run_folder.Run(settings.workdir, "reasoning", settings.results_key(), facts)
    where = pathlib.Path(settings.workdir) / "teachers"
    kept = teacher_cache.Kept(task.teacher, where, settings.together, again=settings.retrain)
    chains = kept.chains(task.train.blank(), settings.samples, settings.temperature)
    sampled = pools.judged(chains, task.said, task.train.gold)
    if not here.has(row=report.TEACHER):
        here.append([of_teacher(settings, task, kept, sampled)])
    plan = training.Plan(settings.steps, settings.batch, settings.rate, task.rule, settings.own)
    pupils = students.Students(task, settings.sizes, settings.seeds, plan, kept, sampled)
    measures = answering.measurer(task, task.student, settings.together)
    for arm in wanted(settings):
        if not here.has(row=arm.row):
            snapshots = checkpoint.of_run(here, arm.row)
            learnt = pupils.fit(arm, snapshots)
            keep(task, arm, learnt, pupils, here)
            here.append(of_arm(arm, learnt, pupils, measures))
            snapshots.clear()
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)
