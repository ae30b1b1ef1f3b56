"""Two toy vocabularies of one text: which positions have read the same bytes."""

import jax.numpy as jnp
import numpy as np
import pytest

from kd_jax import losses

pytest.importorskip("tokenizers")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

from kd_jax.language import alignment  # noqa: E402


def greedy_words(*words):
    """A tokenizer that takes the longest of its words, within each space-separated word."""
    vocabulary = {word: n for n, word in enumerate(("?", *words))}
    found = Tokenizer(models.WordPiece(vocabulary, unk_token="?", continuing_subword_prefix=""))
    found.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return found


OURS = greedy_words("ab", "c", "abc", "d", "é")
THEIRS = greedy_words("a", "bc", "d", "é", "dé")


def test_ends_are_counted_in_bytes():
    # "ab" "c" is read as "abc"; é is two bytes; the space before a word belongs to no token
    assert alignment.ends(OURS, ["abc dé"]) == [[3, 5, 7]]
    assert alignment.ends(THEIRS, ["abc dé"]) == [[1, 3, 7]]
    assert alignment.ends(THEIRS, ["abc dé"], max_length=2) == [[1, 3]]


def test_pairs_have_read_the_same():
    found = alignment.aligned([[3, 5, 7], [2, 3]], [[1, 3, 7], [1]])
    assert found.student.tolist() == [[0, 2], [0, 0]]
    assert found.teacher.tolist() == [[1, 2], [0, 0]]
    assert found.where.tolist() == [[True, True], [False, False]]


def test_a_character_of_several_tokens_ends_with_the_last():
    whole = Tokenizer(models.BPE({chr(c): n for n, c in enumerate(range(0x100, 0x180))}, []))
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    whole.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    bytes_only = Tokenizer(models.BPE({c: n for n, c in enumerate(sorted(letters))}, []))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    assert alignment.ends(bytes_only, ["aéb"]) == [[1, -1, 3, 4]]


def test_a_teacher_that_predicts_alike_costs_nothing_at_the_pairs():
    """The loss sees sorted probabilities: at pairs the same numbers stand, elsewhere others."""
    found = alignment.aligned(*(alignment.ends(x, ["abc dé"]) for x in (OURS, THEIRS)))
    random = np.random.default_rng(0)
    student, teacher = random.normal(size=(1, 3, 6)), random.normal(size=(1, 3, 6))
    teacher[0, found.teacher[0]] = student[0, found.student[0]][:, ::-1]
    ours, theirs = (
        jnp.take_along_axis(jnp.asarray(x), jnp.asarray(places)[..., None], 1)
        for x, places in ((student, found.student), (teacher, found.teacher))
    )
    loss = losses.universal_logit(ours, theirs, where=found.where)
    np.testing.assert_allclose(loss, 0, atol=1e-6)
    assert losses.universal_logit(jnp.asarray(student), jnp.asarray(teacher)).max() > 0.01
