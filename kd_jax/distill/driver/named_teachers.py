"""The teachers of a problem: what each says of its rows, once, and whether it can be asked again.

kd.distill(student, np.load("teacher_logits.npy"), train)             # saved logits
kd.distill(student, kd.probabilities(forest.predict_proba), train)    # any function
kd.distill(student, kd.ensemble([one, two]), train)                   # or simply [one, two]
kd.distill(student, {"teacher": one, "noisy": two}, train)            # by name
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from kd_jax.distill import ensembles, given_teachers, teacher_files
from kd_jax.distill.driver.given_rows import Rows
from kd_jax.distill.methods import training
from kd_jax.distill.objective import ordered
from kd_jax.errors import InputError, require
from kd_jax.models import Model

MOST_BYTES = 2**28  # of features that are computed beforehand


class Probabilities(NamedTuple):
    """A teacher whose numbers are probabilities."""

    teacher: Any


class Ensemble(NamedTuple):
    """Several teachers that are one: `mean` makes logits [N, C] of theirs [M, N, C]."""

    teachers: Sequence[Any]
    mean: Callable = ensembles.arithmetic_mean


class Known(NamedTuple):
    """A teacher that was asked already.

    logits: {part: [N, C]}, None for a part that it says nothing of. again: what is asked about
    inputs that it never saw, a Network or a function; None for nobody.
    """

    logits: Mapping[str, Float[np.ndarray, "N C"] | None]
    again: Any = None


def probabilities(teacher: Any) -> Any:
    """Say that a teacher gives probabilities, not logits.

    Args:
        teacher: An array [N, C] or a function; or several as a list.
    """
    several = type(teacher) in (list, tuple)
    return [Probabilities(each) for each in teacher] if several else Probabilities(teacher)


def ensemble(teachers: Sequence[Any], mean: Callable = ensembles.arithmetic_mean) -> Ensemble:
    """Make one teacher of several.

    Args:
        teachers: Each as kd.distill takes it.
        mean: Of their logits [M, N, C]: distill.ensembles.arithmetic_mean is that of their
            probabilities, distill.ensembles.geometric_mean that of their logits.
    """
    return Ensemble(tuple(teachers), mean)


def named(teacher: Any) -> dict[str, Any]:
    """{name: teacher}; one alone is called "teacher", a list is an ensemble.

    Args:
        teacher: As kd.distill takes it.

    Raises:
        InputError: There is none, or one has no name.
    """
    several = teacher if isinstance(teacher, Mapping) else {"teacher": teacher}
    require(several, "there is no teacher: expected {name: teacher} with one or more")
    for name in several:
        is_name = isinstance(name, str) and name.isprintable()
        require(is_name, f"a teacher is called {name!r:.60}: expected a name, in one line")
    return {name: opened(name, x) for name, x in several.items()}


def opened(name: str, teacher: Any) -> Any:
    """A teacher, or what the path of one leads to; an ensemble of a list."""
    if type(teacher) in (list, tuple):
        table = teacher and all(type(row) is list and np.ndim(row) == 1 for row in teacher)
        teacher = np.asarray(teacher) if table else ensemble(teacher)
    if isinstance(teacher, Ensemble):
        return teacher._replace(teachers=[opened(name, x) for x in teacher.teachers])
    if isinstance(teacher, Probabilities):
        return Probabilities(opened(name, teacher.teacher))
    is_path = isinstance(teacher, str | os.PathLike)
    return teacher_files.read(name, teacher) if is_path else teacher


def outputs(
    name: str, teacher: Any, rows: Rows, classes: int | None
) -> dict[str, Float[np.ndarray, "N C"] | None]:
    """What a teacher says of every part, as logits.

    Args:
        name: Of the teacher.
        teacher: An array of outputs, a function of NumPy inputs, a Network, or several.
        rows: Of the problem.
        classes: How many there are; None: as many as it gives.

    Returns:
        {part: logits}; None where saved outputs hold nothing of a part.

    Raises:
        InputError: It does not fit the rows; see given_teachers.ask.
    """
    found: dict[str, Any] = {}
    if isinstance(teacher, Known):
        return dict(teacher.logits)
    if can_be_asked(teacher):
        for part, split in rows.splits().items():
            about = f"{name}: {part}"
            found[part] = _asked(about, teacher, split.inputs, classes, given_teachers.ask)
            classes = found[part].shape[1]
        return found
    if isinstance(teacher, Ensemble):
        require(teacher.teachers, f"teacher {name} is an ensemble of none: expected one or more")
        each: list[dict] = []
        for number, one in enumerate(teacher.teachers):
            each.append(outputs(f"{name}, {number}", one, rows, classes))
            classes = each[0]["train"].shape[1]
        return {part: _mean(teacher.mean, [x[part] for x in each]) for part in rows.parts}
    is_probable = isinstance(teacher, Probabilities)
    return _saved(name, teacher.teacher if is_probable else teacher, rows, classes, is_probable)


def answer(name: str, teacher: Any, inputs: np.ndarray, classes: int | None) -> np.ndarray:
    """The logits [N, C] of a teacher that can be asked, about one batch and without a bar.

    Args:
        name: Of the teacher.
        teacher: A function, a Network, or an ensemble of them.
        inputs: [N, …].
        classes: As for `outputs`.
    """
    return _asked(name, teacher, inputs, classes, _at_once)


def _asked(name, teacher, inputs, classes, ask):
    """What a teacher says if it is asked by `ask`, which is like given_teachers.ask."""
    if isinstance(teacher, Ensemble):
        each: list[np.ndarray] = []
        for number, one in enumerate(teacher.teachers):
            each.append(_asked(f"{name}, {number}", one, inputs, classes, ask))
            classes = each[0].shape[1]
        return teacher.mean(np.stack(each))
    is_probable = isinstance(teacher, Probabilities)
    call = teacher.teacher if is_probable else teacher
    if is_network(call):
        ours = list(inputs.shape[1:])
        theirs = ours if call.shape is None else list(call.shape)
        require(ours == theirs, f"teacher {name} takes inputs {theirs}: these are {ours}")
        call = call.logits
    return ask(name, call, inputs, probabilities=is_probable, classes=classes)


def _at_once(name, call, inputs, *, probabilities, classes):
    found = given_teachers.answer(name, call, inputs)
    more = {"probabilities": probabilities, "classes": classes}
    return given_teachers.logits_of(name, found, rows=len(inputs), **more)


def again(teachers: Mapping[str, Any]) -> dict[str, Any]:
    """{name: what is asked about further inputs}, which mostly is the teacher itself.

    Args:
        teachers: {name: teacher}.
    """
    return {name: x.again if isinstance(x, Known) else x for name, x in teachers.items()}


def features_like(teacher: Any, inputs: np.ndarray) -> dict[str, Any]:
    """Shapes and types of what `features` gives.

    Args:
        teacher: As for `features`.
        inputs: As for `features`.
    """
    return _shapes(teacher.model, teacher.variables, inputs) if is_network(teacher) else {}


def features_of(model: Model, inputs: np.ndarray) -> dict[str, Any]:
    """Likewise of a network that is not trained yet.

    Args:
        model: Its functions.
        inputs: As for `features`.
    """
    variables = jax.eval_shape(model.init, jax.eval_shape(lambda: jax.random.key(0)))
    return _shapes(model, variables, inputs)


def _shapes(model, variables, inputs):
    return jax.eval_shape(ordered(model.apply), variables, inputs)[0][1]


def features(teacher: Any, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """{name: [N, …]} of a Network, first layer first; {} of others, and where these are large.

    Feature maps of many images take gigabytes: then a step asks for those of its batch.

    Args:
        teacher: The first of the problem.
        inputs: The training rows.
    """
    if not is_network(teacher):
        return {}
    like = jax.tree.leaves(features_like(teacher, inputs[:1]))
    if len(inputs) * sum(x.size * x.dtype.itemsize for x in like) > MOST_BYTES:
        return {}
    return training.outputs(teacher.model.apply, teacher.variables, inputs)[1]


def is_network(teacher: Any) -> bool:
    """Whether a teacher is a Network, whose features are known too."""
    return hasattr(teacher, "model") and hasattr(teacher, "variables")


def can_be_asked(teacher: Any) -> bool:
    """Whether a teacher answers for inputs that it never saw; saved outputs do not."""
    if isinstance(teacher, Ensemble):
        return bool(teacher.teachers) and all(map(can_be_asked, teacher.teachers))
    teacher = teacher.teacher if isinstance(teacher, Probabilities) else teacher
    return callable(teacher) or is_network(teacher)


def _mean(mean, several):
    return None if any(x is None for x in several) else mean(np.stack(several))


def _saved(name, teacher, rows, classes, is_probable):
    """The parts of outputs that are in the order of the rows that were given."""
    first, total = rows.sizes["train"], sum(rows.sizes.values())
    wanted = f"{first}" if total == first else f"{first}, or {total} with all that was given,"
    try:
        array = given_teachers.numbers(name, teacher)
    except (InputError, ValueError):  # no numbers, or rows of several lengths
        raise InputError(
            f"teacher {name} is {teacher!r:.60}: expected outputs of {wanted} rows, as "
            'np.load("logits.npy") gives them, a function of inputs, or a Network of kd.load'
        ) from None
    shape = list(array.shape)
    fits = array.ndim == 2 and len(array) in (first, total)
    require(fits, f"teacher {name} has outputs {shape}: expected {wanted} rows, a number per class")
    logits = given_teachers.logits_of(name, array, classes=classes, probabilities=is_probable)
    begin = dict(zip(rows.sizes, np.cumsum([0, *rows.sizes.values()])))
    known = {part: begin[own.given] + own.rows for part, own in rows.parts.items()}
    return {
        part: logits[numbers] if numbers.max() < len(logits) else None
        for part, numbers in known.items()
    }
