"""Texts that encoders learn from, and BANKING77 as the task that they are measured on."""

import pathlib
import re

import numpy as np

from kd_jax.data import banking77, gsm8k
from kd_jax.errors import InputError, require
from kd_jax.metrics import linear_probe
from kd_jax.pretrained import sentence_embeddings
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.training import keys


def first_of_each(questions, count):
    """The first `count` texts of every intent, and their labels; 0: all."""
    labels = questions.labels
    order = np.argsort(labels, kind="stable")
    place = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    rows = np.sort(order[place < (count or len(labels))])
    return [questions.texts[row] for row in rows], labels[rows]


def unlabeled_texts(config):
    """Sentences of GSM8K's training questions, and the lines of --text."""
    problems, _ = gsm8k.load(config.data_dir, config.manual_dir)
    found = [s for p in problems for s in re.split(r"(?<=[.?!])\s+", p.question.strip()) if s]
    random = np.random.default_rng(keys.number(config.base_seed, "draw", "sentences"))
    drawn = random.permutation(len(found))[: config.sentences]
    texts = [found[row] for row in np.sort(drawn)]
    if config.text:
        path = pathlib.Path(config.text).expanduser()
        require(path.is_file(), f"--text={config.text} is no file: expected one text on a line")
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--text={config.text} is unreadable as UTF-8 ({error})") from None
        texts += [line.strip() for line in lines if line.strip()]
    return texts


class IntentTask:
    """BANKING77 in one tokenizer's tokens: a linear probe and nearest neighbors."""

    def __init__(self, config, tokenizer):
        """The first questions of every intent, as tokens.

        Raises: InputError when an intent has fewer questions than few labels are asked for.
        """
        train, test, _ = banking77.load(config.data_dir, config.manual_dir)
        self.texts, self.labels = first_of_each(train, config.questions)
        test_texts, self.test_labels = first_of_each(test, config.questions)
        self.tokens = tokenizers.encode(tokenizer, self.texts, sentence_embeddings.MAX_LENGTH)
        self.test_tokens = tokenizers.encode(tokenizer, test_texts, sentence_embeddings.MAX_LENGTH)
        least = int(np.unique(self.labels, return_counts=True)[1].min())
        require(
            config.few_labels <= least,
            f"--few_labels={config.few_labels}: an intent has {least} training questions, expected "
            "no more labels than that",
        )
        self.few = {
            "draws": config.draws,
            "per_class": config.few_labels,
            "seed": keys.number(config.base_seed, "draw", "few labels"),
        }

    def embeddings(self, network, params):
        """(embeddings of the training questions, of the test questions) by one encoder."""
        return tuple(
            sentence_embeddings.embed(network, params, x) for x in (self.tokens, self.test_tokens)
        )

    def measure(self, embeddings, neighbors=None):
        """linear_probe.evaluate_embeddings of `embeddings`, with a teacher's neighbors."""
        known, test = embeddings
        return linear_probe.evaluate_embeddings(
            known, self.labels, test, self.test_labels, neighbors=neighbors, **self.few
        )
