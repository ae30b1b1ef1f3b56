"""An ONNX graph that is built node by node, where a converter has no form for a network."""

import os
import pathlib
from typing import Any

import numpy as np

from kd_jax.errors import extra

OPSET, VERSION = 17, 8  # with LayerNormalization; of the file format, which older programs read too


class Graph:
    """Nodes and constants; every value is a name."""

    def __init__(self):
        """An empty graph."""
        with extra("export"):
            import onnx

        self.onnx: Any = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: Any, dtype: Any = np.float32) -> str:
        """The name of an array in the file.

        Args:
            array: Its numbers.
            dtype: As which they are written.
        """
        name = f"constant_{len(self.constants)}"
        held = np.ascontiguousarray(array, dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(held, name))
        return name

    def whole(self, *numbers: int) -> str:
        """The name of whole numbers, of axes or a shape."""
        return self.constant(numbers, np.int64)

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """The name of what an operator gives.

        Args:
            kind: Of the operator.
            *inputs: Names.
            name: Of the result; "" for a new one.
            **attributes: Of the operator.
        """
        name = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def dense(self, x: str, params: Any) -> str:
        """x · kernel + bias; the bias may be missing.

        Args:
            x: A name.
            params: Of a dense layer.
        """
        found = self.node("MatMul", x, self.constant(params["kernel"]))
        return self.node("Add", found, self.constant(params["bias"])) if "bias" in params else found

    def norm(self, x: str, params: Any, epsilon: float) -> str:
        """A layer normalization of the last axis; the bias may be missing.

        Args:
            x: A name.
            params: Of the normalization.
            epsilon: Its ε.
        """
        own = [self.constant(params[name]) for name in ("scale", "bias") if name in params]
        return self.node("LayerNormalization", x, *own, axis=-1, epsilon=epsilon)

    def gelu(self, x: str) -> str:
        """x Φ(x).

        Args:
            x: A name.
        """
        erf = self.node("Erf", self.node("Mul", x, self.constant(0.5**0.5)))
        half = self.node("Mul", x, self.constant(0.5))
        return self.node("Mul", half, self.node("Add", erf, self.constant(1)))

    def write(
        self, path: str | os.PathLike, inputs: dict[str, list], outputs: dict[str, list]
    ) -> None:
        """Write the graph.

        Args:
            path: Of the file.
            inputs: {name: its axes, names of those of any size}; whole numbers.
            outputs: Likewise; float32.
        """
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        given = [
            helper.make_tensor_value_info(x, kinds.INT64, shape) for x, shape in inputs.items()
        ]
        found = [
            helper.make_tensor_value_info(x, kinds.FLOAT, shape) for x, shape in outputs.items()
        ]
        graph = helper.make_graph(self.nodes, "encoder", given, found, self.constants)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=VERSION)
        self.onnx.checker.check_model(model)
        pathlib.Path(path).write_bytes(model.SerializeToString())
