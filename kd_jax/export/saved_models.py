"""The networks of a run folder, saved with what they are tested on.

runs/<experiment>/<id>/networks/<name>/params     the networks of some rows
runs/<experiment>/<id>/networks/outputs-<…>.npz   what they are tested on
"""

import hashlib
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax import fingerprint
from kd_jax.errors import InputError, require
from kd_jax.export import network_program
from kd_jax.metrics import classification
from kd_jax.models import Model, serialization
from kd_jax.storage import array_cache, checkpoint, jsonl

FOLDER = "networks"


class SavedModel(NamedTuple):
    """One trained network, and what its test is.

    inputs: a tree of arrays [N, …]; labels [N, …], −1 where there is none; teacher_classes [N, …]:
    the teacher's most probable classes, or None; record: its line in records.jsonl; teacher: the
    SavedModel of its teacher, or None where that is not one network of the run; about: as for
    `save`.
    """

    model: Model
    variables: Any
    inputs: Any
    labels: np.ndarray
    teacher_classes: np.ndarray | None
    record: dict
    teacher: Any = None
    about: Mapping[str, Any] = {}


class Group(NamedTuple):
    """Networks that were saved together: a checkpoint and the facts that it was saved with.

    seeds: (first, how many); where: what the records of its rows have in common.
    """

    path: pathlib.Path
    rows: list[str]
    seeds: tuple[int, int]
    where: dict
    facts: dict

    def has(self, row: str, seed: int) -> bool:
        """Whether the network of a row and seed is among them."""
        return row in self.rows and 0 <= seed - self.seeds[0] < self.seeds[1]


def save(
    run: Any,
    model: Model,
    variables: Any,
    rows: Sequence[str],
    test: Any,
    teacher_logits: np.ndarray | None = None,
    *,
    seed: int = 0,
    teacher: str = "teacher",
    about: Mapping[str, Any] = {},
    slot: str = "",
    **where: Any,
) -> None:
    """Save the networks of the first seeds of some rows of a run: as many as run.saved_seeds.

    Args:
        run: a storage.run_folder.Run.
        model: the network of all of them.
        variables: leaves [S, A, …], A as many as rows.
        rows: their names in the records.
        test: a Split, or whatever else has `inputs` and `labels`, −1 where there is none.
        teacher_logits: [N, C] or [S, N, C], of their teacher on the test; None for a teacher.
        seed: the first of the S seeds.
        teacher: the row that their teacher is saved as.
        about: as a Dataset has it.
        slot: these take the place of what was saved for the same one before; "": of nothing.
        where: what their records have in common, as far as it tells rows of the same name apart.
    """
    seeds = min(len(jax.tree.leaves(variables)[0]), run.saved_seeds - seed)
    if seeds < 1:
        return
    arrays = {"labels": test.labels, **_named(test.inputs)}
    facts: dict = {"test": fingerprint.arrays(arrays)}
    array_cache.kept(run.path(FOLDER), facts, lambda: arrays)
    tree = {"variables": jax.tree.map(lambda x: np.asarray(x)[:seeds], variables)}
    classes = None if teacher_logits is None else _most_probable(teacher_logits, seeds)
    if classes is not None:
        tree["teacher_classes"] = classes
    facts |= _network(run, model, variables, test.inputs)
    facts |= {"rows": list(rows), "where": where} | ({"about": dict(about)} if about else {})
    shape = [] if isinstance(test.inputs, dict) else list(test.inputs.shape[1:])
    facts |= {"shape": shape, "seeds": [seed, seeds], "teacher": teacher}
    facts["teacher_classes"] = None if classes is None else list(classes.shape)
    checkpoint.save(run.path(FOLDER) / fingerprint.of(slot or facts) / "params", tree, facts)


def _network(run, model, variables, inputs):
    """The fact that a network is built from again: its description, or where its program lies."""
    if serialization.is_described(model.network):
        return {"network": serialization.describe(model.network)}
    content = network_program.written(model, jax.tree.map(lambda x: x[0, 0], variables), inputs)
    facts = {"program": hashlib.sha256(content).hexdigest()}
    arrays = {"program": np.frombuffer(content, np.uint8)}
    array_cache.kept(run.path(FOLDER), facts, lambda: arrays)
    return facts


