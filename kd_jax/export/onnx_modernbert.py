"""ModernBERT as nodes of an ONNX graph: rotary positions, local and global attention, GeGLU."""

from typing import Any

import jax
import numpy as np

from kd_jax.export import onnx_attention as attention
from kd_jax.export.onnx_graph import Graph
from kd_jax.models.modernbert import ModernBert


def last_states(graph: Graph, network: ModernBert, params: Any, ids: str, mask: str) -> str:
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
    x = graph.norm(x, own["norm"], network.epsilon)
    places = _places(graph, ids)
    sees = attention.seen(graph, mask)
    kinds = {
        False: (attention.bias(graph, sees), _rotary(graph, network, places, network.theta)),
        True: (
            attention.bias(graph, graph.node("And", sees, _near(graph, network, places))),
            _rotary(graph, network, places, network.local_theta),
        ),
    }
    for number, local in enumerate(network.local):
        layer = jax.tree.map(lambda a, n=number: a[n], params["layers"])
        # the embeddings are normalized already: the norm of the first layer is not used
        y = graph.norm(x, layer["attention_norm"], network.epsilon) if number else x
        x = graph.node("Add", x, _attended(graph, network, layer, y, *kinds[local]))
        y = graph.norm(x, layer["inner_norm"], network.epsilon)
        x = graph.node("Add", x, _inner(graph, layer, y))
    return graph.norm(x, params["norm"], network.epsilon)


def _places(graph, ids):
    """0, 1, … of the tokens [T], padding among them."""
    tokens = graph.node("Shape", ids, start=1, end=2)
    count = graph.node("Squeeze", tokens, graph.whole(0))
    return graph.node("Range", graph.constant(0, np.int64), count, graph.constant(1, np.int64))


def _near(graph, network, places):
    """Whether a token is in the window of another [T, T]."""
    across, down = (graph.node("Unsqueeze", places, graph.whole(axis)) for axis in (0, 1))
    apart = graph.node("Abs", graph.node("Sub", across, down))
    return graph.node("LessOrEqual", apart, graph.constant(network.window, np.int64))


def _rotary(graph, network, places, theta):
    """Cosines and sines [T, H/2] of models.attention.rotary_embedding."""
    size = network.width // network.heads
    frequencies = graph.constant(theta ** (-np.arange(0, size, 2) / size))
    numbers = graph.node("Cast", places, to=graph.onnx.TensorProto.FLOAT)
    angles = graph.node("Mul", graph.node("Unsqueeze", numbers, graph.whole(1)), frequencies)
    return graph.node("Cos", angles), graph.node("Sin", angles)


def _turned(graph, x, rotary, half):
    """Queries or keys [B, heads, T, H], turned by their places."""
    cos, sin = rotary
    first, second = (
        graph.node("Slice", x, graph.whole(begin), graph.whole(begin + half), graph.whole(3))
        for begin in (0, half)
    )

    def sum_of(kind, a, b):
        return graph.node(kind, graph.node("Mul", *a), graph.node("Mul", *b))

    both = sum_of("Sub", (first, cos), (second, sin)), sum_of("Add", (second, cos), (first, sin))
    return graph.node("Concat", *both, axis=-1)


def _attended(graph, network, layer, y, bias, rotary):
    sizes = network.heads, network.width // network.heads
    parts = [{"kernel": kernel} for kernel in np.split(layer["qkv"]["kernel"], 3, axis=1)]
    heads = [attention.by_head(graph, graph.dense(y, part), sizes) for part in parts]
    query, key = (_turned(graph, x, rotary, sizes[1] // 2) for x in heads[:2])
    key = graph.node("Transpose", key, perm=[0, 1, 3, 2])
    found = attention.attended(graph, (query, key, heads[2]), bias, sizes)
    return graph.dense(found, layer["attended"])


def _inner(graph, layer, y):
    """The gated feed-forward net."""
    wide, gate = (
        graph.dense(y, {"kernel": kernel})
        for kernel in np.split(layer["inner"]["kernel"], 2, axis=1)
    )
    return graph.dense(graph.node("Mul", graph.gelu(wide), gate), layer["outer"])
