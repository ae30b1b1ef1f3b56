"""The device mesh: where members and batches lie. What is computed does not depend on it.

A training is a grid of members [seeds S, arms A], and each of them sees batches [B, …]. A mesh has
two axes: `members` splits the grid, by seeds or else by arms, and `data` splits every batch, whose
gradients XLA then sums, and with it the large parameters of each member and what the optimizer
stores of them.
"""

import contextlib
import functools
import os
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from kd_jax.errors import InputError, brief, require

AXES = "members", "data"
LARGE = 2**20  # numbers in a parameter that is worth splitting; it is gathered to be used
ENOUGH = 0.75  # of the time on one device: members are not spread for less of a gain
turn = threading.RLock()  # held while programs of several devices run: two would mix up their parts


def parse(text: str, devices: int) -> dict[str, int]:
    """The sizes of the mesh's axes.

    Args:
        text: like "members:4,data:2"; "" puts members over all devices.
        devices: how many there are.

    Returns:
        {"members": m, "data": d}.

    Raises:
        InputError: an axis is unknown, or m · d is not the number of devices.
    """
    sizes = dict.fromkeys(AXES, 1) if text else {"members": devices, "data": 1}
    for part in text.split(",") if text else ():
        name, _, size = part.partition(":")
        known = name in AXES and size.isdecimal() and int(size) > 0
        require(known, f"--mesh={text}: '{part}' is unknown; expected like members:4,data:2")
        sizes[name] = int(size)
    count = sizes["members"] * sizes["data"]
    require(count == devices, f"--mesh={text} is of {count} devices: there are {devices}")
    return sizes


def found() -> list[jax.Device]:
    """JAX's devices.

    Raises:
        InputError: it finds none of the kind that JAX_PLATFORMS asks for.
    """
    try:
        return jax.devices()
    except (RuntimeError, AssertionError) as error:  # the latter of a kind that is not installed
        known = "JAX_PLATFORMS", "JAX_PLATFORM_NAME", "XLA_FLAGS"
        asked = " ".join(f"{name}={os.environ[name]}" for name in known if os.environ.get(name))
        why = f" ({brief(error)})" if str(error) else ""
        raise InputError(
            f"{asked or 'JAX'}: JAX finds no such device{why}; unset it, or install JAX for it as "
            "README says"
        ) from None


def spread_over_cores() -> None:
    """Make every core of a CPU a device of its own, before the first use of JAX.

    Programs of many small members keep one core busy; with a device each, all cores have members
    of their own, which is 1.6 times as fast on two. JAX_NUM_CPU_DEVICES, when set, wins.
    """
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        known = getattr(os, "sched_getaffinity", None)  # not on every system
        cores = len(known(0)) if known else os.cpu_count()
        with contextlib.suppress(RuntimeError):  # JAX was used already: it stays with one device
            jax.config.update("jax_num_cpu_devices", cores)


@functools.lru_cache(maxsize=64)
def _mesh(devices, members):
    grid = np.array(devices).reshape(members, -1)
    return jax.sharding.Mesh(grid, AXES, (AxisType.Auto,) * 2)


def everywhere(tree: Any) -> Any:
    """Leaves that every process has, as arrays that the processes can write together."""
    if jax.process_count() == 1:
        return jax.device_put(tree)
    sharding = NamedSharding(_mesh(tuple(jax.devices()), 1), P())
    return jax.tree.map(lambda x: _across_processes(x, sharding), tree)