def save_teachers(run: Any, teachers: Any, test: Any, **where: Any) -> None:
    """`save` for networks that have a row of their own.

    Args:
        run: a storage.run_folder.Run.
        teachers: with row, model and variables, leaves [S, …]: a distill.teachers.Teachers.
        test: as for `save`.
        where: as for `save`, and perhaps about.
    """
    grid = jax.tree.map(lambda x: np.asarray(x)[:, None], teachers.variables)
    save(run, teachers.model, grid, [teachers.row], test, **where)


def groups(folder: str | os.PathLike) -> list[Group]:
    """Every Group of a run folder.

    Raises:
        InputError: one is damaged, or there is none.
    """
    found = []
    for seal in sorted(pathlib.Path(folder).glob(f"{FOLDER}/*/params.seal")):
        facts = checkpoint.facts(seal.with_suffix(""))
        what = facts["rows"], tuple(facts["seeds"]), facts["where"]
        found.append(Group(seal.with_suffix(""), *what, facts))
    require(
        found,
        f"{folder} holds no networks: expected a run of an experiment, with --saved_seeds=1 or "
        "more; the distill commands write their student to --out",
    )
    return found


def take(folder: str | os.PathLike, row: str, seed: int, where: Mapping[str, str]) -> SavedModel:
    """The network of a row and seed.

    Args:
        folder: of a run.
        row: its name in the records.
        seed: its seed.
        where: {name: text} that holds of its record, where rows of the same name need it.

    Raises:
        InputError: there is none, or more than one, or files are damaged.
    """
    known = groups(folder)
    fit = [one for one in known if one.has(row, seed) and _holds(where, one.where)]
    if len(fit) != 1:
        more = "".join(f" --where={name}={value}" for name, value in where.items())
        wanted = f"--row={row} --seed={seed}{more}"
        raise InputError(
            f"{wanted}: {len(fit)} networks of {folder}, expected one; without --row this command "
            "lists them"
        )
    (group,) = fit
    found = _loaded(folder, group, row, seed)
    if found.teacher_classes is None:
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
    """The SavedModel of a row and seed of a Group, without its teacher."""
    facts, at = group.facts, (seed - group.seeds[0], group.rows.index(row))
    model = _model(folder, facts)
    tree, _ = checkpoint.load(group.path, _like(model, facts))
    variables = jax.tree.map(lambda x: np.asarray(x[at]), tree["variables"])
    classes = np.asarray(tree["teacher_classes"]) if "teacher_classes" in tree else None
    if classes is not None:
        classes = classes[at[0] % len(classes)]  # one line where the seeds share a teacher
    test = array_cache.kept(pathlib.Path(folder) / FOLDER, {"test": facts["test"]}, _lost)
    line = _record(folder, {"row": row, "seed": seed, **group.where})
    labels = test.pop("labels")
    about = facts.get("about", {})
    return SavedModel(
        model, variables, test.get("inputs", test), labels, classes, line, None, about
    )


def _model(folder, facts):
    """The Model that `_network` noted."""
    if "network" in facts:
        return serialization.model_of(serialization.build(facts["network"]), facts["shape"])
    known = {"program": facts["program"]}
    found = array_cache.kept(pathlib.Path(folder) / FOLDER, known, _lost)
    return network_program.read(found["program"].tobytes())


def _named(inputs):
    """{name: array} of inputs that are one array, or by name already, as texts are."""
    return inputs if isinstance(inputs, dict) else {"inputs": inputs}


def _most_probable(logits, seeds):
    """The most probable classes [S or 1, N, …] of a teacher's logits."""
    chosen = classification.most_probable(np.asarray(logits)).astype(np.int32)
    return chosen[:seeds] if np.ndim(logits) > 2 else chosen[None]


def _like(model, facts):
    one = jax.eval_shape(model.init, jax.random.key(0))
    grid = facts["seeds"][1], len(facts["rows"])
    variables = jax.tree.map(lambda x: jax.ShapeDtypeStruct((*grid, *x.shape), x.dtype), one)
    like = {"variables": variables}
    if facts["teacher_classes"]:
        like["teacher_classes"] = jax.ShapeDtypeStruct(tuple(facts["teacher_classes"]), np.int32)
    return like


def _holds(where, found):
    return all(name in found and str(found[name]) == text for name, text in where.items())


def _record(folder, wanted):
    found = [r for r in jsonl.records(folder) if wanted.items() <= r.items()]
    if len(found) != 1:
        raise InputError(f"{folder} has {len(found)} records of {wanted}: expected one")
    return found[0]


def _lost():
    raise InputError("a file beside the networks is missing: run the experiment again")
