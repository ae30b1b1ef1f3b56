"""Sentence encoders as ONNX: a graph built by hand, as converters know no attention of any batch.

Inputs are input_ids and attention_mask [batch, tokens], outputs last_hidden_state and
sentence_embedding, as sentence-transformers and others name them.
"""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.errors import extra
from kd_jax.export.formats import NotConverted
from kd_jax.export.onnx_graph import Graph
from kd_jax.models import sentence
from kd_jax.models.bert import Bert, relative_buckets
from kd_jax.models.static import StaticEmbedding

IDS, MASK, HIDDEN, VECTOR = "input_ids", "attention_mask", "last_hidden_state", "sentence_embedding"
NEVER = -3.0e38  # of a score: its weight is 0
ACTIVATIONS = {jnp.tanh: "Tanh", jax.nn.relu: "Relu", jax.nn.sigmoid: "Sigmoid"}


def write(path: str | os.PathLike, network: Any, params: Any, head: Any, head_params: Any) -> None:
    """Write an encoder.

    Args:
        path: Of the file.
        network: A Bert or a StaticEmbedding.
        params: Its parameters.
        head: A models.sentence.Head.
        head_params: Of its steps.

    Raises:
        NotConverted: The network is another, or a step of the head has an activation without form.
        InputError: The package onnx is not installed.
    """
    graph = Graph()
    params = jax.tree.map(np.asarray, params)
    if isinstance(network, Bert):
        last = _bert(graph, network, params)
    elif isinstance(network, StaticEmbedding):
        last = graph.node("Gather", graph.constant(params["embeddings"]["word"]), IDS)
    else:
        raise NotConverted(f"a {type(network).__name__} has no form in ONNX here")
    hidden = graph.node("Identity", last, name=HIDDEN)
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


def _bert(graph, network, params):
    """The last hidden states."""
    own = params["embeddings"]
    x = graph.node("Gather", graph.constant(own["word"]), IDS)
    positions = graph.node("Gather", graph.constant(own["position"]), _positions(graph, network))
    x = graph.node("Add", x, positions)
    if network.types:
        x = graph.node("Add", x, graph.constant(own["type"][0]))
    x = graph.norm(x, own["norm"], network.epsilon)
    seen = graph.node("Cast", MASK, to=graph.onnx.TensorProto.BOOL)
    bias = graph.node("Where", seen, graph.constant(0.0), graph.constant(NEVER))
    bias = graph.node("Unsqueeze", bias, graph.whole(1, 2))
    if network.buckets:
        bias = graph.node("Add", bias, _relative(graph, network, own["relative"]))
    for layer in range(network.layers):
        x = _layer(graph, network, jax.tree.map(lambda a, n=layer: a[n], params["layers"]), x, bias)
    return x


def _positions(graph, network):
    """Rows of the position table [B, T]; see models.bert.Embeddings."""
    if network.padding >= 0:
        other = graph.node("Not", graph.node("Equal", IDS, graph.whole(network.padding)))
        token = graph.node("Mul", MASK, graph.node("Cast", other, to=graph.onnx.TensorProto.INT64))
        behind = graph.node("CumSum", token, graph.constant(1, np.int64))
        behind = graph.node("Mul", behind, token)
        return graph.node("Add", behind, graph.whole(network.padding))
    ones = graph.node("CumSum", graph.node("Add", graph.node("Mul", IDS, graph.whole(0)),
                      graph.whole(1)), graph.constant(1, np.int64))  # fmt: skip
    places = graph.node("Sub", ones, graph.whole(1))
    first = graph.node("ArgMax", MASK, axis=1, keepdims=1)
    return graph.node("Max", graph.node("Sub", places, first), graph.whole(0))


def _relative(graph, network, table):
    """What relative positions add to all scores [1, heads, T, T]."""
    every = table[relative_buckets(network.longest)].transpose(2, 0, 1)[None]
    tokens = graph.node("Shape", IDS, start=1, end=2)
    ends = graph.node("Concat", tokens, tokens, axis=0)
    return graph.node("Slice", graph.constant(every), graph.whole(0, 0), ends, graph.whole(2, 3))


def _layer(graph, network, own, x, bias):
    heads, size = network.heads, network.width // network.heads

    def by_head(name, order):
        found = graph.node("Reshape", graph.dense(x, own[name]), graph.whole(0, 0, heads, size))
        return graph.node("Transpose", found, perm=order)

    query, value = (by_head(name, [0, 2, 1, 3]) for name in ("query", "value"))
    scores = graph.node("MatMul", query, by_head("key", [0, 2, 3, 1]))
    scores = graph.node("Mul", scores, graph.constant(size**-0.5))
    weights = graph.node("Softmax", graph.node("Add", scores, bias), axis=-1)
    found = graph.node("Transpose", graph.node("MatMul", weights, value), perm=[0, 2, 1, 3])
    found = graph.node("Reshape", found, graph.whole(0, 0, network.width))
    x = graph.node("Add", x, graph.dense(found, own["attended"]))
    x = graph.norm(x, own["attention_norm"], network.epsilon)
    wide = graph.gelu(graph.dense(x, own["inner"]))
    return graph.norm(graph.node("Add", x, graph.dense(wide, own["outer"])), own["norm"],
                      network.epsilon)  # fmt: skip


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
