"""A decoder that is asked about texts, each question once: what it said is kept on disk."""

import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kd_jax import fingerprint, generate, teacher
from kd_jax.language import caches, tokens
from kd_jax.models import llama
from kd_jax.pretrained.text import Tokens

CODE = fingerprint.source(caches, tokens, llama, generate)


class Teacher(NamedTuple):
    """net: a Llama; params: on the device; digest: of them; stop: the token that ends an answer."""

    net: Any
    params: Any
    digest: str
    stop: int


class Kept:
    """What one Teacher says, kept under its digest in `folder`.

    size: texts that it reads at a time; again: ask anew, whatever is there.
    """

    def __init__(self, asked, folder, size, *, again=False):
        self.asked, self.size, self.again = asked, size, again
        self.folder = pathlib.Path(folder).absolute() / asked.digest[:16]
        self.states = {}

    def hidden(self, texts):
        """caches.hidden of Texts [N, A, D]."""
        digest, (net, params, *_) = fingerprint.arrays(texts), self.asked
        if digest not in self.states:
            self.states |= {
                digest: self._once(
                    "hidden",
                    texts,
                    lambda: {"hidden": caches.hidden(net, params, texts, self.size)},
                )["hidden"]
            }
        return self.states[digest]

    def rows(self, objective, texts):
        """What students of an objective learn from, {name: leaves [N, …]}, see objectives."""
        net, params, _, stop = self.asked
        if objective.written:
            drawn = net, params, texts, jax.random.key(3), stop, self.size
            own = self._once("written", texts, lambda: caches.written(*drawn))
            return {"texts": tokens.Texts(texts.prompts, Tokens(**own))}
        hidden, k = self.hidden(texts), objective.kept
        if not k:
            return {"texts": texts, "hidden": hidden}
        top = self._once(
            f"{k} likeliest", texts, lambda: caches.likeliest(params, hidden, k, self.size)
        )
        return {"texts": texts, **top}

    def _once(self, what, texts, compute):
        facts = {"teacher": self.asked.digest, "texts": fingerprint.arrays(texts), "what": what}
        facts |= {"dtype": jnp.dtype(self.asked.net.dtype).name, "code": CODE}
        return teacher.kept(self.folder, facts, compute, again=self.again)


def size_of(rows):
    """{"bytes_per_token", "bytes"} of the arrays [N, A, …] that come with some texts."""
    arrays = [x for name, x in rows.items() if name != "texts"]
    per_token = sum(x.itemsize * x.shape[-1] for x in arrays)
    return {"bytes_per_token": per_token, "bytes": sum(x.nbytes for x in arrays)}
