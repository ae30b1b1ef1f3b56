"""Disk cache of a decoder's outputs, keyed by model and prompts."""

import os
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from kd_jax import fingerprint
from kd_jax.data.padding import Tokens
from kd_jax.language import teacher_outputs
from kd_jax.language.objectives import Objective
from kd_jax.language.tokens import Texts
from kd_jax.storage import block_cache


class DecoderTeacher(NamedTuple):
    """net: a Llama; params: on the device; digest: of them; stop: the token that ends an answer."""

    net: Any
    params: Any
    digest: str
    stop: int


class TeacherCache:
    """What one DecoderTeacher gives for texts, computed once and memory-mapped from disk."""

    def __init__(
        self,
        teacher: DecoderTeacher,
        workdir: str | os.PathLike,
        size: int,
        *,
        again: bool = False,
    ):
        """An empty view of the cache.

        Args:
            teacher: whose outputs these are.
            workdir: the folder of all runs; the cache lies in its folder "teachers".
            size: texts that the teacher reads at a time.
            again: compute even what is there.
        """
        self.teacher, self.size, self.again = teacher, size, again
        self.folder = pathlib.Path(workdir).absolute() / "teachers" / teacher.digest[:16]
        self.found: dict = {}

    def hidden(self, texts: Texts) -> Float[np.ndarray, "N A D"]:
        """teacher_outputs.hidden of all texts."""
        net, params, *_ = self.teacher
        blocks = self._cached("hidden states", texts, teacher_outputs.hidden, net, params, texts)
        return blocks["hidden"]

    def rows(self, objective: Objective, texts: Texts, key: jax.Array) -> dict:
        """What students of an objective learn from.

        Args:
            objective: see `objectives`.
            texts: N prompts and answers.
            key: of the texts that the teacher writes itself, where the objective asks for them.

        Returns:
            {name: leaves [N, …]}.
        """
        if objective.teacher_texts:
            return {"texts": Texts(texts.prompts, self._sampled("own texts", texts, key))}
        hidden, k = self.hidden(texts), objective.top_k
        if not k:
            return {"texts": texts, "hidden": hidden}
        top = self.teacher.params, hidden, k
        found = self._cached(f"top {k} tokens", texts, teacher_outputs.top_tokens, *top)
        return {"texts": texts, **found}

    def samples(self, texts: Texts, count: int, temperature: float, key: jax.Array) -> list[Tokens]:
        """Sampled answers to each of N prompts.

        Args:
            texts: their prompts are answered, in as many tokens at most as their answers have.
            count: answers per prompt.
            temperature: at which they are sampled.
            key: of all samples; the number of each is folded in, so more begin with these.

        Returns:
            `count` Tokens [N, A].
        """
        return [
            self._sampled(
                f"sample {number}, T = {temperature:g}", texts, jax.random.fold_in(key, number),
                temperature=temperature,
            )
            for number in range(count)
        ]  # fmt: skip

    def _sampled(self, what: str, texts: Texts, key: jax.Array, **options) -> Tokens:
        """A sampled answer to each of the prompts."""
        net, params, _, stop = self.teacher
        options["drawn"] = np.asarray(jax.random.key_data(key)).tolist()
        settings = net, params, texts, key, stop
        return Tokens(**self._cached(what, texts, teacher_outputs.answers, *settings, **options))

    def _cached(
        self, what: str, texts: Texts, blocks: Callable, *settings, drawn: Any = None, **options
    ) -> dict:
        """What `blocks` yields of all texts, from the first one that is not cached yet.

        drawn: JSON-like, by which key.
        """
        facts: dict = {"teacher": self.teacher.digest, "what": what, "key": drawn}
        facts |= {"texts": fingerprint.arrays(texts)}
        facts |= {"dtype": jnp.dtype(self.teacher.net.dtype).name, "size": self.size}
        facts |= {"code": fingerprint.code(blocks)}
        key = fingerprint.of(facts)
        if key not in self.found:

            def compute(first):
                return blocks(*settings, size=self.size, first=first, **options)

            self.found[key] = block_cache.cached(
                self.folder, facts, len(texts.answers.ids), self.size, compute, again=self.again,
                label=f"the teacher's {what}",
            )  # fmt: skip
        return self.found[key]


def size_of(rows: dict) -> dict:
    """{"bytes_per_token", "bytes"} of the arrays [N, A, …] that come with some texts."""
    arrays = [x for name, x in rows.items() if name != "texts"]
    per_token = sum(x.itemsize * x.shape[-1] for x in arrays)
    return {"bytes_per_token": per_token, "bytes": sum(x.nbytes for x in arrays)}
