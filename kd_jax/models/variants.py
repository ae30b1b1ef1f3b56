"""What families of decoders do differently from Llama, declared; every default is Llama's."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax

from kd_jax.models.rotations import Rotation


class Variant(NamedTuple):
    """The differences of a decoder from Llama.

    Attributes:
        family: The model_type of its files, which the arithmetic never asks for.
        windows: Of every layer, how many tokens a token sees, itself and those before; 0: all. ():
            all, in every layer.
        rotations: Of every layer, how queries and keys turn; None: they do not. (): with the
            network's theta, in every layer.
        output_bias: Whether what attention gives has a bias (see Llama.biases for the others).
        inner_biases: Whether the feed-forward nets have biases.
        head_norms: Whether each head of queries and keys is normalized.
        projection_norms: Whether all heads of queries, and of keys, are normalized as one vector.
        pre_norms: Whether what attention and the feed-forward net read is normalized.
        post_norms: Whether what they add is normalized.
        norm_offset: What is added to the norms' parameters.
        activation: Of the gates.
        attention_scalar: s of scores qᵀk / √s; None: H.
        attention_cap: c of scores c · tanh(score / c); None: they are left alone.
        logits_cap: Likewise of logits.
        scaled_embeddings: Whether embeddings are multiplied by √D before the first layer.
    """

    family: str = "llama"
    windows: tuple[int, ...] = ()
    rotations: tuple[Rotation | None, ...] = ()
    output_bias: bool = False
    inner_biases: bool = False
    head_norms: bool = False
    projection_norms: bool = False
    pre_norms: bool = True
    post_norms: bool = False
    norm_offset: float = 0.0
    activation: Callable = jax.nn.silu
    attention_scalar: float | None = None
    attention_cap: float | None = None
    logits_cap: float | None = None
    scaled_embeddings: bool = False

    def of_layers(self, layers: Sequence[int]) -> "Variant":
        """The Variant of a decoder with only these of its layers, counted from 0."""
        return self._replace(
            windows=tuple(self.windows[n] for n in layers if self.windows),
            rotations=tuple(self.rotations[n] for n in layers if self.rotations),
        )
