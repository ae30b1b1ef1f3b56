"""A static student: the teacher's vector of each token alone, by PCA, weighted by its rank.

It has no attention and learns from no text: a text's vector is the mean of its tokens', at
length 1.

Source: Tulkens and van Dongen 2024, model2vec (github.com/MinishLab/model2vec); the weights are
those of Arora, Liang and Ma 2017, A Simple but Tough-to-Beat Baseline for Sentence Embeddings.
"""

import os
import re

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from kd_jax import fingerprint
from kd_jax.errors import require
from kd_jax.language.encoder import outputs, students
from kd_jax.models.sentence import Head, mean, normalized
from kd_jax.models.static import StaticEmbedding
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.pretrained.encoder import DELAY, Encoder
from kd_jax.runtime import progress
from kd_jax.storage import array_cache
from kd_jax.training.state import stateless

COEFFICIENT = 1e-4  # a of the weights a/(a + p)
ROWS = 512  # tokens at a time
UNUSED = re.compile(r"\[unused\d+\]")
HEAD = Head((mean,), (normalized,))


def student(
    teacher: Encoder, width: int, vectors: Float[np.ndarray, "V D"] | None = None
) -> Encoder:
    """The static student of a teacher.

    Args:
        teacher: The encoder.
        width: Numbers of its vectors.
        vectors: Of `of_tokens`, where they are known.

    Raises:
        InputError: The teacher's vectors have fewer.
    """
    require(
        width <= teacher.dimension,
        f"--static={width}: expected at most the teacher's {teacher.dimension} numbers",
    )
    vectors = of_tokens(teacher) if vectors is None else vectors
    used = _used(teacher, len(vectors))
    table = np.zeros((len(vectors), width), np.float32)
    table[used] = principal(vectors[used], width) * zipf_weights(len(used))[:, None]
    network = StaticEmbedding(*table.shape)
    return teacher.replaced(network, {"embeddings": {"word": table}}, HEAD, ({},))


def of_tokens(teacher: Encoder) -> Float[np.ndarray, "V D"]:
    """The teacher's vector of each token of its vocabulary, as a text of that token alone.

    Args:
        teacher: The encoder.
    """
    ids, apply = _alone(teacher), students.model(teacher.network, teacher.head).apply

    @jax.jit
    def program(params, ids):
        batch = {"ids": ids, "mask": jnp.ones(ids.shape, bool)}
        return apply(stateless(params), batch)[0][0]

    params = {**teacher.params, students.HEAD: teacher.head_params}
    vectors = np.zeros((len(ids), teacher.dimension), np.float32)
    size = min(ROWS, len(ids))
    with progress.bar("tokens", len(ids), "token", delay=DELAY) as report:
        for start in range(0, len(ids), size):
            first = min(start, len(ids) - size)  # the last ones are as many
            vectors[first : first + size] = program(params, ids[first : first + size])
            report(first + size)
    return vectors


def cached(
    teacher: Encoder, workdir: str | os.PathLike, *, again: bool = False
) -> Float[np.ndarray, "V D"]:
    """`of_tokens`, computed once and kept below a folder of runs.

    Args:
        teacher: The encoder.
        workdir: The folder.
        again: Compute them even if they are there.
    """
    facts = {**outputs.facts(teacher, of_tokens), "tokens": fingerprint.arrays(_alone(teacher))}
    folder = outputs.folder(teacher, workdir)
    found = array_cache.cached(folder, facts, lambda: {"vectors": of_tokens(teacher)}, again=again)
    return found["vectors"]


def principal(vectors: Float[np.ndarray, "V D"], width: int) -> Float[np.ndarray, "V W"]:
    """Vectors, less their mean, along the directions of their largest variance.

    Args:
        vectors: Of the tokens.
        width: How many directions.
    """
    centered = np.asarray(vectors, np.float64) - vectors.mean(0, dtype=np.float64)
    variances, directions = np.linalg.eigh(centered.T @ centered)
    return centered @ directions[:, np.argsort(-variances)[:width]]


def zipf_weights(count: int) -> Float[np.ndarray, " V"]:
    """a/(a + p) of tokens in the order of how frequent they are, with p by Zipf's law.

    Args:
        count: Of the tokens.
    """
    inverse = 1 / np.arange(2, count + 2)
    p = inverse / inverse.sum()
    return COEFFICIENT / (COEFFICIENT + p)


def _alone(teacher) -> Int[np.ndarray, "V T"]:
    """The ids of each token of the vocabulary as a text, with the special ones around it."""
    (found,) = tokenizers.encodings(teacher.tokenizer, ["a"])
    inner = [place for place, special in enumerate(found.special_tokens_mask) if not special]
    before, after = found.ids[: inner[0]], found.ids[inner[-1] + 1 :]
    every = np.arange(teacher.network.vocabulary, dtype=np.int32)[:, None]
    first, last = (np.tile(np.array(x, np.int32), (len(every), 1)) for x in (before, after))
    return np.concatenate([first, every, last], axis=1)


def _used(teacher, rows) -> Int[np.ndarray, " U"]:
    """The tokens that texts have, in the order of the vocabulary: it begins with frequent ones."""
    special = {n for n, token in teacher.tokenizer.get_added_tokens_decoder().items() if
               token.special}  # fmt: skip
    known = teacher.tokenizer.get_vocab(with_added_tokens=True)
    used = {n for token, n in known.items() if not UNUSED.fullmatch(token)} - special
    return np.array(sorted(n for n in used if n < rows), int)
