"""What is measured: a network, its data, and how many of it are trained."""

from typing import NamedTuple

import numpy as np

RATE = 1e-3  # of Adam


class Work(NamedTuple):
    """A training that every contender does alike: Adam, cross-entropy or soft targets at T.

    hidden: widths of the dense layers; channels: of 3×3 convolutions before them, each followed by
    a 2×2 maximum; temperatures: one network for each and seed; empty: labels.
    """

    name: str
    hidden: tuple[int, ...]
    batch: int = 128
    seeds: int = 1
    temperatures: tuple[float, ...] = ()
    channels: tuple[int, ...] = ()

    @property
    def networks(self):
        """How many are trained."""
        return self.seeds * max(1, len(self.temperatures))

    def multiply_adds(self):
        """Of one image forwards, in one network."""
        total, side, before = 0, 28, 1
        for channels in self.channels:
            total += side * side * 9 * before * channels
            side, before = side // 2, channels
        widths = (side * side * before, *self.hidden, 10)
        return total + sum(a * b for a, b in zip(widths, widths[1:]))


SMALL = Work("student 784-20-20-10", (20, 20), temperatures=(3.0,))
MANY = Work(
    "32 students 784-20-20-10", (20, 20), 128, 4, (1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 20.0)
)
TEACHER = Work("teacher 784-1200-1200-10", (1200, 1200))
CONVNET = Work("convnet, 4 and 8 channels", (), channels=(4, 8))
WORKS = {work.name: work for work in (SMALL, MANY, TEACHER, CONVNET)}


def save(path, data):
    """Write the arrays that every contender reads: MNIST and a teacher's logits.

    The logits are made up, alike for all: 6 for the label, noise of a normal distribution else.
    """
    train, test = data.train, data.test
    logits = np.random.default_rng(0).normal(size=(len(train.labels), 10)).astype(np.float32)
    logits[np.arange(len(logits)), train.labels] += 6
    np.savez(
        path, inputs=train.inputs, labels=train.labels, logits=logits,
        test_inputs=test.inputs, test_labels=test.labels,
    )  # fmt: skip
