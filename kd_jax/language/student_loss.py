"""The loss of a student on a batch of texts, and how well it predicts what its teacher does."""

import jax
import jax.numpy as jnp

from kd_jax.language import teacher_outputs, tokens
from kd_jax.models import llama


def loss(student, objective, parts=1, on_policy=None):
    """The loss of a student: the objective's nats per token, every counted token alike.

    The batch has the objective's rows and "teacher": what the teacher's logits are read with, or
    all its parameters. parts: micro-batches. on_policy: what gives the rows, of `on_policy`.
    """

    def total(params, rows, teacher):
        z = llama.logits(params, tokens.before_answers(student, params, rows["texts"]))
        return jnp.sum(objective.term(z, rows, teacher))

    def loss_fn(params, batch, key):
        batch = dict(batch)
        teacher = batch.pop("teacher")
        rows = on_policy(params, teacher, batch, key) if on_policy else batch
        counted = rows["texts"].answers.mask
        found = tokens.mean(lambda p, r: total(p, r, teacher), params, rows, counted, parts)
        return found, {"tokens": jnp.sum(counted, dtype=jnp.float32)}

    return loss_fn


def on_policy(student, teacher, share, stop):
    """rows(params, the teacher's, rows, key): in a `share` of the steps the student's own answers.

    Source: Agarwal et al. 2024, arXiv 2306.13649, algorithm 1 (GKD); share is its λ.
    """

    def rows_of(params, all_of_teacher, rows, key):
        whether, drawn = jax.random.split(key)
        texts = teacher_outputs.own_answers(student, params, rows["texts"], drawn, stop)
        hidden = tokens.before_answers(teacher, all_of_teacher, texts)
        own = {"texts": texts, "hidden": hidden.astype(rows["hidden"].dtype)}
        taken = jax.random.bernoulli(whether, share)
        # members are vmapped, and so a cond would compute both as well
        return jax.tree.map(lambda a, b: jnp.where(taken, a, b), own, rows)

    return rows_of


def measurer(net):
    """measure(params, texts, hidden, read-out, size) -> tokens.means of a student's predictions.

    hidden [N, A, D]: the teacher's, of caches.hidden; compiled once for all students of one shape.
    """

    @jax.jit
    def each(params, teacher, texts, hidden):
        z = llama.logits(params, tokens.before_answers(net, params, texts))
        return tokens.sums(z, llama.logits(teacher, hidden), *texts.answers)

    def measure(params, texts, hidden, teacher, size):
        batches = tokens.in_batches((texts, hidden), size)
        return tokens.means([each(params, teacher, *rows) for _, rows in batches])

    return measure


def of_teacher(texts, hidden, teacher, size):
    """tokens.means of the teacher's own predictions."""

    @jax.jit
    def each(teacher, texts, hidden):
        v = llama.logits(teacher, hidden)
        return tokens.sums(v, v, *texts.answers)

    batches = tokens.in_batches((texts, hidden), size)
    return tokens.means([each(teacher, *rows) for _, rows in batches])
