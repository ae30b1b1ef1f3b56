"""The networks of a run folder, kept with what they are tested on.

runs/<experiment>/<id>/networks/<name>/params     the networks of some rows
runs/<experiment>/<id>/networks/outputs-<…>.npz   what they are tested on
"""

import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax import fingerprint
from kd_jax.errors import InputError, require
from kd_jax.models import Model, serialization
from kd_jax.storage import array_cache, checkpoint, jsonl

FOLDER = "networks"


class Kept(NamedTuple):
    """One trained network, and what its test is.

    inputs: a tree of arrays [N, …]; labels [N, …], −1 where nothing is asked; says [N, …]: the
    teacher's most probable classes, or None; record: its line in records.jsonl; teacher: the Kept
    of its teacher, or None where that is not one network of the run.
    """

    model: Model
    params: Any
    inputs: Any
    labels: np.ndarray
    says: np.ndarray | None
    record: dict
    teacher: Any = None


class Group(NamedTuple):
    """Networks that were kept together: a checkpoint and what it says of itself.

    seeds: (first, how many); where: what the records of its rows have in common.
    """

    path: pathlib.Path
    rows: list
    seeds: tuple
    where: dict
    facts: dict

    def has(self, row, seed):
        """Whether the network of a row and seed is among them."""
        return row in self.rows and 0 <= seed - self.seeds[0] < self.seeds[1]


def save(run, model, params, rows, test, taught=None, *, seed=0, teacher="teacher", **where):
    """Save the networks of the first seeds of some rows of a run: as many as run.saved_seeds.

    Args: params: leaves [S, A, …], A as many as rows; test: a Split, or a padding.Asked; taught:
      the teacher's logits [N, C] or [S, N, C] on it, None for a teacher; seed: of the first of S;
      teacher: the row that their teacher is kept as; where: what the records of these rows have in
      common, as far as rows of the same name need it to be told apart.
    """
    seeds = min(len(jax.tree.leaves(params)[0]), run.saved_seeds - seed)
    if seeds < 1:
        return
    arrays = {"labels": test.labels, **_named(test.inputs)}
    facts = {"test": fingerprint.arrays(arrays)}
    array_cache.cached(run.path(FOLDER), facts, lambda: arrays)
    tree = {"params": jax.tree.map(lambda x: np.asarray(x[:seeds]), params)}
    if taught is not None:
        tree["says"] = _said(taught, seeds)
    facts |= {"network": serialization.describe(model.network), "rows": list(rows), "where": where}
    shape = [] if isinstance(test.inputs, dict) else list(test.inputs.shape[1:])
    facts |= {"shape": shape, "seeds": [seed, seeds], "teacher": teacher}
    facts["says"] = list(tree["says"].shape) if "says" in tree else None
    checkpoint.save(run.path(FOLDER) / fingerprint.of(facts) / "params", tree, facts)


def save_teachers(run, taught, test, **where):
    """`save` for networks that have a row of their own.

    Args: taught: with row, model and params, leaves [S, …], like a distill.teachers.Teachers.
    """
    grid = jax.tree.map(lambda x: x[:, None], taught.params)
    save(run, taught.model, grid, [taught.row], test, **where)


def groups(folder):
    """Every Group of a run folder. Raises: InputError when one is damaged, or there is none."""
    found = []
    for seal in sorted(pathlib.Path(folder).glob(f"{FOLDER}/*/params.seal")):
        facts = checkpoint.facts(seal.with_suffix(""))
        what = facts["rows"], tuple(facts["seeds"]), facts["where"]
        found.append(Group(seal.with_suffix(""), *what, facts))
    require(found, f"{folder} keeps no networks: expected a run with --saved_seeds=1 or more")
    return found


def take(folder, row, seed, where):
    """The Kept of a row and seed, the one of which `where` {name: text} holds.

    Raises: InputError when there is none, or more than one, or when files are damaged.
    """
    known = groups(folder)
    fit = [one for one in known if one.has(row, seed) and _holds(where, one.where)]
    if len(fit) != 1:
        more = "".join(f" --where={name}={value}" for name, value in where.items())
        asked = f"--row={row} --seed={seed}{more}"
        raise InputError(
            f"{asked}: {len(fit)} networks of {folder}, expected one; without --row this command "
            "lists them"
        )
    (group,) = fit
    found = _loaded(folder, group, row, seed)
    if found.says is None:
        return found
    theirs = [
        one
        for one in known
        if group.facts["teacher"] in one.rows and one.where.items() <= group.where.items()
    ]
    if len(theirs) != 1:
        return found
    (one,) = theirs
    seed = seed if one.has(group.facts["teacher"], seed) else one.seeds[0]
    return found._replace(teacher=_loaded(folder, one, group.facts["teacher"], seed))


def _loaded(folder, group, row, seed):
    """The Kept of a row and seed of a Group, without its teacher."""
    facts, at = group.facts, (seed - group.seeds[0], group.rows.index(row))
    model = serialization.model_of(serialization.built(facts["network"]), facts["shape"])
    tree, _ = checkpoint.load(group.path, _like(model, facts))
    params = jax.tree.map(lambda x: np.asarray(x[at]), tree["params"])
    says = np.asarray(tree["says"]) if "says" in tree else None
    if says is not None:
        says = says[at[0] % len(says)]  # one line where the seeds share a teacher
    test = array_cache.cached(pathlib.Path(folder) / FOLDER, {"test": facts["test"]}, _lost)
    line = _record(folder, {"row": row, "seed": seed, **group.where})
    labels = test.pop("labels")
    return Kept(model, params, test.get("inputs", test), labels, says, line)


def _named(inputs):
    """{name: array} of inputs that are one array, or by name already, as texts are."""
    return inputs if isinstance(inputs, dict) else {"inputs": inputs}


def _said(taught, seeds):
    """The most probable classes [S or 1, N, …] of a teacher's logits."""
    chosen = np.argmax(np.asarray(taught), -1).astype(np.int32)
    return chosen[:seeds] if np.ndim(taught) > 2 else chosen[None]


def _like(model, facts):
    one = jax.eval_shape(model.init, jax.random.key(0))
    grid = facts["seeds"][1], len(facts["rows"])
    params = jax.tree.map(lambda x: jax.ShapeDtypeStruct((*grid, *x.shape), x.dtype), one)
    like = {"params": params}
    if facts["says"]:
        like["says"] = jax.ShapeDtypeStruct(tuple(facts["says"]), np.int32)
    return like


def _holds(where, found):
    return all(name in found and str(found[name]) == text for name, text in where.items())


def _record(folder, wanted):
    found = [r for r in jsonl.records(folder) if wanted.items() <= r.items()]
    if len(found) != 1:
        raise InputError(f"{folder} has {len(found)} records of {wanted}: expected one")
    return found[0]


def _lost():
    raise InputError("what the networks are tested on is missing: run the experiment again")
