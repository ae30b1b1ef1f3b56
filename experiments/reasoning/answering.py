"""What decoders answer: written with a cache, read off, voted on, counted."""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses
from kd_jax.data.padding import Tokens
from kd_jax.language import generation, tokens
from kd_jax.models import llama


def writer(net, stop, longest):
    """write(params, prompts Tokens [N, P], size) -> [N] lists of token numbers, the likeliest.

    longest: tokens of an answer at most, the stop token included; size: prompts at a time.
    Compiled once for all decoders of one shape.
    """
    key = jax.random.key(0)  # nothing is drawn

    @jax.jit
    def each(params, prompts):
        ids, mask = prompts
        writer = llama.writer(net)
        return generation.generate(writer, params, ids, mask, key, tokens=longest, stop=(stop,))

    def write(params, prompts, size):
        found = []
        for count, rows in tokens.in_batches(prompts, min(size, len(prompts.ids))):
            ids, lengths = (np.asarray(x)[:count] for x in each(params, rows))
            found += [row[:length].tolist() for row, length in zip(ids, lengths)]
        return found

    return write


def reader(teacher):
    """nats(texts, size): −log p of a language.asking.Teacher, mean per token of Texts' answers."""

    @jax.jit
    def each(params, texts):
        z = llama.logits(params, tokens.before_answers(teacher.net, params, texts))
        ids, mask = texts.answers
        return jnp.sum(losses.cross_entropy(z, ids, where=mask)), jnp.sum(mask)

    def nats(texts, size):
        batches = tokens.in_batches(texts, min(size, len(texts.answers.ids)))
        sums, counts = zip(*(each(teacher.params, rows) for _, rows in batches))
        return float(sum(map(float, sums)) / sum(map(int, counts)))

    return nats


def as_tokens(written, longest):
    """The Tokens [N, longest] of N lists of token numbers, none of them longer."""
    mask = np.arange(longest) < np.array([len(ids) for ids in written])[:, None]
    found = np.zeros(mask.shape, np.int32)
    found[mask] = np.concatenate(written)
    return Tokens(found, mask)


def texts(answers):
    """[N] lists of token numbers of answers, Tokens [N, A]."""
    return [row[kept].tolist() for row, kept in zip(answers.ids, answers.mask)]


def vote(said):
    """What most of several answers say, of equals the first; None where none says anything.

    Source: Wang et al. 2023, arXiv 2203.11171 (self-consistency).
    """
    counts = collections.Counter(each for each in said if each is not None)
    return counts.most_common(1)[0][0] if counts else None


def right(said, gold):
    """Whether each of N answers says exactly what is right: bool [N]."""
    return np.array([a == b for a, b in zip(said, gold)], bool)


def measured(written, said, asked):
    """{"accuracy", "tokens", "by_steps"} of answers [N] to Asked problems.

    tokens: mean number written; by_steps {steps: share of wrong answers}.
    """
    correct = right([said(ids) for ids in written], asked.gold)
    steps = np.array(asked.steps)
    return {
        "accuracy": float(correct.mean()),
        "tokens": float(np.mean([len(ids) for ids in written])),
        "by_steps": {str(n): float(1 - correct[steps == n].mean()) for n in np.unique(steps)},
    }


def measurer(task, net, size):
    """measures(params) -> {test_metric: …} over all tests of a task, see `measured`.

    And {test_teacher_nll}: what the teacher thinks of the answers, in nats per token.
    """
    nats = reader(task.teacher)
    writes = {
        name: functools.partial(writer(net, task.teacher.stop, asked.longest), size=size)
        for name, asked in task.tests.items()
    }

    def measures(params):
        found = {}
        for name, asked in task.tests.items():
            written = writes[name](params, asked.prompts)
            metrics = measured(written, task.said, asked)
            texts = tokens.Texts(asked.prompts, as_tokens(written, asked.longest))
            metrics["teacher_nll"] = nats(texts, size)
            found |= {f"{name}_{metric}": value for metric, value in metrics.items()}
        return found

    return measures
