"""What a student predicts on held-out texts, beside its teacher: sums of every text."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kd_jax import losses
from kd_jax.language import tokens
from kd_jax.language.tokens import Answered, Packed
from kd_jax.losses._chunks import over_chunks
from kd_jax.models import llama

AT_ONCE = 256  # tokens whose logits are in memory
COUNTS = "tokens", "pairs"  # that count, and of them those that two tokenizers are compared at
OF = {"uld": "pairs"}  # what a metric is the mean over, if not tokens


def metrics(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    labels: Int[Array, "*B"],
    where: Bool[Array, "*B"],
) -> dict[str, Float[Array, "*B"]]:
    """Metrics of every token, 0 where it does not count.

    Args:
        student: Logits z, q = softmax(z).
        teacher: Logits v, p = softmax(v).
        labels: The texts' tokens.
        where: True for tokens that count.

    Returns:
        Those of tokens.each, and "acceptance": Σ min(p, q), the share of the student's drafts that
        speculative sampling accepts.

    Source:
        Leviathan, Kalman and Matias 2023, arXiv 2211.17192, theorem 3.5 (acceptance).
    """
    accepted = jnp.where(where, 1 - losses.total_variation(student, teacher), 0.0)
    return tokens.each(student, teacher, labels, where) | {"acceptance": accepted}


def evaluator(net: Any) -> Callable:
    """Measurement of students of one shape, compiled once.

    Args:
        net: Their Llama.

    Returns:
        measure(params, texts Packed, hidden [N, A, D], read-out, batch size) -> {metric: [texts],
        "tokens": [texts]}, sums over each text's tokens; hidden and read-out are the teacher's.
    """

    cap = net.variant.logits_cap

    @functools.partial(jax.jit, static_argnums=4)
    def each(params, teacher, texts, hidden, chunks):
        states = tokens.answer_states(net, params, texts)
        own = params if cap is None else params | {"logits_cap": cap}
        return _of_tokens(own, states, teacher, hidden, texts.answers, chunks)

    def measure(params, texts, hidden, teacher, size):
        found = []
        for count, (some, states) in tokens.in_batches((texts, hidden), size):
            chunks = tokens.token_chunks(some.answers, AT_ONCE)
            of_tokens = each(params, teacher, some, states, chunks)
            found.append({name: np.asarray(x)[:count] for name, x in of_tokens.items()})
        return by_text(texts, found)

    return measure


def of_teacher(
    texts: Packed, hidden: Float[Any, "N A D"], teacher: dict, size: int
) -> dict[str, np.ndarray]:
    """The same of the teacher beside itself.

    Args:
        texts: Packed.
        hidden: Its last hidden states.
        teacher: Its read-out.
        size: Rows of a batch.
    """
    found = []
    for count, (some, states) in tokens.in_batches((texts.answers, hidden), size):
        chunks = tokens.token_chunks(some, AT_ONCE)
        of_tokens = _read(teacher, states, teacher, states, some, chunks)
        found.append({name: np.asarray(x)[:count] for name, x in of_tokens.items()})
    return by_text(texts, found)


def _of_tokens(student, states, teacher, hidden, answers, chunks):
    """metrics [B, A] of both sides' hidden states, the logits of a chunk of tokens at a time."""

    def of_some(given):
        own, theirs, answered = given
        z, v = llama.logits(student, own), llama.logits(teacher, theirs)
        return metrics(z, v, *answered.answers)

    given = jax.tree.map(lambda x: x.swapaxes(0, 1), (states, hidden, Answered(answers)))
    found = over_chunks(of_some, given, chunks)
    return jax.tree.map(lambda x: x.swapaxes(0, 1).reshape(-1, len(hidden)).T, found)


_read = jax.jit(_of_tokens, static_argnums=5)


def by_text(texts: Packed, batches: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Sums over the tokens of each text.

    Args:
        texts: Packed, of N rows.
        batches: {name: [rows, A]} of some of them after the other.

    Returns:
        {name: [texts]} in float64, and "tokens", how many there are.
    """
    mask = texts.answers.mask
    numbers = texts.numbers[mask]
    count = int(numbers.max()) + 1
    of_tokens = {name: np.concatenate([x[name] for x in batches]) for name in batches[0]}
    found = {
        name: np.bincount(numbers, np.float64(x[mask]), count) for name, x in of_tokens.items()
    }
    return found | {"tokens": np.bincount(numbers, minlength=count)}


def means(sums: dict[str, np.ndarray]) -> dict[str, float]:
    """{metric: mean per token} of sums by text, and "tokens", their number.

    Args:
        sums: Of `by_text`; with "pairs", those of the tokens that "uld" is the mean over.
    """
    counts = {name: int(sums[name].sum()) for name in COUNTS if name in sums}
    found = {n: x.sum() / counts[OF.get(n, "tokens")] for n, x in sums.items() if n not in counts}
    return {n: float(x) for n, x in found.items()} | counts
