"""What tests of loaders share: which reads what, a refusal in one line, and equality of models."""

import jax
import pytest
import tiny_folders as tiny

from kd_jax.errors import InputError
from kd_jax.pretrained import bert, llama

READERS = {"llama": llama.load, "qwen2": llama.load, "bert": bert.load, "distilbert": bert.load}
CONFIGS = {
    "llama": tiny.LLAMA, "qwen2": tiny.QWEN2, "bert": tiny.BERT, "distilbert": tiny.DISTILBERT,
}  # fmt: skip
KINDS = pytest.mark.parametrize("kind", READERS)


def refused(source, read):
    """What is said where a loader refuses its source."""
    with pytest.raises(InputError) as caught:
        read(source)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000
    return str(caught.value)


def same(found, expected):
    """Whether network and parameters are the same, and so every logit is."""
    alike = jax.tree.map(lambda a, b: a.shape == b.shape and (a == b).all(), found[1], expected[1])
    return found[0] == expected[0] and all(jax.tree.leaves(alike))
