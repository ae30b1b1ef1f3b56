"""What a student with tokens of its own predicts, beside its teacher: sums of every text."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses
from kd_jax.language import tokens
from kd_jax.language.decoder import measure
from kd_jax.language.decoder.across import Across
from kd_jax.language.tokens import Packed
from kd_jax.losses._chunks import over_chunks
from kd_jax.models import llama


def evaluator(net: Any) -> Callable:
    """Measurement of students of one shape, compiled once.

    Args:
        net: Their Llama.

    Returns:
        measure(params, texts Packed, across, hidden [N, A, D], read-out, batch size) -> {"nll",
        "uld", "tokens", "pairs": [texts]}, sums over each text's tokens, and how many there are:
        all that count, and those before which the teacher has read the same; hidden and read-out
        are the teacher's at the latter.
    """
    cap = net.variant.logits_cap

    @functools.partial(jax.jit, static_argnums=5)
    def each(params, teacher, texts, hidden, pairs, chunks):
        own = params if cap is None else params | {"logits_cap": cap}

        def of_some(given):
            states, theirs, answers, both = given
            z = llama.logits(own, states)
            return {
                "nll": losses.cross_entropy(z, answers.ids, where=answers.mask),
                "uld": losses.universal_logit(z, llama.logits(teacher, theirs), where=both),
                "pairs": jnp.float32(both),
            }

        given = tokens.answer_states(net, params, texts), hidden, texts.answers, pairs
        given = jax.tree.map(lambda x: x.swapaxes(0, 1), given)
        found = over_chunks(of_some, given, chunks)
        return jax.tree.map(lambda x: x.swapaxes(0, 1).reshape(-1, len(hidden)).T, found)

    def measured(params, texts, across, hidden, teacher, size):
        found = []
        read = texts, hidden, across.answers.mask
        for count, (some, states, pairs) in tokens.in_batches(read, size):
            chunks = tokens.token_chunks(some.answers, measure.AT_ONCE)
            of_tokens = each(params, teacher, some, states, pairs, chunks)
            found.append({name: np.asarray(x)[:count] for name, x in of_tokens.items()})
        return measure.by_text(texts, found)

    return measured


def of_teacher(
    across: Across, texts: Packed, hidden: Any, teacher: dict, size: int
) -> dict[str, np.ndarray]:
    """The same of the teacher: the likelihood of its own tokens of the same texts.

    Args:
        across: Of the texts.
        texts: Those in the student's tokens, whose number all sums are divided by.
        hidden: Its last hidden states of across.own.
        teacher: Its read-out.
        size: Rows of a batch.
    """
    mask, numbers = texts.answers.mask, texts.numbers
    lengths = np.bincount(numbers[mask])
    own = measure.of_teacher(across.own, hidden, teacher, size)["nll"]
    nll = np.pad(own, (0, len(lengths) - len(own)))  # of texts without a token of its own
    pairs = np.bincount(numbers[mask], across.test.answers.mask[mask], len(lengths))
    return {"nll": nll, "uld": np.zeros(len(lengths)), "tokens": lengths, "pairs": pairs}
