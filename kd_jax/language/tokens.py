"""Which tokens are scored, from which positions, and sums and counts over them.

Texts are prompts of one length P, padded on the left, and answers of one length A, padded on the
right. The token after position t is read off position t, so the A tokens of every answer are read
off positions P − 1 to P + A − 2: no logits are computed for prompts, and none for padding count.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses
from kd_jax.data.padding import Asked, Tokens


class Texts(NamedTuple):
    """prompts: Tokens [N, P], padded on the left; answers: Tokens [N, A], on the right."""

    prompts: Tokens
    answers: Tokens


def before_answers(net, params, texts):
    """A Llama's last hidden states [B, A, D] off which the answers' tokens are read."""
    ids, mask = (jnp.concatenate(pair, axis=1) for pair in zip(*texts))
    hidden, _ = net.apply({"params": params}, ids, mask)
    first = texts.prompts.ids.shape[1] - 1
    return hidden[-1, :, first : first + texts.answers.ids.shape[1]]


def asked(texts):
    """The Asked of whole texts: labels are the next tokens of answers."""
    ids, mask = (np.concatenate(pair, axis=1) for pair in zip(*texts))
    labels, first = np.full(ids.shape, -1, np.int32), texts.prompts.ids.shape[1] - 1
    answered = np.where(texts.answers.mask, texts.answers.ids, -1)
    labels[:, first : first + answered.shape[1]] = answered
    return Asked({"ids": ids, "mask": mask}, labels)


def mean(total, params, rows, counted, parts=1):
    """Σ of total(params, rows of a micro-batch) over `parts` of them / the number counted of all.

    Args: total: the sum of token losses of some rows, whose every leaf is [B, …]; counted [B, A]:
      the tokens that are in those sums; parts: how many micro-batches, a divisor of B. Of several
      only one has its logits in memory at a time: they are computed again for the gradient.
    """
    number = jnp.maximum(jnp.sum(counted), 1)
    if parts == 1:
        return total(params, rows) / number
    # row r goes to micro-batch r mod parts: each has rows of every device of a split batch
    pieces = jax.tree.map(lambda x: x.reshape(-1, parts, *x.shape[1:]).swapaxes(0, 1), rows)

    def add(sum_so_far, piece):
        return sum_so_far + jax.checkpoint(total)(params, piece), None

    return jax.lax.scan(add, jnp.float32(0), pieces)[0] / number


def sums(student, teacher, labels, where):
    """{name: Σ over the counted tokens} of logits [B, A, V] for labels [B, A], counted `where`.

    nll: −log q of the label; kl: KL(p ‖ q), p the teacher; reverse_kl: KL(q ‖ p), all in nats;
    agreement: tokens whose likeliest is the teacher's; tokens: their number.
    """
    alike = jnp.argmax(student, -1) == jnp.argmax(teacher, -1)
    return {
        "nll": jnp.sum(losses.cross_entropy(student, labels, where=where)),
        "kl": jnp.sum(losses.forward_kl(student, teacher, where=where)),
        "reverse_kl": jnp.sum(losses.reverse_kl(student, teacher, where=where)),
        "agreement": jnp.sum(alike & where),
        "tokens": jnp.sum(where),
    }


def means(of_batches):
    """{name: mean per token} of several `sums`, and "tokens", their number."""
    total = {name: sum(float(each[name]) for each in of_batches) for name in of_batches[0]}
    tokens = total.pop("tokens")
    return {name: x / tokens for name, x in total.items()} | {"tokens": int(tokens)}


def in_batches(tree, size, first=0):
    """Yield (how many, rows) of leaves [N, …] from row `first` on: `size` rows each.

    The last ones are filled up with zeros. A filling row has an empty mask: no token of it counts.
    """
    rows = len(jax.tree.leaves(tree)[0])
    for start in range(first, rows, size):
        count = min(size, rows - start)
        yield count, jax.tree.map(lambda x, n=start: _filled(x[n : n + size], size), tree)


def _filled(rows, size):
    return np.concatenate([rows, np.zeros((size - len(rows), *rows.shape[1:]), rows.dtype)])
