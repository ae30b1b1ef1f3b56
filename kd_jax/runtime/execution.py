"""How trainings are carried out: devices, memory, compilation, snapshots, event files.

One value, handed to every training. What is computed does not depend on it.
"""

import contextlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from kd_jax.runtime import compilation, devices, progress
from kd_jax.runtime.devices import GridLayout
from kd_jax.runtime.events import Events


class Execution(NamedTuple):
    """How a training is carried out; the default is that of a library call.

    Attributes:
        mesh: like "members:4,data:2", see devices.parse; "" leaves each training as many devices
            as its members fill evenly.
        members_per_chunk: networks that are trained at once at most; 0: what the memory holds.
        fast_compile: whether to leave XLA's optimizations out.
        snapshots: what the training is saved to and resumed from, with restore(like) -> (epochs
            done, tree) or None, due(), part(name) and save(epochs done, tree); None for nothing.
        events: where curves are written for TensorBoard.
        devices: those that it may use (default: all).
    """

    mesh: str = ""
    members_per_chunk: int = 0
    fast_compile: bool = False
    snapshots: Any = None
    events: Events | None = None
    devices: Sequence[jax.Device] | None = None

    def part(self, name: str) -> "Execution":
        """The Execution of a part of a training, which has snapshots of its own."""
        return self._replace(snapshots=self.snapshots and self.snapshots.part(name))

    def layout(self, seeds: int, arms: int) -> GridLayout:
        """Where a grid [S, A] of members lies."""
        return devices.layout(seeds, arms, self.devices or jax.devices(), self.mesh)

    def bar(
        self, label: str, epochs: int, unit: str = "epoch", each: int = 1
    ) -> contextlib.AbstractContextManager:
        """A progress bar of a training, which writes its events too; see progress.bar."""
        return progress.bar(label, epochs, unit, events=self.events, each=each)

    def compiler_options(self) -> dict[str, Any] | None:
        """Options of jax.jit for the training's program."""
        return compilation.quick_options() if self.fast_compile else None


DEFAULT = Execution()
