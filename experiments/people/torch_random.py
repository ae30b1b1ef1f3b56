"""The random numbers that a PyTorch program draws on a CPU, without PyTorch.

PyTorch's CPU generator is the Mersenne Twister MT19937, seeded as NumPy's legacy generator is.
Every draw takes one or two of its 32-bit outputs, so a published run can be replayed from its
seed as long as the draws are made in the same order.
"""

import math

import numpy as np


class Generator:
    """torch.manual_seed(seed), and the draws of layers and data loaders."""

    def __init__(self, seed):
        self._bits = np.random.MT19937()
        # 32 bits of the seed, as torch's engine keeps them
        self._bits._legacy_seeding(seed & 0xFFFFFFFF)

    def draw(self, count):
        """`count` 32-bit outputs, as uint64."""
        return np.atleast_1d(self._bits.random_raw(count)).astype(np.uint64)

    def uniform(self, shape, bound):
        """float32 uniform on [−bound, bound): 24 bits of each output, as torch's uniform_."""
        bits = self.draw(math.prod(shape)) & np.uint64(2**24 - 1)
        unit = bits.astype(np.float32) * np.float32(2.0**-24)
        low, high = np.float32(-bound), np.float32(bound)
        return (unit * (high - low) + low).reshape(shape)

    def integer63(self):
        """A 64-bit draw, high word first, modulo 2^63: what random_() gives for int64."""
        high, low = (int(word) for word in self.draw(2))
        return (high << 32 | low) % 2**63

    def permutation(self, n):
        """torch.randperm(n): the swap of place i is with i + draw mod (n − i)."""
        order = np.arange(n)
        for i, word in enumerate(self.draw(n - 1)):
            other = i + int(word) % (n - i)
            order[i], order[other] = order[other], order[i]
        return order

    def loader_order(self, n):
        """The order of one epoch of a shuffling DataLoader over n rows.

        The loader draws its base seed, then the sampler's seed, and permutes by a generator of
        its own.
        """
        self.integer63()
        return Generator(self.integer63()).permutation(n)

    def dense_layers(self, widths):
        """Flax parameters of nn.Linear layers with Xavier-uniform weights and zero biases.

        Every nn.Linear first draws its default initialization, which is thrown away; then the
        weights are drawn anew layer by layer, in torch's (out, in) order.
        Source: Glorot and Bengio 2010: bound √(6 / (in + out)).
        """
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        for fan_in, fan_out in pairs:
            self.draw(fan_in * fan_out + fan_out)
        kernels = [
            self.uniform((fan_out, fan_in), math.sqrt(6 / (fan_in + fan_out))).T
            for fan_in, fan_out in pairs
        ]
        names = [f"hidden_{i}" for i in range(1, len(pairs))] + ["logits"]
        return {
            name: {"kernel": kernel, "bias": np.zeros(kernel.shape[1], np.float32)}
            for name, kernel in zip(names, kernels, strict=True)
        }
