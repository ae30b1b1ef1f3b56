"""Attention of encoders as nodes of an ONNX graph: heads, scores, and what is not seen."""

from collections.abc import Sequence

from kd_jax.export.onnx_graph import Graph

NEVER = -3.0e38  # of a score: its weight is 0
# Axes of [B, T, heads, H] as products of matrices take them.
OF_QUERIES = (0, 2, 1, 3)
OF_KEYS = (0, 2, 3, 1)


def seen(graph: Graph, mask: str) -> str:
    """Which tokens are seen [B, 1, 1, T], as truth values.

    Args:
        graph: That the nodes are of.
        mask: The name of whole numbers [B, T], 1 for a token.
    """
    found = graph.node("Cast", mask, to=graph.onnx.TensorProto.BOOL)
    return graph.node("Unsqueeze", found, graph.whole(1, 2))


def bias(graph: Graph, sees: str) -> str:
    """What is added to scores: 0 for what is seen.

    Args:
        graph: As for `seen`.
        sees: The name of truth values.
    """
    return graph.node("Where", sees, graph.constant(0.0), graph.constant(NEVER))


def by_head(graph: Graph, x: str, sizes: tuple[int, int], axes: Sequence[int] = OF_QUERIES) -> str:
    """Vectors [B, T, heads · H] by head.

    Args:
        graph: As for `seen`.
        x: Their name.
        sizes: (heads, H).
        axes: OF_QUERIES, of values too, or OF_KEYS.
    """
    found = graph.node("Reshape", x, graph.whole(0, 0, *sizes))
    return graph.node("Transpose", found, perm=list(axes))


def attended(graph: Graph, heads: Sequence[str], scores_bias: str, sizes: tuple[int, int]) -> str:
    """What the tokens attend to [B, T, heads · H].

    Args:
        graph: As for `seen`.
        heads: Names of queries, keys and values by head.
        scores_bias: The name of what is added to scores.
        sizes: (heads, H).
    """
    query, key, value = heads
    scores = graph.node("MatMul", query, key)
    scores = graph.node("Mul", scores, graph.constant(sizes[1] ** -0.5))
    weights = graph.node("Softmax", graph.node("Add", scores, scores_bias), axis=-1)
    found = graph.node("Transpose", graph.node("MatMul", weights, value), perm=list(OF_QUERIES))
    return graph.node("Reshape", found, graph.whole(0, 0, sizes[0] * sizes[1]))
