"""Prompts and answers as padded tokens: which positions are scored, token-level sums and means.

Texts are prompts of one length P, padded on the left, and answers of one length A, padded on the
right. The token after position t is read off position t, so the A tokens of every answer are read
off positions P − 1 to P + A − 2: no logits are computed for prompts, and none for padding count.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from kd_jax import losses
from kd_jax.data import Split, padding
from kd_jax.data.padding import Tokens
from kd_jax.losses._chunks import over_chunks


class Texts(NamedTuple):
    """prompts: Tokens [N, P], padded on the left; answers: Tokens [N, A], on the right."""

    prompts: Tokens
    answers: Tokens

    def take(self, rows: Any) -> "Texts":
        """The Texts of some rows: indices or a slice."""
        return Texts(self.prompts.take(rows), self.answers.take(rows))

    def states(self, net: Any, params: Any) -> Float[Array, "B A D"]:
        """See `answer_states`."""
        ids, mask = (jnp.concatenate(pair, axis=1) for pair in zip(*self))
        hidden, _ = net.apply({"params": params}, ids, mask)
        first = self.prompts.ids.shape[1] - 1
        return hidden[-1, :, first : first + self.answers.ids.shape[1]]


class Packed(NamedTuple):
    """Several texts in each row, which know nothing of each other; all that count are answers.

    tokens: [N, T], its mask the number of the text within the row, from 1 on, or 0. places [N, A]:
    the positions off which the answers' tokens are read. answers: Tokens [N, A]. numbers [N, A]:
    of all texts the one that each of the answers' tokens is of.
    """

    tokens: Tokens
    places: Int[Any, "N A"]
    answers: Tokens
    numbers: Int[Any, "N A"]

    def take(self, rows: Any) -> "Packed":
        """Some rows: indices or a slice."""
        tokens, places, answers, numbers = self
        return Packed(tokens.take(rows), places[rows], answers.take(rows), numbers[rows])

    def states(self, net: Any, params: Any) -> Float[Array, "B A D"]:
        """See `answer_states`."""
        hidden, _ = net.apply({"params": params}, *self.tokens)
        return jnp.take_along_axis(hidden[-1], self.places[..., None], axis=1)


def prompts_and_answers(texts: Sequence[Any]) -> Texts:
    """Texts of which the last stretch of tokens that count is the answer, all before it the prompt.

    Args:
        texts: (token ids, which of them count) of each.
    """
    prompts, answers = [], []
    for ids, counted in texts:
        end = max((n + 1 for n, one in enumerate(counted) if one), default=len(ids))
        first = max((n + 1 for n in range(end) if not counted[n]), default=0)
        prompts.append(ids[:first])
        answers.append(ids[first:end])
    return Texts(padding.padded(prompts, left=True), padding.padded(answers))


def answer_states(net: Any, params: Any, texts: Texts | Packed) -> Float[Array, "B A D"]:
    """A Llama's last hidden states off which the answers' tokens are read.

    Args:
        net: the Llama.
        params: its parameters.
        texts: B rows.
    """
    return texts.states(net, params)


class Answered(NamedTuple):
    """The answers of texts alone, which is all that an objective's term reads of them."""

    answers: Tokens


