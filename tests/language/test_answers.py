"""Answers that a tiny decoder writes, and their NLL under a teacher, against plain computations."""

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from scipy import special
from tiny_llama import APPLY, NET, PARAMS

from kd_jax.data.padding import Tokens, padded
from kd_jax.language import answers, teacher_cache
from kd_jax.language.tokens import Texts


def logits_of(ids):
    """Those of one text [T, V], of every text in one shape."""
    padded = np.zeros((1, 12), int)
    padded[0, : len(ids)] = ids
    logits, _ = APPLY(PARAMS, {"ids": padded, "mask": np.arange(12)[None] < len(ids)})
    return np.asarray(logits[0, : len(ids)])


def test_lists_are_the_tokens_that_count():
    tokens = Tokens(np.array([[1, 2, 0], [3, 0, 0]]), np.array([[1, 1, 0], [1, 0, 0]], bool))
    assert tokens.lists() == [[1, 2], [3]]
    again = answers.as_tokens([[1, 2], [3]], 3)
    assert all((a == b).all() for a, b in zip(again, tokens))


def test_the_nll_of_answers_under_the_teacher():
    prompts = [[3, 1, 4], [9, 2]]
    written = [[5, 6], [7]]
    texts = Texts(padded(prompts, left=True), answers.as_tokens(written, 4))
    found = answers.nll_of(teacher_cache.DecoderTeacher(NET, PARAMS, "", 0))(texts, 1)
    surprise = []
    for prompt, answer in zip(prompts, written):
        log_p = special.log_softmax(np.float64(logits_of(prompt + answer)), axis=-1)
        surprise += [-log_p[len(prompt) + n - 1, token] for n, token in enumerate(answer)]
    assert found == pytest.approx(np.mean(surprise), rel=1e-4)


def test_answers_are_the_most_probable_ones_until_the_stop_token():
    prompts = padded([[3, 1, 4], [9, 2], [2]], left=True)
    free = answers.writer(NET, stop=99, max_length=5)(PARAMS, prompts, 2)  # two at a time
    ids = [3, 1, 4]
    for _ in range(5):
        ids.append(int(logits_of(ids)[-1].argmax()))
    assert free[0] == ids[3:] and [len(each) for each in free] == [5, 5, 5]
    stop = free[0][2]
    stopped = answers.writer(NET, stop=(99, stop), max_length=5)(PARAMS, prompts, 2)  # either one
    assert stopped[0] == free[0][: free[0].index(stop) + 1]
