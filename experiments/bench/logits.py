"""Forward KL from hidden states, with all logits at once and in chunks of tokens.

    python -m experiments.bench.logits REPEATS SEED

Printed: seconds of value and gradient, both in turns, and bytes that each compiled program holds
beside its arguments and results.
"""

import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

from experiments.bench.rows import CHUNKED, WHOLE
from kd_jax import losses
from kd_jax.training import keys

TOKENS, VOCABULARY, STUDENT, TEACHER = 512, 151_936, 256, 512  # the vocabulary is Qwen's


def whole(hidden_s, head_s, hidden_t, head_t):
    """The mean with the logits of all tokens in memory."""
    return jnp.mean(losses.forward_kl(hidden_s @ head_s, hidden_t @ head_t))


def chunked(hidden_s, head_s, hidden_t, head_t):
    """The mean with the logits of a chunk of tokens in memory."""
    return jnp.mean(losses.chunked(losses.forward_kl, hidden_s, head_s, hidden_t, head_t))


def arrays(tokens, vocabulary, seed):
    """Hidden states and heads of student and teacher, whose logits have variance 1."""
    random = np.random.default_rng(keys.number(seed, "draw", "logits"))
    shapes = [
        shape for width in (STUDENT, TEACHER) for shape in ((tokens, width), (width, vocabulary))
    ]
    found = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    return [jnp.asarray(x / len(x) ** 0.5 if n % 2 else x) for n, x in enumerate(found)]


def measure(repeats, seed, tokens=TOKENS, vocabulary=VOCABULARY):
    """{row: {"seconds": of each repeat, "temporary_bytes"}}."""
    given = arrays(tokens, vocabulary, seed)
    programs: dict = {
        row: jax.jit(jax.value_and_grad(loss, (0, 1))).lower(*given).compile()
        for row, loss in ((WHOLE, whole), (CHUNKED, chunked))
    }
    took = {row: [] for row in programs}
    for _ in range(repeats + 1):
        for row, program in programs.items():
            began = time.perf_counter()
            jax.block_until_ready(program(*given))
            took[row].append(time.perf_counter() - began)
    return {
        row: {
            "seconds": took[row][1:],  # in the first its memory is new
            "temporary_bytes": program.memory_analysis().temp_size_in_bytes,
        }
        for row, program in programs.items()
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