class GridLayout(NamedTuple):
    """Where the grid [S, A] of a training lies: a mesh and which of the two axes it splits.

    padded: seeds after the last ones are repeated to fill the mesh, where neither axis divides.
    """

    mesh: jax.sharding.Mesh | None
    axis: int
    seeds: int
    padded: int

    def turn(self) -> contextlib.AbstractContextManager:
        """A context in which to run a program of this layout."""
        return turn if self.mesh else contextlib.nullcontext()

    def grid(self, tree: Any) -> Any:
        """Leaves [S, A, …] on the devices of their members; large ones are split over `data`."""
        return jax.tree.map(lambda x: self._put(x, self._spec(x)), self._pad(tree))

    def curves(self, tree: Any) -> Any:
        """Leaves [epochs, S, A], seeds added, on every device."""
        return self._put(self._pad(tree, axis=1), P())

    def by_seed(self, tree: Any) -> Any:
        """Leaves [S, …] on the devices of their seeds."""
        return self._put(self._pad(tree), P() if self.axis else P("members"))

    def shared(self, tree: Any) -> Any:
        """Leaves on every device."""
        return self._put(tree, P())

    def batches(self, indices: jax.Array) -> jax.Array:
        """Indices [steps, (S,) B], each batch split over the data axis; to be called in jit."""
        if self.mesh is None:
            return indices
        seeds = [None if self.axis else "members"] if indices.ndim == 3 else []
        split = P(None, *seeds, "data")
        return jax.lax.with_sharding_constraint(indices, NamedSharding(self.mesh, split))

    def outputs(self, state: Any) -> tuple[Any, NamedSharding] | None:
        """The shardings of (state, curves), for jit."""
        if self.mesh is None:
            return None
        return jax.tree.map(lambda x: x.sharding, state), NamedSharding(self.mesh, P())

    def part(self, size: int) -> slice:
        """The slice of a batch of so many rows that this process's devices need."""
        if self.mesh is None:
            return slice(0, size)
        split = NamedSharding(self.mesh, P("data")).addressable_devices_indices_map((size,))
        bounds = [rows.indices(size)[:2] for (rows,) in filter(None, split.values())]
        return slice(min(first for first, _ in bounds), max(last for _, last in bounds))

    def batch(self, tree: Any, size: int) -> Any:
        """Batches [K, B, …] split over the data axis, from this process's part of their rows."""
        if self.mesh is None:
            return tree
        split = NamedSharding(self.mesh, P(None, "data"))
        return jax.tree.map(
            lambda x: jax.make_array_from_process_local_data(
                split, x, (len(x), size, *x.shape[2:])
            ),
            tree,
        )

    def collect(self, tree: Any, axis: int = 0) -> Any:
        """The whole leaves [S, …] (or with S at `axis`) on this process's first device."""
        if self.mesh is None:
            return tree
        with turn:
            whole = jax.block_until_ready(_gather(self.mesh, self.seeds, axis)(tree))
        return jax.tree.map(lambda x: x.addressable_data(0), whole)

    def _spec(self, x):
        """Of a leaf [S, A, …]; of a large one the longest axis that divides lies over `data`."""
        spec = [None] * self.axis + ["members"] + [None] * (x.ndim - 1 - self.axis)
        parts = self.mesh.shape["data"] if self.mesh else 1
        if parts > 1 and np.prod(x.shape[2:]) >= LARGE:
            fitting = [n for n in range(2, x.ndim) if x.shape[n] % parts == 0]
            if fitting:
                spec[max(fitting, key=lambda n: x.shape[n])] = "data"
        return P(*spec)

    def _pad(self, tree, axis=0):
        if self.mesh is None or self.padded == self.seeds:
            return tree
        rows = (slice(None),) * axis + (np.minimum(np.arange(self.padded), self.seeds - 1),)
        return jax.tree.map(lambda x: jnp.asarray(x)[rows], tree)

    def _put(self, tree, spec):
        if self.mesh is None:
            return jax.device_put(tree)  # jnp.asarray would compile a program for each shape
        sharding = NamedSharding(self.mesh, spec)
        if jax.process_count() == 1:
            return jax.device_put(tree, sharding)
        return jax.tree.map(lambda x: _across_processes(x, sharding), tree)


@functools.lru_cache(maxsize=64)
def _gather(mesh, seeds, axis):
    """The compiled gathering of leaves with S at `axis`; cached to compile once."""
    cut = (slice(None),) * axis + (slice(seeds),)
    everywhere = NamedSharding(mesh, P())
    return jax.jit(lambda t: jax.tree.map(lambda x: x[cut], t), out_shardings=everywhere)


def _across_processes(x, sharding):
    """The array that every process has whole, laid over the devices of all."""
    if jax.dtypes.issubdtype(getattr(x, "dtype", None), jax.dtypes.prng_key):
        data = _across_processes(jax.random.key_data(x), sharding)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(x))
    here = np.asarray(x)
    return jax.make_array_from_callback(here.shape, sharding, lambda index: here[index])


def layout(seeds: int, arms: int, devices: Sequence[jax.Device], mesh: str = "") -> GridLayout:
    """Where a grid [S, A] of members lies.

    Args:
        seeds: S.
        arms: A.
        devices: those that there are, of all processes.
        mesh: as for `parse`. Where there is one process, "" takes as many devices as the members
            fill evenly.

    Raises:
        InputError: see `parse`.
    """
    members = parse(mesh, len(devices))["members"]
    if not mesh and jax.process_count() == 1:
        members, axis = _devices_filled(seeds, arms, len(devices))
        devices = devices[:members]
    else:
        axis = 1 if seeds % members and arms % members == 0 else 0
    if len(devices) == 1:
        return GridLayout(None, 0, seeds, seeds)
    padded = seeds if axis else _filled(seeds, members)
    return GridLayout(_mesh(tuple(devices), members), axis, seeds, padded)


def _filled(seeds, parts):
    return -(-seeds // parts) * parts


def _devices_filled(seeds, arms, devices):
    """(devices, axis) that a grid is done soonest on: its seeds, filled up, or arms that divide."""
    found = [(1.0, 1, 0)]
    for parts in range(2, devices + 1):
        found.append((_filled(seeds, parts) / seeds / parts, parts, 0))
        if arms % parts == 0:
            found.append((1 / parts, parts, 1))
    share, parts, axis = min(found)
    return (parts, axis) if share <= ENOUGH else (1, 0)
