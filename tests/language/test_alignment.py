"""Two toy vocabularies of one text: which positions have read the same bytes."""

import jax
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


def test_a_token_that_ends_within_a_character_is_no_pair():
    """ "é" is two bytes, Ã and ©: "a" with its first byte ends within it, "aé" after it."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    parted = Tokenizer(
        models.BPE({c: n for n, c in enumerate([*letters, "aÃ", "©b"])}, [("a", "Ã"), ("©", "b")])
    )
    whole = Tokenizer(
        models.BPE({c: n for n, c in enumerate([*letters, "Ã©", "aÃ©"])}, [("Ã", "©"), ("a", "Ã©")])
    )
    for each in (parted, whole):
        each.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    ours, theirs = (alignment.ends(each, ["aéb"]) for each in (parted, whole))
    assert ours == [[-1, 4]] and theirs == [[3, 4]]
    found = alignment.aligned(ours, theirs)
    assert found.student.tolist() == [[1]] and found.teacher.tolist() == [[1]]


def test_a_tokenizer_that_was_left_cutting_texts_is_read_whole_and_left_so():
    words = greedy_words("ab", "c", "d")
    words.enable_truncation(2)
    assert alignment.ends(words, ["abc d"]) == [[2, 3, 5]]
    assert words.truncation["max_length"] == 2


def test_a_teacher_that_predicts_alike_costs_nothing_at_the_pairs():
    """The loss sees sorted probabilities: at pairs the same numbers stand, elsewhere others."""
    found = alignment.aligned(*(alignment.ends(x, ["abc dé"]) for x in (OURS, THEIRS)))
    random = np.random.default_rng(0)
    student, teacher = random.normal(size=(1, 3, 6)), random.normal(size=(1, 3, 6))
    teacher[0, found.teacher[0]] = student[0, found.student[0]][:, ::-1]
    ours, theirs = (
        np.take_along_axis(x, np.asarray(places)[..., None], 1)
        for x, places in ((student, found.student), (teacher, found.teacher))
    )
    loss = jax.jit(losses.universal_logit)(ours, theirs, where=found.where)
    np.testing.assert_allclose(loss, 0, atol=1e-6)
    assert jax.jit(losses.universal_logit)(student, teacher).max() > 0.01
