"""Peak rates of this machine: python -m experiments.bench.machine prints both."""

import json
import time

import jax
import jax.numpy as jnp
import numpy as np

SIDE, BYTES, REPEATS = 2048, 2**28, 7


def matmul_rate():
    """Floating-point operations per second of a product of two large float32 matrices."""
    a = jnp.cos(jnp.arange(SIDE**2, dtype=jnp.float32)).reshape(SIDE, SIDE)
    product = jax.jit(lambda x: x @ x)
    product(a).block_until_ready()
    return 2 * SIDE**3 / least(lambda: product(a).block_until_ready())


def copy_rate():
    """Bytes per second read and written by a copy that fits in no cache."""
    source = np.ones(BYTES // 4, np.float32)
    target = np.empty_like(source)
    return 2 * BYTES / least(lambda: np.copyto(target, source))


def least(job):
    """The least of REPEATS times, in seconds: what else the machine does only adds to it."""
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        job()
        took.append(time.perf_counter() - began)
    return min(took)


if __name__ == "__main__":
    print(json.dumps({"flops": matmul_rate(), "bytes": copy_rate()}))
