"""Cost of a network: parameters, multiply-adds, bytes, latency."""

import math
import time
from collections.abc import Callable, Sequence

import jax
import numpy as np
from jax.extend.core import jaxprs_in_params
from jaxtyping import PyTree, Shaped


def parameters(params: PyTree) -> int:
    """Number of parameters.

    Args:
        params: Arrays or their shapes.

    Returns:
        How many numbers they are.
    """
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def size_bytes(params: PyTree) -> int:
    """Bytes of the parameters as they are stored.

    Args:
        params: Arrays or their shapes.

    Returns:
        Bytes.
    """
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(params))


def multiply_adds(function: Callable, *arguments: PyTree) -> int:
    """Multiply-adds of every matrix product and convolution that function(*arguments) performs.

    A product [M, K] × [K, N] counts M·K·N; a convolution counts its outputs times the kernel
    elements that each output reads. The body of a scan counts once per iteration.

    Args:
        function: A function that JAX can trace.
        *arguments: Arrays or their shapes.

    Returns:
        The count.
    """
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def summary(
    apply: Callable, variables: dict, inputs: Shaped[np.ndarray, "N ..."]
) -> dict[str, float]:
    """Parameters, bytes, multiply-adds per example and seconds per batch of one network.

    Args:
        apply: (variables, inputs [B, …]) -> anything.
        variables: Of the network: {"params", "state"}.
        inputs: At least 128 examples.

    Returns:
        {"parameters", "multiply_adds", "bytes", "seconds_1", "seconds_128"}.
    """
    return {
        "parameters": parameters(variables["params"]),
        "multiply_adds": multiply_adds(apply, variables, inputs[:1]),
        "bytes": size_bytes(variables),
        "seconds_1": latency(apply, variables, inputs[:1]),
        "seconds_128": latency(apply, variables, inputs[:128]),
    }


def summaries(
    networks: dict[str, tuple[Callable, PyTree]], inputs: Shaped[np.ndarray, "N ..."]
) -> dict[str, dict[str, float]]:
    """The `summary` of several networks on the same inputs.

    Args:
        networks: {name: (apply, variables)}.
        inputs: As for `summary`.

    Returns:
        {name: summary}.
    """
    return {name: summary(apply, params, inputs) for name, (apply, params) in networks.items()}


def _count(jaxpr):
    total = 0
    for equation in jaxpr.eqns:
        shapes = [v.aval.shape for v in equation.invars]
        outputs = math.prod(equation.outvars[0].aval.shape) if equation.outvars else 0
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            total += outputs * math.prod(shapes[0][axis] for axis in contracted)
        elif equation.primitive.name == "conv_general_dilated":
            out_axis = equation.params["dimension_numbers"].rhs_spec[0]
            total += outputs * math.prod(shapes[1]) // shapes[1][out_axis]
        times = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        total += times * sum(_count(inner) for inner in jaxprs_in_params(equation.params))
    return total


def latency(function: Callable, params: PyTree, inputs: PyTree, *, repeats: int = 50) -> float:
    """Median latency of one jitted call, after two to warm up.

    Args:
        function: Called as function(params, inputs).
        params: Its first argument.
        inputs: Its second argument.
        repeats: How many calls are timed.

    Returns:
        Seconds.
    """
    compiled = jax.jit(function)
    seconds = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        jax.block_until_ready(compiled(params, inputs))
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds[2:]))


def in_turns(work: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The seconds that each of several functions takes, which take turns.

    What else the machine does meanwhile slows all of them, so that ratios hold.

    Args:
        work: Functions, each called once before, as it may compile.
        rounds: Turns of each, of which the median counts.
    """
    for each in work:
        each()
    seconds = np.zeros((rounds, len(work)))
    for row in seconds:
        for column, each in enumerate(work):
            began = time.perf_counter()
            each()
            row[column] = time.perf_counter() - began
    return np.median(seconds, 0).tolist()
