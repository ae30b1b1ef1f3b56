"""Sentence encoders as ONNX: a graph built by hand, as converters know no attention of any batch.

Inputs are input_ids and attention_mask [batch, tokens], outputs last_hidden_state and
sentence_embedding, as sentence-transformers and others name them.
"""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.errors import extra
from kd_jax.export import onnx_bert, onnx_modernbert
from kd_jax.export.formats import NotConverted
from kd_jax.export.onnx_attention import NEVER
from kd_jax.export.onnx_graph import Graph
from kd_jax.models import sentence
from kd_jax.models.bert import Bert
from kd_jax.models.modernbert import ModernBert
from kd_jax.models.static import StaticEmbedding

IDS, MASK, HIDDEN, VECTOR = "input_ids", "attention_mask", "last_hidden_state", "sentence_embedding"
ACTIVATIONS = {jnp.tanh: "Tanh", jax.nn.relu: "Relu", jax.nn.sigmoid: "Sigmoid"}


def write(path: str | os.PathLike, network: Any, params: Any, head: Any, head_params: Any) -> None:
    """Write an encoder.

    Args:
        path: Of the file.
        network: A Bert, a ModernBert or a StaticEmbedding.
        params: Its parameters.
        head: A models.sentence.Head.
        head_params: Of its steps.

    Raises:
        NotConverted: The network is another, or a step of the head has an activation without form.
        InputError: The package onnx is not installed.
    """
    graph = Graph()
    params = jax.tree.map(np.asarray, params)
    form = FORMS.get(type(network))
    if form is None:
        raise NotConverted(f"a {type(network).__name__} has no form in ONNX here")
    hidden = graph.node("Identity", form(graph, network, params, IDS, MASK), name=HIDDEN)
    found = _pooled(graph, head.poolings, hidden)
    for step, own in zip(head.steps, head_params, strict=True):
        found = _step(graph, step, jax.tree.map(np.asarray, own), found)
    graph.node("Identity", found, name=VECTOR)
    axes = ["batch", "tokens"]
    graph.write(
        path,
        {IDS: axes, MASK: axes},
        {HIDDEN: [*axes, network.width], VECTOR: ["batch", "numbers"]},
    )


def vectors(path: str | os.PathLike, ids: Any, mask: Any) -> np.ndarray:
    """The vectors [B, E] that a file gives, by onnxruntime.

    Args:
        path: Of the file.
        ids: Of tokens [B, T].
        mask: True for a token.
    """
    with extra("export"):
        import onnxruntime

    session = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    feeds = {IDS: np.asarray(ids, np.int64), MASK: np.asarray(mask, np.int64)}
    return session.run([VECTOR], feeds)[0]


def _rows(graph, network, params, ids, mask):
    """The rows of a StaticEmbedding's table."""
    return graph.node("Gather", graph.constant(params["embeddings"]["word"]), ids)


# what gives the last hidden states, by the kind of network
FORMS: dict[type, Callable] = {
    Bert: onnx_bert.last_states,
    ModernBert: onnx_modernbert.last_states,
    StaticEmbedding: _rows,
}


def _pooled(graph, poolings, hidden):
    """One vector of each text."""
    mask = graph.node("Cast", MASK, to=graph.onnx.TensorProto.FLOAT)
    found = [_pool(graph, pooling, hidden, mask) for pooling in poolings]
    return graph.node("Concat", *found, axis=-1)


def _pool(graph, pooling, hidden, mask):
    if pooling is sentence.largest:
        wide = graph.node("Unsqueeze", mask, graph.whole(2))
        seen = graph.node("Cast", wide, to=graph.onnx.TensorProto.BOOL)
        found = graph.node("Where", seen, hidden, graph.constant(NEVER))
        return graph.node("ReduceMax", found, axes=[1], keepdims=0)
    weights = graph.node("Unsqueeze", _weights(graph, pooling, mask), graph.whole(1))
    return graph.node("Squeeze", graph.node("MatMul", weights, hidden), graph.whole(1))


def _weights(graph, pooling, mask):
    """What each token counts in a pooling that is a sum."""
    place = graph.node("CumSum", mask, graph.constant(1, np.int64))
    total = graph.node("ReduceSum", mask, graph.whole(1), keepdims=1)
    if pooling in (sentence.first, sentence.last):
        there = graph.constant(1.0) if pooling is sentence.first else total
        same = graph.node("Cast", graph.node("Equal", place, there),
                          to=graph.onnx.TensorProto.FLOAT)  # fmt: skip
        return graph.node("Mul", same, mask)
    weights = graph.node("Mul", place, mask) if pooling is sentence.weighted_mean else mask
    total = graph.node("ReduceSum", weights, graph.whole(1), keepdims=1)
    total = graph.node("Max", total, graph.constant(1.0))
    if pooling is sentence.mean_by_root:
        total = graph.node("Sqrt", total)
    return graph.node("Div", weights, total)


def _step(graph, step, own, x):
    if step is sentence.normalized:
        norm = graph.node("ReduceL2", x, axes=[-1], keepdims=1)
        return graph.node("Div", x, graph.node("Max", norm, graph.constant(1e-12)))
    found = graph.dense(x, own)
    if step.activation is jnp.asarray:
        return found
    if step.activation is jax.nn.silu:
        return graph.node("Mul", found, graph.node("Sigmoid", found))
    if step.activation in ACTIVATIONS:
        return graph.node(ACTIVATIONS[step.activation], found)
    probe = np.linspace(-3, 3, 7, dtype=np.float32)
    if np.allclose(step.activation(probe), jax.nn.gelu(probe, approximate=False), atol=1e-6):
        return graph.gelu(found)
    raise NotConverted("the activation of a Dense of the head has no form in ONNX here")
