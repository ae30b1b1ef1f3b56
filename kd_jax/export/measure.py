"""Run an exported file and measure it: python measure.py student.stablehlo inputs.npz outputs.npz

inputs.npz holds the array "inputs" [N, …], or for text "ids" and "mask" [N, T]; outputs.npz will
hold "logits". The cost is printed as JSON: seconds of a batch of 1 and of 128 (medians of 50), and
the peak memory of the process in bytes. Needs jax and numpy for .stablehlo, onnxruntime
and numpy for .onnx, nothing else.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH = 128


def read(path: str) -> Callable[[dict], Any]:
    """The function {name: inputs} -> logits of an exported file."""
    if path.endswith(".onnx"):
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return lambda inputs: session.run(None, inputs)[0]
    import jax
    import jax.export

    with open(path, "rb") as file:
        call = jax.jit(jax.export.deserialize(bytearray(file.read())).call)
    return lambda inputs: np.asarray(call(inputs if len(inputs) > 1 else inputs["inputs"]))


def seconds(predict: Callable[[dict], Any], inputs: dict, repeats: int = 50) -> float:
    """Median seconds of predict(inputs), after two calls to warm up."""
    taken = []
    for _ in range(repeats + 2):
        began = time.perf_counter()
        predict(inputs)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken[2:]))


def predict_and_time(predict: Callable[[dict], Any], inputs: dict) -> tuple[Any, dict]:
    """Predict in batches, and measure the cost.

    Args:
        predict: {name: inputs} -> logits.
        inputs: {name: array [N, …]}.

    Returns:
        Logits [N, …], and {"seconds_1", "seconds_128", "peak_bytes"}.
    """
    count = len(next(iter(inputs.values())))
    batches = [
        {name: x[first : first + BATCH] for name, x in inputs.items()}
        for first in range(0, count, BATCH)
    ]
    logits = np.concatenate([predict(batch) for batch in batches])
    one = {name: x[:1] for name, x in inputs.items()}
    cost = {"seconds_1": seconds(predict, one), "seconds_128": seconds(predict, batches[0])}
    return logits, cost | {"peak_bytes": peak_bytes()}


def peak_bytes() -> int:
    """The peak memory of this process."""
    try:  # what getrusage says may be the parent's, which exec does not forget
        with open("/proc/self/status", encoding="utf-8") as file:
            (line,) = (line for line in file if line.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes where there is no /proc


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    exported, given, wanted = sys.argv[1:]
    with np.load(given) as stored:
        found, cost_of_it = predict_and_time(read(exported), dict(stored))
    np.savez(wanted, logits=found)
    print(json.dumps(cost_of_it))
