"""Teachers that are trained here on the labels, alone or each on a part of the rows (cross-fit)."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from kd_jax.command import settings, teachers
from kd_jax.command.problem import Problem
from kd_jax.command.teachers import Answers
from kd_jax.data import Dataset, Split
from kd_jax.distill import ensembles
from kd_jax.distill import teachers as supervised
from kd_jax.distill.driver import teacher_notes
from kd_jax.models import Model
from kd_jax.storage.run_folder import Run
from kd_jax.training import keys, samplers
from kd_jax.training import state as train_state


def train(name: str, model: Model, problem: Problem, config: Any, run: Run) -> Answers:
    """Train a teacher, or restore it.

    Args:
        name: As it was given.
        model: Its network.
        problem: Whose training rows it learns from.
        config: The flags.
        run: That is opened; teachers lie in its workdir.

    Returns:
        Its Answers. With --cross_fit a training row's logits are of the one teacher that never saw
        it, those of other rows of the mean probability of all; they are none that can be asked.
    """
    splits = {part: Split(of.inputs, of.labels) for part, of in problem.parts.items()}
    data = Dataset(problem.name, len(problem.classes), **splits, digest=problem.digest)
    fit = _alone if config.cross_fit == 0 else _on_parts
    logits, network, digest = fit(model, problem, data, config, run)
    done = config.cross_fit or config.augment != "none"  # what is advised elsewhere
    fresh = None if done else teachers.FRESH
    notes = teacher_notes.notes(
        f"teacher {name}", logits["train"], splits["train"].labels, problem.classes,
        fresh=fresh, learned_little="it has learned too little: raise --teacher_epochs",
    )  # fmt: skip
    return Answers(name, logits, problem.classes, network, digest, notes)


def _alone(model, problem, data, config, run):
    """(logits, network, digest) of one teacher of all rows."""
    count = len(data.train.labels)
    order = keys.key(config.base_seed, "teacher", "order")
    sampler = samplers.scattered(order, count, min(config.batch_size, count))
    recipe = settings.network_recipe(config, model, sampler, config.teacher_epochs)
    found = supervised.one("teacher", recipe, keys.key(config.base_seed, "teacher"), data, run)
    variables = jax.tree.map(np.asarray, train_state.at(found.variables, 0))
    network = problem.network(model, variables, problem.classes)
    return {part: of[0] for part, of in found.logits.items()}, network, found.fingerprint


def _on_parts(model, problem, data, config, run):
    """(logits, None, digest) of teachers that each learn from all parts of the rows but one.

    Each sees as many rows as that with the fewest: one row is left out where parts are unequal.
    """
    count = len(data.train.labels)
    order = keys.key(config.base_seed, "teacher", "order")
    part = folds(count, config.cross_fit, config.base_seed)
    others = [np.flatnonzero(part != number) for number in range(config.cross_fit)]
    fewest = min(map(len, others))
    rows = np.stack([own[:fewest] for own in others])
    sampler = samplers.scattered_each(order, rows, min(config.batch_size, fewest))
    recipe = settings.network_recipe(config, model, sampler, config.teacher_epochs)
    each = keys.keys(config.base_seed, "teacher", count=config.cross_fit)
    found = supervised.together("teacher", recipe, each, data, run)
    logits = {name: ensembles.arithmetic_mean(of) for name, of in found.logits.items()}
    logits["train"] = found.logits["train"][part, np.arange(count)]
    return logits, None, found.fingerprint


def folds(count: int, parts: int, base_seed: int) -> Int[np.ndarray, " N"]:
    """The part of each training row, drawn at random, as equal as can be.

    Args:
        count: N.
        parts: How many.
        base_seed: Of the draw.
    """
    seed = keys.number(base_seed, "draw", "cross-fit")
    return np.random.default_rng(seed).permutation(np.arange(count) % parts)
