"""BERT and its relatives as nodes of an ONNX graph."""

from typing import Any

import jax
import numpy as np

from kd_jax.export import onnx_attention as attention
from kd_jax.export.onnx_graph import Graph
from kd_jax.models.bert import Bert, relative_buckets


def last_states(graph: Graph, network: Bert, params: Any, ids: str, mask: str) -> str:
    """The last hidden states [B, T, D].

    Args:
        graph: That the nodes are of.
        network: The encoder.
        params: Its parameters, as NumPy's arrays.
        ids: The name of tokens [B, T].
        mask: The name of whole numbers [B, T], 1 for a token.
    """
    own = params["embeddings"]
    x = graph.node("Gather", graph.constant(own["word"]), ids)
    places = _positions(graph, network, ids, mask)
    x = graph.node("Add", x, graph.node("Gather", graph.constant(own["position"]), places))
    if network.types:
        x = graph.node("Add", x, graph.constant(own["type"][0]))
    x = graph.norm(x, own["norm"], network.epsilon)
    bias = attention.bias(graph, attention.seen(graph, mask))
    if network.buckets:
        bias = graph.node("Add", bias, _relative(graph, network, own["relative"], ids))
    for layer in range(network.layers):
        x = _layer(graph, network, jax.tree.map(lambda a, n=layer: a[n], params["layers"]), x, bias)
    return x


def _positions(graph, network, ids, mask):
    """Rows of the position table [B, T]; see models.bert.Embeddings."""
    if network.padding >= 0:
        other = graph.node("Not", graph.node("Equal", ids, graph.whole(network.padding)))
        token = graph.node("Mul", mask, graph.node("Cast", other, to=graph.onnx.TensorProto.INT64))
        behind = graph.node("CumSum", token, graph.constant(1, np.int64))
        behind = graph.node("Mul", behind, token)
        return graph.node("Add", behind, graph.whole(network.padding))
    ones = graph.node("CumSum", graph.node("Add", graph.node("Mul", ids, graph.whole(0)),
                      graph.whole(1)), graph.constant(1, np.int64))  # fmt: skip
    places = graph.node("Sub", ones, graph.whole(1))
    first = graph.node("ArgMax", mask, axis=1, keepdims=1)
    return graph.node("Max", graph.node("Sub", places, first), graph.whole(0))


def _relative(graph, network, table, ids):
    """What relative positions add to all scores [1, heads, T, T]."""
    every = table[relative_buckets(network.longest)].transpose(2, 0, 1)[None]
    tokens = graph.node("Shape", ids, start=1, end=2)
    ends = graph.node("Concat", tokens, tokens, axis=0)
    return graph.node("Slice", graph.constant(every), graph.whole(0, 0), ends, graph.whole(2, 3))


def _layer(graph, network, own, x, bias):
    sizes = network.heads, network.width // network.heads
    axes = {
        "query": attention.OF_QUERIES, "key": attention.OF_KEYS, "value": attention.OF_QUERIES,
    }  # fmt: skip
    heads = [attention.by_head(graph, graph.dense(x, own[name]), sizes, axes[name])
             for name in axes]  # fmt: skip
    found = attention.attended(graph, heads, bias, sizes)
    x = graph.node("Add", x, graph.dense(found, own["attended"]))
    x = graph.norm(x, own["attention_norm"], network.epsilon)
    wide = graph.gelu(graph.dense(x, own["inner"]))
    x = graph.node("Add", x, graph.dense(wide, own["outer"]))
    return graph.norm(x, own["norm"], network.epsilon)
