"""Distillation loss of a sentence encoder: embeddings, hidden states, similarities of a batch."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from kd_jax import losses
from kd_jax.data import padding
from kd_jax.models import bert
from kd_jax.training import optimizers
from kd_jax.training.state import Outcome, stateless


class TeacherOutputs(NamedTuple):
    """Texts as tokens, and the teacher's outputs for them.

    tokens: Tokens [N, T]; vectors [N, D] of unit length: the embeddings; hidden [N, L, T, D] in
    half precision: the states after the layers that a student imitates.
    """

    tokens: padding.Tokens
    vectors: np.ndarray
    hidden: np.ndarray


def outputs(network, params, tokens, layers, size=64):
    """The TeacherOutputs of texts: embeddings and the states after `layers` of the teacher."""
    encoder = bert.sentence_encoder(network).apply
    rows, width = tokens.ids.shape
    vectors = np.zeros((rows, network.width), np.float32)
    hidden = np.zeros((rows, len(layers), width, network.width), np.float16)

    @jax.jit
    def states(params, batch):
        (unit, features), _ = encoder(stateless(params), batch)
        chosen = features["hidden"][np.array(layers) + 1]  # the embeddings come first
        return unit, chosen.swapaxes(0, 1).astype(jnp.float16)

    for chosen, batch in padding.by_length(tokens, size):
        unit, found = states(params, batch._asdict())
        vectors[chosen] = unit[: len(chosen)]
        hidden[chosen, :, : found.shape[2]] = found[: len(chosen)]
    return TeacherOutputs(tokens, vectors, hidden)


def loss(apply, cut_to):
    """The loss of a student on a batch of TeacherOutputs, three terms with the member's weights:

        mean(1 − cos(s, t)) + w_hidden · mean‖h_s − h_t‖² / D + w_gram · SP(s, t)

    with s, t the embeddings of student and teacher, h their states after the layers that
    correspond, averaged over tokens, and SP losses.similarity_preserving of the batch. The
    embedding tables keep the teacher's parameters: they get no gradient. Batches of short texts are
    cut to the first of the ascending widths `cut_to` that holds them; the others keep all tokens.
    """

    def terms(params, batch, width):
        tokens = {name: batch[name][:, :width] for name in ("ids", "mask")}
        params = {**params, "embeddings": jax.lax.stop_gradient(params["embeddings"])}
        (vectors, features), _ = apply(stateless(params), tokens)
        cosine = 1 - jnp.sum(vectors * batch["vectors"], -1)
        theirs = batch["hidden"][:, :, :width].swapaxes(0, 1).astype(jnp.float32)
        ours = features["hidden"][1:]
        counted = jnp.broadcast_to(tokens["mask"], ours.shape[:3]).reshape(-1)
        flat = (x.reshape(-1, x.shape[-1]) for x in (ours, theirs))
        hidden = losses.masked_mean(losses.hint(*flat, where=counted), counted)
        gram = losses.similarity_preserving(vectors, batch["vectors"])
        return jnp.mean(cosine), hidden, gram

    def loss_fn(variables, batch, key):
        rows, weights = batch.rows, batch.numbers
        longest = jnp.max(jnp.sum(rows["mask"], -1))
        whole = rows["ids"].shape[1]
        widths = [*(width for width in cut_to if width < whole), whole]
        choices = [lambda p, b, w=w: terms(p, b, w) for w in widths]
        number = sum((longest > width).astype(int) for width in widths[:-1])
        cosine, hidden, gram = jax.lax.switch(number, choices, variables["params"], rows)
        total = cosine + weights["hidden_weight"] * hidden + weights["gram_weight"] * gram
        return Outcome(total, {"cosine": cosine, "hidden": hidden, "gram": gram})

    return loss_fn


def optimizer(learning_rate, steps):
    """optimizers.adamw_warmup_cosine on the layers alone."""
    layers = optimizers.adamw_warmup_cosine(learning_rate, steps)
    parts = {"layers": layers, "embeddings": optax.set_to_zero()}
    return optax.partition(parts, {"layers": "layers", "embeddings": "embeddings"})