def token_chunks(answers: Tokens, most: int) -> int:
    """In how many chunks the tokens of answers are read, so that one has `most` of a batch or less.

    Args:
        answers: Of a batch, [B, A].
        most: Tokens of all its texts together, if that many are more than B.
    """
    batch, length = answers.ids.shape
    counts = [n for n in range(1, length + 1) if length % n == 0]
    return next((n for n in counts if batch * length // n <= most), length)


def next_token_split(texts: Texts) -> Split:
    """Whole texts as a Split: inputs {"ids", "mask"}; labels: next tokens of answers, else −1."""
    ids, mask = (np.concatenate(pair, axis=1) for pair in zip(*texts))
    labels, first = np.full(ids.shape, -1, np.int32), texts.prompts.ids.shape[1] - 1
    answered = np.where(texts.answers.mask, texts.answers.ids, -1)
    labels[:, first : first + answered.shape[1]] = answered
    inputs: Any = {"ids": ids, "mask": mask}  # by name, as a decoder takes them
    return Split(inputs, labels)


def micro_batched_mean(
    total: Callable, params: Any, rows: Any, counted: Bool[Array, "B A"], micro_batches: int = 1
) -> Float[Array, ""]:
    """Σ of total(params, rows of a micro-batch) over all of them / the number counted.

    Of several micro-batches only one has its logits in memory at a time: they are computed again
    for the gradient.

    Args:
        total: (params, rows) -> the sum of token losses of some rows.
        params: of the student.
        rows: a tree whose every leaf is [B, …].
        counted: the tokens that are in those sums.
        micro_batches: how many, a divisor of B.
    """
    each = over_chunks(functools.partial(total, params), rows, micro_batches)
    return jnp.sum(each) / jnp.maximum(jnp.sum(counted), 1)


def each(
    student: Float[Array, "*B V"],
    teacher: Float[Array, "*B V"],
    labels: Int[Array, "*B"],
    where: Bool[Array, "*B"],
) -> dict[str, Float[Array, "*B"]]:
    """Metrics of every token, 0 where it does not count.

    Args:
        student: logits z, q = softmax(z).
        teacher: logits v, p = softmax(v).
        labels: the texts' tokens.
        where: True for tokens that count.

    Returns:
        {"nll": −log q of the label; "kl": KL(p ‖ q); "reverse_kl": KL(q ‖ p), all in nats;
        "agreement": 1 where both have the same most probable token}.
    """
    # a maximum is NaN if one logit is, and what is no number agrees with nothing
    known = ~jnp.isnan(jnp.max(student, -1)) & ~jnp.isnan(jnp.max(teacher, -1))
    alike = known & (jnp.argmax(student, -1) == jnp.argmax(teacher, -1))
    return {
        "nll": losses.cross_entropy(student, labels, where=where),
        "kl": losses.forward_kl(student, teacher, where=where),
        "reverse_kl": losses.reverse_kl(student, teacher, where=where),
        "agreement": jnp.where(where, alike, 0.0),
    }


def sums(
    student: Float[Array, "B A V"],
    teacher: Float[Array, "B A V"],
    labels: Int[Array, "B A"],
    where: Bool[Array, "B A"],
) -> dict:
    """Sums of `each` over the tokens that count, and "tokens", their number.

    Args:
        student: as for `each`, as are the others.
        teacher: logits v.
        labels: the texts' tokens.
        where: True for tokens that count.
    """
    found = each(student, teacher, labels, where)
    return {name: jnp.sum(x) for name, x in found.items()} | {"tokens": jnp.sum(where)}


def means(of_batches: Sequence[dict]) -> dict:
    """{name: mean per token} of several `sums`, and "tokens", their number."""
    total = {name: sum(float(each[name]) for each in of_batches) for name in of_batches[0]}
    tokens = total.pop("tokens")
    return {name: x / tokens for name, x in total.items()} | {"tokens": int(tokens)}


def in_batches(tree: Any, size: int, first: int = 0) -> Iterator[tuple[int, Any]]:
    """Batches of equal size, the last one filled up with zeros.

    A filling row has an empty mask: no token of it counts.

    Args:
        tree: leaves [N, …].
        size: rows of a batch.
        first: the row to begin with.

    Yields:
        (how many rows are not filling, rows).
    """
    rows = len(jax.tree.leaves(tree)[0])
    for start in range(first, rows, size):
        count = min(size, rows - start)
        yield count, jax.tree.map(lambda x, n=start: _filled(x[n : n + size], size), tree)


def _filled(rows, size):
    return np.concatenate([rows, np.zeros((size - len(rows), *rows.shape[1:]), rows.dtype)])
