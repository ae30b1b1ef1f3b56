"""A decoder that is asked about texts, each question once: what it said is kept on disk."""

import functools
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kd_jax import fingerprint
from kd_jax.data.padding import Tokens
from kd_jax.language import generation, teacher_outputs, tokens
from kd_jax.models import llama
from kd_jax.storage import block_cache

CODE = fingerprint.source(teacher_outputs, tokens, llama, generation)


class Teacher(NamedTuple):
    """net: a Llama; params: on the device; digest: of them; stop: the token that ends an answer."""

    net: Any
    params: Any
    digest: str
    stop: int


class Kept:
    """What one Teacher says, kept under its digest in `folder`, see mapped.

    size: texts that it reads at a time; again: ask anew, whatever is there.
    """

    def __init__(self, asked, folder, size, *, again=False):
        self.asked, self.size, self.again = asked, size, again
        self.folder = pathlib.Path(folder).absolute() / asked.digest[:16]
        self.found = {}

    def hidden(self, texts):
        """caches.hidden of Texts [N, A, D]."""
        said = functools.partial(
            teacher_outputs.hidden, self.asked.net, self.asked.params, texts, self.size
        )
        return self._once("hidden states", texts, said)["hidden"]

    def rows(self, objective, texts):
        """What students of an objective learn from, {name: leaves [N, …]}, see objectives."""
        net, params, _, stop = self.asked
        if objective.written:
            drawn = net, params, texts, jax.random.key(3), stop, self.size
            own = self._once("own texts", texts, functools.partial(teacher_outputs.written, *drawn))
            return {"texts": tokens.Texts(texts.prompts, Tokens(**own))}
        hidden, k = self.hidden(texts), objective.kept
        if not k:
            return {"texts": texts, "hidden": hidden}
        said = functools.partial(teacher_outputs.likeliest, params, hidden, k, self.size)
        return {"texts": texts, **self._once(f"{k} likeliest tokens", texts, said)}

    def chains(self, texts, samples, temperature):
        """[Tokens [N, A]] of so many answers of its own to each of N prompts, sampled."""
        net, params, _, stop = self.asked
        found = []
        for number in range(samples):
            key = jax.random.fold_in(jax.random.key(4), number)
            said = functools.partial(
                teacher_outputs.written,
                net,
                params,
                texts,
                key,
                stop,
                self.size,
                temperature=temperature,
            )
            found.append(self._once(f"sample {number}, T = {temperature:g}", texts, said))
        return [Tokens(**each) for each in found]

    def _once(self, what, texts, blocks):
        """What `blocks` yields of all texts, from the first one that is not kept yet."""
        facts = {"teacher": self.asked.digest, "texts": fingerprint.arrays(texts), "what": what}
        facts |= {"dtype": jnp.dtype(self.asked.net.dtype).name, "size": self.size, "code": CODE}
        key = fingerprint.of(facts)
        if key not in self.found:
            self.found[key] = block_cache.cached(
                self.folder, facts, len(texts.answers.ids), self.size, blocks, again=self.again,
                label=f"the teacher's {what}",
            )  # fmt: skip
        return self.found[key]


def size_of(rows):
    """{"bytes_per_token", "bytes"} of the arrays [N, A, …] that come with some texts."""
    arrays = [x for name, x in rows.items() if name != "texts"]
    per_token = sum(x.itemsize * x.shape[-1] for x in arrays)
    return {"bytes_per_token": per_token, "bytes": sum(x.nbytes for x in arrays)}
