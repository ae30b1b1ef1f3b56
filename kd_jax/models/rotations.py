"""Rotations of queries and keys by their positions: the base, and how longer texts scale it."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Linear(NamedTuple):
    """Positions are divided by a factor.

    Attributes:
        factor: How many times as long texts may be.

    Source:
        Chen et al. 2023, arXiv 2306.15595, equation 4.
    """

    factor: float

    def apply(
        self, frequencies: Float[np.ndarray, " h"], theta: float
    ) -> tuple[Float[np.ndarray, " h"], float]:
        """(The scaled inverse frequencies, what cosines and sines are multiplied by)."""
        return frequencies / self.factor, 1.0


class Llama3(NamedTuple):
    """Waves longer than the texts before are slowed down by a factor, short ones left alone.

    Attributes:
        factor: How many times slower long waves are.
        low: Waves longer than original / low are slowed down.
        high: Waves shorter than original / high are left alone; between them is a mean.
        original: Tokens of the longest text before.

    Source:
        Grattafiori et al. 2024, arXiv 2407.21783, section 3.4.2, and Meta's code of Llama 3.1.
    """

    factor: float
    low: float
    high: float
    original: int

    def apply(
        self, frequencies: Float[np.ndarray, " h"], theta: float
    ) -> tuple[Float[np.ndarray, " h"], float]:
        """(The scaled inverse frequencies, what cosines and sines are multiplied by)."""
        turns = self.original * frequencies / (2 * math.pi)  # within a text of before
        kept = np.clip((turns - self.low) / (self.high - self.low), 0, 1)
        return frequencies * (kept + (1 - kept) / self.factor), 1.0


class Yarn(NamedTuple):
    """YaRN: few turns within a text are slowed down by a factor, many are left alone.

    Attributes:
        factor: How many times slower.
        original: Tokens of the longest text before.
        fast: Pairs with more turns within such a text are left alone.
        slow: Pairs with fewer are slowed down; between them is a ramp over the pairs.
        magnitude: What cosines and sines are multiplied by.
        truncate: Whether the ramp begins and ends at whole pairs.

    Source:
        Peng et al. 2023, arXiv 2309.00071, section 3.2, and its code.
    """

    factor: float
    original: int
    fast: float = 32.0
    slow: float = 1.0
    magnitude: float = 1.0
    truncate: bool = True

    def apply(
        self, frequencies: Float[np.ndarray, " h"], theta: float
    ) -> tuple[Float[np.ndarray, " h"], float]:
        """(The scaled inverse frequencies, what cosines and sines are multiplied by)."""
        half = len(frequencies)

        def pair(turns):  # which pair, counted in halves too, turns so often within a text
            return half * math.log(self.original / (turns * 2 * math.pi)) / math.log(theta)

        first, last = pair(self.fast), pair(self.slow)
        if self.truncate:
            first, last = math.floor(first), math.ceil(last)
        first, last = max(first, 0), min(last, 2 * half - 1)
        ramp = (np.arange(half) - first) / (last - first or 0.001)
        slowed = np.clip(ramp, 0, 1)
        return frequencies * (1 - slowed + slowed / self.factor), self.magnitude


class Rotation(NamedTuple):
    """How the queries and keys of a layer turn with their positions.

    Attributes:
        theta: Base of the frequencies.
        scaling: Linear, Llama3, Yarn, or None: as they are.
    """

    theta: float = 10000.0
    scaling: Linear | Llama3 | Yarn | None = None

    def frequencies(self, head_dim: int) -> tuple[Float[np.ndarray, " h"], float]:
        """The inverse frequencies of H/2 pairs, and what cosines and sines are multiplied by.

        Args:
            head_dim: Width of a head, H.
        """
        plain = self.theta ** (-np.arange(0, head_dim, 2) / head_dim)
        return (plain, 1.0) if self.scaling is None else self.scaling.apply(plain, self.theta)
