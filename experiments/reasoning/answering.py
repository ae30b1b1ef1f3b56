"""Evaluation of answers: exact match, majority vote, errors by number of steps."""

import collections

import numpy as np

from kd_jax.language import answers
from kd_jax.language.tokens import Texts
from kd_jax.models import llama_unrolled


def vote(found):
    """The most frequent of several answers, of equals the first; None where there is none.

    Source: Wang et al. 2023, arXiv 2203.11171 (self-consistency).
    """
    counts = collections.Counter(each for each in found if each is not None)
    return counts.most_common(1)[0][0] if counts else None


def right(found, gold):
    """Whether each of N answers is exactly the right one: bool [N]."""
    return np.array([a == b for a, b in zip(found, gold)], bool)


def scores(written, read, problems):
    """{"accuracy", "tokens", "by_steps"} of written answers [N] to the problems of a ProblemSet.

    tokens: mean number written; by_steps {steps: fraction of wrong answers}.
    """
    correct = right([read(ids) for ids in written], problems.gold)
    steps = np.array(problems.steps)
    return {
        "accuracy": float(correct.mean()),
        "tokens": float(np.mean([len(ids) for ids in written])),
        "by_steps": {str(n): float(1 - correct[steps == n].mean()) for n in np.unique(steps)},
    }


def evaluator(task, net, size, key):
    """evaluate(params) -> {test_metric: …} over all tests of a task, see `scores`.

    And {test_teacher_nll}: of the answers under the teacher, in nats per token; and of answers that
    are sampled with a key, their tokens and their entropy, see answers.sampler.
    """
    sample = answers.sampler(net, task.teacher.stop)
    nll = answers.nll_of(task.teacher)
    writers = {
        name: answers.writer(
            net, task.teacher.stop, test.max_length, decoder=llama_unrolled.cached_decoder
        )
        for name, test in task.tests.items()
    }

    def evaluate(params):
        found = {}
        for name, test in task.tests.items():
            written = writers[name](params, test.prompts, size)
            metrics = scores(written, task.read, test)
            texts = Texts(test.prompts, answers.as_tokens(written, test.max_length))
            metrics["teacher_nll"] = nll(texts, size)
            metrics |= sample(params, test.blank(), size, key)
            found |= {f"{name}_{metric}": value for metric, value in metrics.items()}
        return found

    return evaluate
