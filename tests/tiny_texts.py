"""Texts of the words that the smallest sentence encoder knows, and a label that they show."""

import numpy as np
import tiny_sentences

WORDS = tiny_sentences.WORDS[4:]


def drawn(count, seed=0):
    """([a text of 2 to 6 words], [whether its first word is one of the first half])."""
    random = np.random.default_rng(seed)
    found = [list(random.choice(WORDS, random.integers(2, 7))) for _ in range(count)]
    labels = [int(WORDS.index(words[0]) < len(WORDS) // 2) for words in found]
    return [" ".join(words) for words in found], labels
