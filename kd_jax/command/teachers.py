"""The teachers of --teacher: what each says of every row, asked once and cached by content."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax import fingerprint
from kd_jax.command import asking
from kd_jax.command.config import separate
from kd_jax.command.parts import NAMES
from kd_jax.command.problem import Problem
from kd_jax.command.teacher_sources import Asked, Saved, ToTrain, source
from kd_jax.distill import ensembles, given_teachers
from kd_jax.distill.driver import named_teachers, teacher_notes
from kd_jax.errors import require

FRESH = (
    "it says more of rows that it did not learn from (--cross_fit=5 where it is train:…), or of "
    "views of them (--augment)"
)
FOLDER = "teachers"  # of the workdir


class Answers(NamedTuple):
    """What a teacher, or several as an ensemble, says of the rows of a problem.

    Attributes:
        name: As it was given.
        logits: {"train": [N, C], "validation": …, "test": …}; None where a file of outputs does not
            hold them.
        classes: The names of the C columns.
        ask: raw rows [B, …] -> logits [B, C], for rows that are not among the parts; the Network
            of a teacher that was trained here; or None.
        digest: Of the teacher's content.
        notes: What a person would want to know, a line each.
    """

    name: str
    logits: dict[str, Float[np.ndarray, "N C"] | None]
    classes: list[str]
    ask: Any
    digest: str
    notes: list[str]


def sources(given: Sequence[str], problem: Problem) -> list[ToTrain | Saved | Asked]:
    """What the names stand for; no teacher is asked or trained yet.

    Args:
        given: Values of --teacher.
        problem: What they are to teach.

    Returns:
        One for each name; [] where the outputs that --data holds are the teacher.

    Raises:
        InputError: There is no teacher, or one cannot be read or does not fit.
    """
    names = separate(given)
    held = problem.train.given is not None
    known = "a file, a folder, a function or train:…, see --help"
    require(names or held, f"--teacher is not given and --data holds no outputs: expected {known}")
    for name in names:
        require(names.count(name) == 1, f"--teacher={name} is given twice: leave one out")
    return [source(name, problem) for name in names]


def read(
    sources: Sequence[ToTrain | Saved | Asked],
    problem: Problem,
    workdir: str | os.PathLike,
    *,
    again: bool = False,
    augmented: bool = False,
) -> list[Answers]:
    """What the teachers say that can be asked or read, those to be trained left out.

    Args:
        sources: Of `sources`.
        problem: Whose rows they are asked about.
        workdir: Where outputs are cached.
        again: Ask even where the cache has them.
        augmented: Whether each step asks about views too.

    Returns:
        Answers, in the order of the names.

    Raises:
        InputError: One cannot be asked, or what it says does not fit.
    """
    if not sources:
        return [_of_data(problem)]
    options = problem, pathlib.Path(workdir).expanduser() / FOLDER, again
    asked = {each.name: each for each in sources if isinstance(each, Asked)}
    facts = {name: asking.prepare(each, *options) for name, each in asked.items()}
    found = []
    for each in sources:
        if isinstance(each, Saved):
            found.append(_saved(each, problem))
        elif isinstance(each, Asked):
            said = asking.said(each, *options, facts[each.name])
            found.append(_asked(each, problem, said, augmented))
    _check_alike(found)
    return found


def ensemble(answers: Sequence[Answers]) -> Answers:
    """Several teachers as one: the mean of their probabilities, as logits.

    Args:
        answers: Of each; of one alone it is that one.

    Returns:
        Answers; a part that one of them lacks is None.
    """
    if len(answers) == 1:
        return answers[0]
    logits: dict[str, Any] = dict.fromkeys(NAMES)
    for name in NAMES:
        each = [x for x in (one.logits[name] for one in answers) if x is not None]
        if len(each) == len(answers):
            logits[name] = ensembles.arithmetic_mean(np.stack(each))
    calls = [one.ask.logits if named_teachers.is_network(one.ask) else one.ask for one in answers]
    mean = "the teacher is the mean of the probabilities of "
    mean += " and ".join(one.name for one in answers)

    def ask(rows):
        return ensembles.arithmetic_mean(np.stack([call(rows) for call in calls]))

    return Answers(
        f"ensemble of {len(answers)}", logits, answers[0].classes, ask if all(calls) else None,
        fingerprint.of([one.digest for one in answers]),
        [mean, *(note for one in answers for note in one.notes)],
    )  # fmt: skip


def _of_data(problem):
    """The teacher whose outputs --data holds."""
    logits = {name: part.given for name, part in problem.parts.items()}
    return _answers("of --data", logits, None, problem, problem.digest, None)


def _saved(each, problem):
    """The outputs of a file."""
    held = {name: x for name, x in each.outputs.items() if x is not None}
    logits = dict.fromkeys(NAMES) | asking.logits(each.name, held, problem)
    return _answers(each.name, logits, None, problem, each.digest, None)


def _asked(each, problem, said, augmented):
    """The outputs of a teacher that can be asked, now too."""
    outputs, classes = said.outputs, said.classes
    known, width = asking.are_probabilities(each.name, outputs), outputs["train"].shape[1]
    places = [classes.index(x) for x in problem.classes] if classes else []
    places = places or list(range(width))
    logits = asking.logits(each.name, outputs, problem)
    ordered = {name: x[:, places] for name, x in logits.items()}

    def ask(rows):
        found = given_teachers.answer(each.name, each.load().call, rows)
        options = {"rows": len(rows), "classes": width, "probabilities": known}
        return given_teachers.logits_of(each.name, found, **options)[:, places]

    fresh = None if augmented else FRESH
    answers = _answers(each.name, ordered, ask, problem, each.digest, classes, fresh)
    return answers._replace(notes=[*each.notes, *_leak(each.name, said.learned), *answers.notes])


def _leak(name, learned):
    """A line where a teacher's file trains on rows that are validation or test here."""
    seen = [f"{learned[part]:,} {part} rows" for part in NAMES[1:] if learned[part]]
    return [
        f"teacher {name}: its file's kd.read_data has {' and '.join(seen)} of this run among its "
        "training rows: give it the split=, base_seed=, label= and test_data= of the command, or "
        "the teacher looks better here than it is"
    ] if seen else []  # fmt: skip


def _answers(name, logits, ask, problem, digest, classes, fresh=FRESH):
    train = problem.train
    width = next(x.shape[1] for x in logits.values() if x is not None)
    classes = problem.classes or classes or [str(number) for number in range(width)]
    require(len(classes) == width, f"teacher {name} gives {width} classes and names {len(classes)}")
    known = logits["train"], train.labels, classes
    said = teacher_notes.notes(f"teacher {name}", *known, fresh=fresh)
    return Answers(name, logits, classes, ask, digest, said)


def _check_alike(found):
    """InputError unless all teachers have the same classes."""
    for one in found[1:]:
        differ = f"teachers {found[0].name} and {one.name} have other classes"
        require(one.classes == found[0].classes, f"{differ}: expected the same, in the same order")
