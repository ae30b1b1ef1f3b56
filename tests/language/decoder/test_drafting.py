"""What is counted of drafts: a teacher accepts all of its own, and some of another's."""

import jax
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from tiny_llama import NET, PARAMS, random_params

from kd_jax.language.decoder import drafting
from kd_jax.language.teacher_cache import DecoderTeacher

PROMPTS = [3, 1, 4], [1, 5], [9]


def test_counts_are_those_of_all_texts():
    teacher = DecoderTeacher(NET, PARAMS, "", ())
    measure = drafting.measurer(teacher, NET, jax.random.key(0), 32)
    own, other = (measure(params, PROMPTS) for params in (PARAMS, random_params(NET, 5)))
    # 32 tokens of 16 texts: six calls with four accepted drafts and one more, and the rest
    assert own == {
        "drafts_tested": 16 * (6 * 4 + 2), "drafts_accepted": 16 * (6 * 4 + 2),
        "drafts_written": 16 * 32, "teacher_calls": 16 * 7, "drafts_of_a_call": 4,
    }  # fmt: skip
    assert 0 < other["drafts_accepted"] < other["drafts_tested"] and other["teacher_calls"] > 16 * 7
    # a call that is not cut at the end writes what it accepts and one more
    missing = other["drafts_accepted"] + other["teacher_calls"] - other["drafts_written"]
    assert other["drafts_written"] == 16 * 32 and 0 <= missing <= 16
    few = drafting.measurer(teacher, NET, jax.random.key(0), 4)(PARAMS, PROMPTS)
    assert (few["drafts_written"], few["teacher_calls"]) == (16 * 4, 16)  # one call of each text
