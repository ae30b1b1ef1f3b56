"""Texts that encoders learn from, and BANKING77 as the task that they are measured on."""

import re

import numpy as np

from kd_jax.data import banking77, gsm8k
from kd_jax.data.text_files import lines
from kd_jax.data.texts import Texts
from kd_jax.errors import require
from kd_jax.language.encoder import measures
from kd_jax.training import keys


def first_of_each(questions, count):
    """The first `count` texts of every intent, and their labels; 0: all."""
    labels = questions.labels
    order = np.argsort(labels, kind="stable")
    place = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    rows = np.sort(order[place < (count or len(labels))])
    return Texts(questions.texts, labels).take(rows)


def unlabeled_texts(config):
    """Sentences of GSM8K's training questions, and the lines of --text."""
    problems, _ = gsm8k.load(config.data_dir, config.manual_dir)
    found = [s for p in problems for s in re.split(r"(?<=[.?!])\s+", p.question.strip()) if s]
    random = np.random.default_rng(keys.number(config.base_seed, "draw", "sentences"))
    drawn = random.permutation(len(found))[: config.sentences]
    texts = [found[row] for row in np.sort(drawn)]
    return texts + (lines("text", config.text) if config.text else [])


def intents(config, teacher):
    """BANKING77, the first questions of every intent, as a measures.Task.

    Raises: InputError when an intent has fewer questions than few labels are asked for.
    """
    train, test, _ = banking77.load(config.data_dir, config.manual_dir)
    train, test = (first_of_each(x, config.questions) for x in (train, test))
    seed = keys.number(config.base_seed, "draw", "few labels")
    task = measures.Task(teacher, train, test, measures.Few(config.few_labels, config.draws, seed))
    least = task.few.per_class  # fewer than were asked for, where an intent has no more
    require(
        least == config.few_labels,
        f"--few_labels={config.few_labels}: a class has {least} training texts, expected no more "
        "labels than that",
    )
    return task
