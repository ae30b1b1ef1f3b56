"""A small decoder learns to reason from a larger one's chains of thought, or from less."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from experiments.reasoning import (
    answering,
    arms,
    automaton,
    families,
    pools,
    rows,
    training,
    word_problems,
)
from experiments.reasoning.students import Students
from kd_jax.data import padding
from kd_jax.export import saved_models
from kd_jax.language import teacher_cache
from kd_jax.metrics import records
from kd_jax.models import llama

SAVED_PROBLEMS = 64  # saved beside a student for its export


def load_gsm8k(config, run):
    """(ReasoningTask, digest); the other tasks need none of the packages that this one needs."""
    from experiments.reasoning import gsm8k

    return gsm8k.load(config)


TASKS: dict[str, Callable] = {
    "word_problems": functools.partial(families.load, word_problems),
    "automaton": functools.partial(families.load, automaton),
    "gsm8k": load_gsm8k,
}


def chosen_arms(config):
    """The arms of a run; with GSM8K's long prompts equal tokens would be too many steps."""
    equal = arms.EQUAL_TOKENS * (config.task != "gsm8k")
    return arms.FEW + equal + arms.MORE * config.all_objectives


def measure_teacher(config, data, cache, sampled, task):
    """The record of the teacher: its answers, the majority of its samples, its chains."""
    test = data.tests["test"]
    drawn = cache.samples(test.blank(), config.samples, config.temperature)
    answers = [[data.read(ids) for ids in each.lists()] for each in drawn]
    voted = [answering.vote(each) for each in zip(*answers)]
    evaluate = answering.evaluator(data, data.teacher.net, config.eval_batch_size)
    found = {
        "tests": len(test.gold),
        "samples": config.samples,
        "vote_accuracy": float(answering.right(voted, test.gold).mean()),
        "sample_accuracy": float(sampled.right.mean()),
        "solved_accuracy": float(sampled.right.any(0).mean()),
    }
    return [{"seed": 0, **evaluate(data.teacher.params), **found}]


def records_of(known, fitted, evaluate):
    """The records of an arm's students: what is known of each, and its measures."""

    def measure(member):
        params = jax.tree.map(lambda x: x[member], fitted.params)
        more = {"train_loss": float(fitted.loss[member])}
        more |= {"train_tokens": float(np.round(fitted.tokens[member]))}
        return {**evaluate(params), **more}

    return [
        records.network_record(fields, functools.partial(measure, member), fitted.diverged[member])
        for member, fields in enumerate(known)
    ]


def train(data, students, evaluate, arm, task):
    """Train an arm's students, save those of most problems, measure all."""
    fitted, known = students.fit(arm, task.execution), students.known(arm)
    net = llama.decoder(data.student)
    test = padding.unlabeled(data.tests["test"].prompts.take(slice(SAVED_PROBLEMS)))
    for member, fields in enumerate(known):
        if fields["problems"] == max(students.sizes):
            one = jax.tree.map(lambda x, m=member: x[m][None, None], fitted.params)
            where = {name: fields[name] for name in ("seed", "problems")}
            saved_models.save(task.run, net, one, [arm.row], test, **where)
    return records_of(known, fitted, evaluate)


def run(config, run):
    """Load or train the teacher, sample its chains, train and record the students of every arm."""
    data, digest = TASKS[config.task](config, run)
    run.uses(data=digest, teacher=data.teacher.digest)
    run.open()
    size = config.eval_batch_size
    cache = teacher_cache.TeacherCache(data.teacher, run.workdir, size, again=run.retrain)
    samples = cache.samples(data.train.blank(), config.samples, config.temperature)
    sampled = pools.judged(samples, data.read, data.train.gold)
    settings = training.TrainingSettings(
        config.steps, config.batch_size, config.learning_rate, data.optimizer,
        config.on_policy_steps,
    )  # fmt: skip
    students = Students(data, config.sizes, config.seeds, settings, cache, sampled)
    evaluate = answering.evaluator(data, data.student, size)
    units = [
        ({"row": rows.TEACHER}, functools.partial(measure_teacher, config, data, cache, sampled))
    ]
    for arm in chosen_arms(config):
        units.append(({"row": arm.row}, functools.partial(train, data, students, evaluate, arm)))
    run.each(units, by=("problems",))
