"""Disk cache of a decoder's outputs, keyed by model and prompts."""

import os
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from kd_jax import fingerprint
from kd_jax.data.padding import Tokens
from kd_jax.language import teacher_outputs
from kd_jax.language.objectives import Objective
from kd_jax.language.tokens import Packed, Texts
from kd_jax.storage import block_cache


class DecoderTeacher(NamedTuple):
    """net: a Llama; params: on the device; digest: of them; stop: what ends an answer."""

    net: Any
    params: Any
    digest: str
    stop: int | tuple[int, ...]


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

    def hidden(self, texts: Texts | Packed) -> Float[np.ndarray, "N A D"]:
        """teacher_outputs.hidden of all texts."""
        given = {"net": self.teacher.net, "params": self.teacher.params, "texts": texts}
        return self._cached("hidden states", texts, teacher_outputs.hidden, given)["hidden"]

    def rows(self, objective: Objective, texts: Texts | Packed, key: jax.Array) -> dict:
        """What students of an objective learn from.

        Args:
            objective: see `objectives`.
            texts: N prompts and answers.
            key: of the texts that the teacher writes itself, where the objective asks for them.

        Returns:
            {name: leaves [N, …]}.
        """
        if objective.teacher_texts:
            assert isinstance(texts, Texts), "a packed text has no prompt of its own"
            return {"texts": Texts(texts.prompts, self._sampled("own texts", texts, key))}
        hidden, k = self.hidden(texts), objective.top_k
        if not k:
            return {"texts": texts, "hidden": hidden}
        cap = self.teacher.net.variant.logits_cap
        given = {"params": self.teacher.params, "hidden": hidden, "cap": cap}
        found = self._cached(f"top {k} tokens", texts, teacher_outputs.top_tokens, given, k=k)
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
        given, options = {"net": net, "params": params, "texts": texts}, {"key": key, **options}
        return Tokens(
            **self._cached(what, texts, teacher_outputs.answers, given, stop=stop, **options)
        )

    def _cached(
        self, what: str, texts: Texts | Packed, blocks: Callable, given: dict, **options
    ) -> dict:
        """What `blocks` yields of all texts, from the first one that is not cached yet.

        Args:
            what: for the progress bar.
            texts: all of them.
            blocks: (**given, **options, size, first) -> iterator, of teacher_outputs.
            given: what follows from the teacher and the texts.
            options: all else that it is given.
        """
        facts: dict = {"teacher": self.teacher.digest, "net": fingerprint.value(self.teacher.net)}
        facts |= {"texts": fingerprint.arrays(texts), "size": self.size}
        facts |= {"code": fingerprint.code(blocks), "options": fingerprint.value(options)}
        key = fingerprint.of(facts)
        if key not in self.found:

            def compute(first):
                return blocks(**given, size=self.size, first=first, **options)

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
