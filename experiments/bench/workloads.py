"""The workloads of the benchmark: a network, its data, and how many of it are trained."""

from typing import NamedTuple

import numpy as np

LEARNING_RATE = 1e-3  # of Adam


class Workload(NamedTuple):
    """A training that every implementation does alike: Adam, cross-entropy or soft targets at T.

    hidden: widths of the dense layers; channels: of 3×3 convolutions before them, each followed by
    a 2×2 maximum; shape: of an input, and rows: how many of them are trained on; temperatures: one
    network for each and seed; empty: labels. dropout: of what follows each hidden layer.
    """

    name: str
    hidden: tuple[int, ...]
    batch: int = 128
    seeds: int = 1
    temperatures: tuple[float, ...] = ()
    channels: tuple[int, ...] = ()
    dropout: float = 0.0
    shape: tuple[int, ...] = (28, 28)
    rows: int = 60_000

    @property
    def networks(self):
        """How many are trained."""
        return self.seeds * max(1, len(self.temperatures))

    @property
    def steps(self):
        """Of an epoch."""
        return self.rows // self.batch

    def layers(self):
        """(places that its kernel is applied at, its parameters without biases) of each layer."""
        found, side, before = [], 28, 1
        for channels in self.channels:
            found.append((side * side, 9 * before * channels))
            side, before = side // 2, channels
        first = side * side * before if self.channels else int(np.prod(self.shape))
        widths = (first, *self.hidden, 10)
        return found + [(1, a * b) for a, b in zip(widths, widths[1:])]

    def sizes(self):
        """Of its parameter arrays: kernels and biases."""
        outputs = (*self.channels, *self.hidden, 10)
        return [parameters for _, parameters in self.layers()] + list(outputs)

    def multiply_adds(self):
        """Of one input forwards, in one network."""
        return sum(places * parameters for places, parameters in self.layers())

    def operations(self):
        """Floating-point operations of an epoch of one network.

        Two of each multiply-add; forwards, for the gradient of the parameters, and, but for the
        first layer, for that of the layer's inputs.
        """
        places, parameters = self.layers()[0]
        forwards = self.multiply_adds()
        return 2 * (3 * forwards - places * parameters) * self.steps * self.batch

    def traffic(self):
        """Bytes of an epoch of one network that no cache can hold back.

        Adam reads parameter, both means and gradient, and writes all but the last; the gathered
        batch is read and written once for all networks.
        """
        of_adam = 7 * 4 * sum(parameters for _, parameters in self.layers())
        of_batch = 2 * 4 * self.batch * int(np.prod(self.shape))
        return self.steps * (of_adam + of_batch / self.networks)


ARMS = (1.0, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0)
SMALL = Workload("student 784-20-20-10", (20, 20), temperatures=(3.0,))
MANY = Workload(
    "32 students 784-20-20-10", (20, 20), 128, 4, (1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 20.0)
)
TEACHER = Workload("teacher 784-1200-1200-10", (1200, 1200))
CONVNET = Workload("convnet, 4 and 8 channels", (), channels=(4, 8))
GRID_TEACHERS = Workload(
    "temperature grid: 5 teachers 100-100-100-100-10", (100, 100, 100), 100, 5, dropout=0.2,
    shape=(100,), rows=40_000,
)  # fmt: skip
GRID_STUDENTS = Workload(
    "temperature grid: 45 students 100-50-50-10", (50, 50), 100, 5, ARMS,
    shape=(100,), rows=40_000,
)  # fmt: skip
ALL = SMALL, MANY, TEACHER, CONVNET, GRID_TEACHERS, GRID_STUDENTS
BY_NAME = {workload.name: workload for workload in ALL}


def save(path, data, seed, rows=None):
    """Write the arrays that every implementation reads: a Dataset, or so many rows, and logits.

    The logits are made up, alike for all: 6 for the label, else noise of a normal distribution,
    drawn by the seed.
    """
    train, test = ({k: v[:rows] for k, v in s._asdict().items()} for s in (data.train, data.test))
    labels = train["labels"]
    logits = np.random.default_rng(seed).normal(size=(len(labels), 10)).astype(np.float32)
    logits[np.arange(len(labels)), labels] += 6
    test = {f"test_{name}": values for name, values in test.items()}
    np.savez(path, **train, **test, logits=logits)
