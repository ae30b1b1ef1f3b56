"""A small decoder learns to reason from a larger one's chains of thought, or from less."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from experiments.reasoning import (
    answering,
    arms,
    automaton,
    families,
    pools,
    rows,
    tasks,
    training,
    word_problems,
)
from experiments.reasoning.students import Students
from kd_jax.data import padding
from kd_jax.export import saved_models
from kd_jax.language import teacher_cache
from kd_jax.metrics import records
from kd_jax.models import llama
from kd_jax.runtime import parallel
from kd_jax.training import keys
from kd_jax.training import state as train_state

SAVED_PROBLEMS = 64  # saved beside a student for its export


class Taught(NamedTuple):
    """A teacher's world.

    data: its ReasoningTask. cache: of its outputs. sampled: its chains, pools.Sampled. students:
    those that learn from it. evaluate: of answering.evaluator, for students.
    """

    data: tasks.ReasoningTask
    cache: teacher_cache.TeacherCache
    sampled: pools.Sampled
    students: Students
    evaluate: Callable


def load_gsm8k(config, run):
    """`gsm8k.load`; the other tasks need none of the packages that this one needs."""
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


def taught(config, run, task_of, number):
    """What is Taught by the teacher of a number, which is trained or restored, and asked."""
    base, size = config.base_seed, config.eval_batch_size
    data = task_of(number)
    cache = teacher_cache.TeacherCache(data.teacher, run.workdir, size, again=run.retrain)
    key = keys.key(base, "samples", number)
    samples = cache.samples(data.train.blank(), config.samples, config.temperature, key)
    sampled = pools.judged(samples, data.read, data.train.gold)
    settings = training.TrainingSettings(
        config.steps, config.batch_size, config.learning_rate, data.optimizer,
        config.on_policy_steps, config.slow_rate_factor,
    )  # fmt: skip
    each = keys.keys(base, "student", number, count=config.seeds)
    order = keys.key(base, "student", number, "order")
    students = Students(data, config.sizes, each, order, settings, cache, sampled, run.execution)
    evaluate = answering.evaluator(data, data.student, size, measured_by(config, number))
    return Taught(data, cache, sampled, students, evaluate)


def measured_by(config, number):
    """The key of what is sampled to be measured, of teacher and students alike."""
    return keys.key(config.base_seed, "samples", number, "measured")


def measure_teacher(config, taught_by, task):
    """The record of a teacher: its answers, the majority of its samples, its chains."""
    number = task.known["teacher_seed"]
    data, cache, sampled, *_ = taught_by()
    test = data.tests["test"]
    key = keys.key(config.base_seed, "votes", number)
    drawn = cache.samples(test.blank(), config.samples, config.temperature, key)
    answers = [[data.read(ids) for ids in each.lists()] for each in drawn]
    voted = [answering.vote(each) for each in zip(*answers)]
    own = measured_by(config, number)
    evaluate = answering.evaluator(data, data.teacher.net, config.eval_batch_size, own)
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
        params = train_state.at(fitted.params, member)
        more = {"train_loss": float(fitted.loss[member])}
        more |= {"train_tokens": float(np.round(fitted.tokens[member]))}
        return {**evaluate(params), **more}

    return [
        records.network_record(fields, functools.partial(measure, member), fitted.diverged[member])
        for member, fields in enumerate(known)
    ]


def train(taught_by, arm, task):
    """Train an arm's students, save those of most problems, measure all."""
    number = task.known["teacher_seed"]
    data, _, _, students, evaluate = taught_by()
    fitted, known = students.fit(arm, task.execution), students.known(arm)
    net = llama.decoder(data.student)
    test = padding.unlabeled(data.tests["test"].prompts.take(slice(SAVED_PROBLEMS)))
    for member, fields in enumerate(known):
        if fields["problems"] == max(students.sizes):
            one = train_state.at(fitted.params, np.full((1, 1), member))
            where = {name: fields[name] for name in ("seed", "problems")}
            where |= {"teacher_seed": number}
            saved_models.save(task.run, net, train_state.stateless(one), [arm.row], test, **where)
    return records_of(known, fitted, evaluate)


def run(config, run):
    """Train each teacher, or load the given one, sample its chains, train and record students."""
    given, task_of = TASKS[config.task](config, run)
    run.uses(**given)
    for number in range(config.teachers):
        taught_by = parallel.once(functools.partial(taught, config, run, task_of, number))
        known = {"teacher_seed": number}
        arms_units = [
            ({**known, "row": arm.row}, functools.partial(train, taught_by, arm))
            for arm in chosen_arms(config)
        ]
        measured = (
            {**known, "row": rows.TEACHER},
            functools.partial(measure_teacher, config, taught_by),
        )
        run.each([measured, *arms_units], workers=config.workers, by=("problems",))
