"""`distill_encoder` from texts to folder: read, ask the teacher, train, choose, test, write."""

import dataclasses
import functools
import pathlib

import jax
import numpy as np

from kd_jax.command import folder as folders
from kd_jax.command.encoder import folder
from kd_jax.command.encoder.config import Config
from kd_jax.data import texts
from kd_jax.errors import counted, printable, require
from kd_jax.language.encoder import (
    measures,
    outputs,
    problem,
    ranked,
    rankings,
    result,
    rows,
    static,
)
from kd_jax.language.encoder.distill import Distiller
from kd_jax.language.encoder.problem import Problem
from kd_jax.language.encoder.terms import TERMS
from kd_jax.language.encoder.training import Recipe
from kd_jax.pretrained import sentence_embeddings
from kd_jax.pretrained.encoder import Encoder
from kd_jax.report import encoder_run
from kd_jax.report.encoder_comparison import TEACHER
from kd_jax.runtime import memory
from kd_jax.storage import checkpoint, run_folder
from kd_jax.training import keys


def run(config: Config, run: run_folder.Run) -> None:
    """Do all of it, in a run's folder, and write --out.

    Args:
        config: The flags.
        run: Not open yet.
    """
    if config.out:
        folder.check(config)
    given = prepared(config)
    for line in given.notes:
        print(printable(line))
    run.uses(**given.digests)
    cached = functools.partial(outputs.cached, workdir=config.workdir, again=config.retrain)
    distiller = Distiller(given, cached, run.execution)
    units: list = [({"row": TEACHER}, functools.partial(_done, distiller.teacher))]
    for count in given.layers:
        cut = functools.partial(distiller.cut, count)
        units.append(({"row": rows.cut_name(count)}, functools.partial(_done, cut)))
        for row in given.rows:
            if row.layers == count:
                units += [
                    ({"row": row.name, "seed": seed}, functools.partial(_train, distiller, row))
                    for seed in range(config.seeds)
                ]
    if given.static:
        known = {"row": rows.static_name(given.static)}
        units.append((known, functools.partial(_done, distiller.static)))
    run.each(units)
    found = _concluded(given, run)
    encoder_run.remember(run, found.comparison)
    run.shown = found.page([])
    if config.out:
        folder.write(config, run, found)


def prepared(config: Config) -> Problem:
    """The Problem that the flags ask for.

    Args:
        config: The flags.

    Raises:
        InputError: Something of it is missing, damaged or does not fit.
    """
    seed = keys.number(config.base_seed, "draw", "parts")
    parts = texts.read_texts(
        config.texts, text=config.text_column, label=config.label_column, dev=config.dev,
        test=config.test, split=config.split, seed=seed,
    )  # fmt: skip
    teacher = Encoder(config.teacher or sentence_embeddings.packaged())
    weights = {name: getattr(config, f"{name}_weight", 1.0) for name in TERMS}
    recipe = Recipe(config.epochs, config.batch_size, config.learning_rate, weights=weights)
    few = measures.Few(
        config.few_labels, config.draws, keys.number(config.base_seed, "draw", "few labels")
    )
    scored = None
    if config.ranking:
        order = keys.number(config.base_seed, "draw", "rankings")
        of_file = rankings.read(config.ranking, config.split, order)
        scored = ranked.prepared(teacher, of_file, config.max_length, config.ranking_temperature)
    found = problem.prepare(
        teacher, parts, layers=config.layers, losses=config.losses, recipe=recipe,
        seeds=config.seeds, base_seed=config.base_seed, max_length=config.max_length,
        skip_longer=config.longer == "skip", few=few,
        static=config.static, width=config.width, ranked=scored,
        ranking_losses=config.ranking_losses,
        token_vectors=functools.partial(
            static.cached, workdir=config.workdir, again=config.retrain
        ),
    )  # fmt: skip
    _check_memory(found)
    return found


def _check_memory(given):
    """InputError where the teacher's hidden states of all texts do not fit."""
    needs = sum(
        outputs.bytes_of(given.teacher, given.tokens(of), given.imitated(of))
        for of in (False, True)
    )
    free = memory.available()
    require(
        free is None or 2 * needs < free,  # once as they are computed, once as a training has them
        f"the teacher's hidden states of {counted(len(given.read.rows), 'text')} take "
        f"{needs / 1e9:.1f} GB and {(free or 0) / 1e9:.1f} are free: leave hidden out, as in "
        "--losses=cosine+gram, or give a smaller --max_length",
    )


def _done(work, task):
    """The record of an encoder; its numbers for each text are kept in the run's folder."""
    return [_kept(task, work())]


def _train(distiller, row, task):
    learned = distiller.train(row, task.known["seed"], task.execution)
    checkpoint.save(_place(task.run, row.name, task.known["seed"]), learned.params, {})
    return [_kept(task, learned)]


def _kept(task, learned):
    name = folders.plain(f"{task.known['row']} {task.known.get('seed', 0)}")
    task.run.save(f"texts {name}.npz", **learned.examples)
    return learned.record


def _place(run, row, seed) -> pathlib.Path:
    """Where a student lies: a killed run goes on with it."""
    return run.path("students") / folders.plain(f"{row} {seed}")


def _concluded(given, run):
    """The EncoderResult of all records and students of the run."""
    records, examples = run.records(), {}
    for record in records:
        row, seed = record["row"], record["seed"]
        name = f"texts {folders.plain(f'{row} {seed}')}.npz"
        with np.load(run.path(name), allow_pickle=False) as stored:
            examples[row, seed] = {measure: stored[measure] for measure in stored.files}
    layers = {row.name: row.layers for row in given.rows}

    def learned(row, seed):
        student = given.student(layers[row], seed)
        own = {name: x for name, x in student.params.items() if name not in student.frozen}
        like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, np.float32), own)
        return checkpoint.load(_place(run, row, seed), like)[0]

    found = result.concluded(given, records, examples, learned)
    comparison = found.comparison._replace(unjudged=run.unjudged)
    return dataclasses.replace(found, comparison=comparison)
