"""Training loss and evaluation of a distilled decoder, on-policy distillation included."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from kd_jax.language import teacher_outputs, tokens
from kd_jax.language.objectives import Objective
from kd_jax.language.tokens import Texts
from kd_jax.losses._chunks import over_chunks
from kd_jax.models import llama
from kd_jax.training.state import Outcome


def loss(
    student: Any,
    objective: Objective,
    micro_batches: int = 1,
    on_policy: Callable | None = None,
    token_chunks: int = 1,
) -> Callable:
    """The mean of an objective's nats over all counted tokens of a batch.

    Args:
        student: a Llama, or an Unrolled one.
        objective: an Objective.
        micro_batches: of a batch, one of them in memory at a time.
        on_policy: what gives the rows, of `on_policy`; None: the batch itself.
        token_chunks: of the tokens of a text, a divisor of their number: the logits of one of them
            are in memory at a time, and computed again for the gradient.

    Returns:
        loss_fn(variables, Batch, key) for training.loop. Its rows are the objective's, shared is
        {"teacher": teacher_outputs.read_out of the teacher, and all its parameters if on_policy}.
    """

    def total(params, rows, teacher):
        states = tokens.answer_states(student, params, rows["texts"])

        def of_tokens(states_and_rows):
            some, read = states_and_rows
            z = llama.logits(params, some, student.variant.logits_cap)
            return jnp.sum(objective.term(z, read, teacher))

        if token_chunks == 1:
            return of_tokens((states, rows))
        read = rows | {"texts": tokens.Answered(rows["texts"].answers)}
        by_token = jax.tree.map(lambda x: x.swapaxes(0, 1), (states, read))
        return jnp.sum(over_chunks(of_tokens, by_token, token_chunks))

    def loss_fn(variables, batch, key):
        params = variables["params"]
        teacher, rows = batch.shared["teacher"], batch.rows
        if on_policy:
            rows = on_policy(params, teacher, rows, key)
        counted = rows["texts"].answers.mask
        found = tokens.micro_batched_mean(
            lambda p, r: total(p, r, teacher), params, rows, counted, micro_batches
        )
        return Outcome(found, {"tokens": jnp.sum(counted, dtype=jnp.float32)})

    return loss_fn


def on_policy(student: Any, teacher: Any, fraction: float, stop: int | tuple[int, ...]) -> Callable:
    """On-policy distillation: in a fraction of the steps the student writes the answers itself.

    Args:
        student: a Llama.
        teacher: the Llama that reads them.
        fraction: of the steps, λ in the paper.
        stop: the token that ends an answer, or several.

    Returns:
        rows(params, teacher's params, rows, key) -> rows.

    Source: Agarwal et al. 2024, arXiv 2306.13649, algorithm 1 (GKD).
    """

    def rows_of(params, teacher_params, rows, key):
        whether, sampling = jax.random.split(key)
        texts = teacher_outputs.sampled_answers(student, params, rows["texts"], sampling, stop)
        hidden = tokens.answer_states(teacher, teacher_params, texts)
        own = {"texts": texts, "hidden": hidden.astype(rows["hidden"].dtype)}
        taken = jax.random.bernoulli(whether, fraction)
        # members are vmapped, and so a cond would compute both as well
        return jax.tree.map(lambda a, b: jnp.where(taken, a, b), own, rows)

    return rows_of


def evaluator(net: Any) -> Callable:
    """Evaluation of students of one shape against the teacher, compiled once.

    Args:
        net: the students' Llama.

    Returns:
        evaluate(params, texts, hidden [N, A, D], read-out, batch size) -> tokens.means of a
        student's predictions; hidden and read-out are the teacher's.
    """

    @jax.jit
    def each(params, teacher, texts, hidden):
        states = tokens.answer_states(net, params, texts)
        z = llama.logits(params, states, net.variant.logits_cap)
        return tokens.sums(z, llama.logits(teacher, hidden), *texts.answers)

    def evaluate(params, texts, hidden, teacher, size):
        batches = tokens.in_batches((texts, hidden), size)
        return tokens.means([each(params, teacher, *rows) for _, rows in batches])

    return evaluate


def evaluate_teacher(texts: Texts, hidden: Float[Any, "N A D"], teacher: Any, size: int) -> dict:
    """tokens.means of the teacher's own predictions.

    Args:
        texts: N prompts and answers.
        hidden: the teacher's last hidden states before the answers' tokens.
        teacher: its read-out.
        size: texts of a batch.
    """

    @jax.jit
    def each(teacher, texts, hidden):
        v = llama.logits(teacher, hidden)
        return tokens.sums(v, v, *texts.answers)

    batches = tokens.in_batches((texts, hidden), size)
    return tokens.means([each(teacher, *rows) for _, rows in batches])
