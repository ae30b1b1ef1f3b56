"""How many of a student's drafts its teacher accepts, counted while the two write together."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax

from kd_jax.data import padding
from kd_jax.language import speculative
from kd_jax.language.speculative import Side
from kd_jax.language.teacher_cache import DecoderTeacher

TEXTS = 16  # that are written


def measurer(teacher: DecoderTeacher, net: Any, key: Any, tokens: int) -> Callable:
    """Measurement of students of one shape, compiled once.

    Args:
        teacher: That accepts.
        net: The students' Llama.
        key: Of all that is drawn.
        tokens: That are written of each text.

    Returns:
        measure(params, prompts) -> {"drafts_tested", "drafts_accepted", "drafts_written": tokens
        that came of it, "teacher_calls", "drafts_of_a_call"}, over texts that continue the prompts,
        which are token ids.
    """
    write = functools.partial(speculative.sample, tokens=tokens, stop=teacher.stop)

    @jax.jit
    def sums(teacher_params, params, prompts):
        sides = Side(teacher.net, teacher_params), Side(net, params)
        found = write(*sides, prompts.ids, prompts.mask, key)
        return {
            "drafts_tested": found.tested.sum(), "drafts_accepted": found.accepted.sum(),
            "drafts_written": found.lengths.sum(), "teacher_calls": found.calls.sum(),
        }  # fmt: skip

    def measure(params: Any, prompts: Sequence[Sequence[int]]) -> dict[str, int]:
        some = padding.padded([prompts[n % len(prompts)] for n in range(TEXTS)], left=True)
        found = {name: int(x) for name, x in sums(teacher.params, params, some).items()}
        return found | {"drafts_of_a_call": speculative.DRAFTS}

    return measure
