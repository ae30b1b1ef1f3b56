"""A published PyTorch run repeated stage by stage, printing what it printed.

One generator draws everything, so the stages must come in the order of the original.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.people import explicit
from kd_jax.metrics import classification


class Replay(NamedTuple):
    """draws: a torch_random.Generator; splits: training and test; batch_size of every stage."""

    draws: Any
    splits: tuple
    batch_size: int

    def weights(self, sizes):
        """Parameters [1, …] of dense layers, drawn as PyTorch draws them."""
        return jax.tree.map(lambda x: x[None], self.draws.dense_layers(sizes))

    def stage(self, row, apply, loss_fn, rate, params, rows, epochs, own=None):
        """The parameters [1, …] after `epochs` over the training rows `rows`, in drawn orders.

        Prints four epochs' losses and both accuracies. Args: row: the name that is printed; apply:
        (params, inputs) -> (logits, features); the rest as for explicit.descend.
        """
        steps, padding = -(-len(rows) // self.batch_size), len(self.splits[0].labels)
        orders = np.array([
            [
                explicit.in_batches(
                    rows[self.draws.loader_order(len(rows))], steps, self.batch_size, padding
                )
                for _ in range(epochs)
            ]
        ])  # fmt: skip
        data = explicit.padded(self.splits[0])
        params, sums = explicit.descend(row, loss_fn, rate, params, data, orders, own)
        for epoch in range(0, epochs, epochs // 4):
            print(f"  {row}: epoch {epoch:4d}  loss {sums[epoch, 0]:.4f}")
        one = jax.tree.map(lambda x: x[0], params)
        accuracy = (
            float(classification.measure(apply(one, split.inputs)[0], split.labels)["accuracy"])
            for split in self.splits
        )
        print("  {}: accuracy {:.4f} train, {:.4f} test".format(row, *accuracy))
        return params
