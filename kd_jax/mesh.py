"""Devices and hosts: where members and batches lie. What is computed does not depend on it.

A training is a grid of members [seeds S, arms A], and each of them sees batches [B, …]. A mesh has
two axes: `members` splits the grid, by seeds or else by arms, and `data` splits every batch, whose
gradients XLA then sums, and with it the large parameters of each member and what the optimiser
keeps of them. Several hosts run the same command; all compute, the first one writes.
"""

import functools
import os
import re
import sys
import traceback
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from kd_jax.errors import InputError, require

AXES = "members", "data"
LARGE = 2**20  # numbers in a parameter that is worth splitting; it is gathered to be used
_current = []  # the mesh of this process, where there is more than one device


def parse(text, devices):
    """{"members": m, "data": d} from "members:4,data:2"; "" puts members over all devices.

    Raises: InputError unless the axes are these and m · d is the number of devices.
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


def use(text=""):
    """Lay every later training of this process on a mesh of all devices of all hosts."""
    sizes = parse(text, len(jax.devices()))
    _current.clear()
    if len(jax.devices()) > 1:
        _current.append(jax.make_mesh(tuple(sizes.values()), AXES, (AxisType.Auto,) * 2))


def join(coordinator, hosts, host):
    """Connect the hosts of one run. "auto" asks the cluster (SLURM, TPU pods, GKE) who they are.

    Args: coordinator: "address:port" of the first host, or "" for a run on one host.
    Raises: InputError when they do not find each other within a minute.
    """
    if not coordinator:
        return
    known = {} if coordinator == "auto" else {
        "coordinator_address": coordinator, "num_processes": hosts, "process_id": host,
    }  # fmt: skip
    try:
        jax.distributed.initialize(**known, initialization_timeout=60, heartbeat_timeout_seconds=20)
    except (RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f"--coordinator={coordinator}: the hosts did not find each other ({first}); start the "
            "same command on each of them, with its own --host"
        ) from None


def leave(error):
    """End this process, one of several, after an error; the usual end would wait for the others.

    An error that begins with a status of XLA (UNAVAILABLE: …) means that another host is gone: one
    line says so. With one host nothing is done.
    """
    if jax.process_count() == 1:
        return
    if re.match(r"[A-Z_]+: ", str(error)):
        first = str(error).splitlines()[0][:160]
        print(
            f"error: another host of this run was lost ({first}): give the same command on every "
            "host again, it goes on where it was",
            file=sys.stderr,
        )
    else:
        traceback.print_exception(error)
    stop(1)


def stop(code):
    """End this process at once where it is one of several, whose usual end waits for the others."""
    sys.stderr.flush()
    if jax.process_count() > 1:
        os._exit(code)
    sys.exit(code)


def first_host():
    """Whether this process is the one that writes and prints."""
    return jax.process_index() == 0


def agreed(value):
    """The first host's value of a number or truth that the hosts may see differently."""
    if jax.process_count() == 1:
        return value
    return multihost_utils.broadcast_one_to_all(np.asarray(value)).item()


def wait(name):
    """Return when every host has come to this point."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def everywhere(tree):
    """Leaves that every host has, as arrays that the hosts can write together."""
    if jax.process_count() == 1:
        return jax.tree.map(jnp.asarray, tree)
    sharding = NamedSharding(_current[0], P())
    return jax.tree.map(lambda x: _across_hosts(x, sharding), tree)


def is_split():
    """Whether trainings lie on several devices, so that two at a time would wait for each other."""
    return bool(_current)


class Layout(NamedTuple):
    """Where the grid [S, A] of a training lies: a mesh and which of the two axes it splits.

    padded: seeds after the last ones are repeated to fill the mesh, where neither axis divides.
    """

    mesh: jax.sharding.Mesh | None
    axis: int
    seeds: int
    padded: int

    def grid(self, tree):
        """Leaves [S, A, …] on the devices of their members; large ones are split over `data`."""
        return jax.tree.map(lambda x: self._put(x, self._spec(x)), self._pad(tree))

    def curves(self, tree):
        """Leaves [epochs, S, A], seeds added, on every device."""
        return self._put(self._pad(tree, axis=1), P())

    def by_seed(self, tree):
        """Leaves [S, …] on the devices of their seeds."""
        return self._put(self._pad(tree), P() if self.axis else P("members"))

    def shared(self, tree):
        """Leaves on every device."""
        return self._put(tree, P())

    def batches(self, indices):
        """Indices [steps, (S,) B], each batch split over the data axis; to be called in jit."""
        if self.mesh is None:
            return indices
        seeds = [None if self.axis else "members"] if indices.ndim == 3 else []
        split = P(None, *seeds, "data")
        return jax.lax.with_sharding_constraint(indices, NamedSharding(self.mesh, split))

    def outputs(self, state):
        """The shardings of (state, curves), for jit."""
        if self.mesh is None:
            return None
        return jax.tree.map(lambda x: x.sharding, state), NamedSharding(self.mesh, P())

    def part(self, size):
        """The slice of a batch of so many rows that this host's devices need."""
        if self.mesh is None:
            return slice(0, size)
        split = NamedSharding(self.mesh, P("data")).addressable_devices_indices_map((size,))
        bounds = [rows.indices(size)[:2] for (rows,) in split.values()]
        return slice(min(first for first, _ in bounds), max(last for _, last in bounds))

    def batch(self, tree, size):
        """Batches [K, B, …] split over the data axis, from this host's part of their rows."""
        if self.mesh is None:
            return tree
        split = NamedSharding(self.mesh, P(None, "data"))
        return jax.tree.map(
            lambda x: jax.make_array_from_process_local_data(
                split, x, (len(x), size, *x.shape[2:])
            ),
            tree,
        )

    def collect(self, tree, axis=0):
        """The whole leaves [S, …] (or with S at `axis`) on this host's first device."""
        if self.mesh is None:
            return tree
        whole = _gather(self.mesh, self.seeds, axis)(tree)
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
            return jax.tree.map(jnp.asarray, tree)
        sharding = NamedSharding(self.mesh, spec)
        if jax.process_count() == 1:
            return jax.device_put(tree, sharding)
        return jax.tree.map(lambda x: _across_hosts(x, sharding), tree)


@functools.lru_cache(maxsize=64)
def _gather(mesh, seeds, axis):
    """The compiled gathering of leaves with S at `axis`; kept, so that a training compiles once."""
    cut = (slice(None),) * axis + (slice(seeds),)
    everywhere = NamedSharding(mesh, P())
    return jax.jit(lambda t: jax.tree.map(lambda x: x[cut], t), out_shardings=everywhere)


def _across_hosts(x, sharding):
    """The array that every host has whole, laid over the devices of all."""
    if jax.dtypes.issubdtype(getattr(x, "dtype", None), jax.dtypes.prng_key):
        data = _across_hosts(jax.random.key_data(x), sharding)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(x))
    here = np.asarray(x)
    return jax.make_array_from_callback(here.shape, sharding, lambda index: here[index])


def layout(seeds, arms):
    """The Layout of a grid [S, A] on this process's mesh."""
    if not _current:
        return Layout(None, 0, seeds, seeds)
    parts = _current[0].shape["members"]
    axis = 1 if seeds % parts and arms % parts == 0 else 0
    padded = seeds if axis else -(-seeds // parts) * parts
    return Layout(_current[0], axis, seeds, padded)
