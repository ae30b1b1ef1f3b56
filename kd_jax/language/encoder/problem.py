"""What is distilled: a teacher, one's texts as its tokens, the rows of the table, the measures."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kd_jax import fingerprint
from kd_jax.data.texts import Parts, Texts
from kd_jax.errors import counted, require
from kd_jax.language.encoder import loss, measures, narrow, outputs, reading, students
from kd_jax.language.encoder import static as static_students
from kd_jax.language.encoder.training import Recipe
from kd_jax.pretrained.encoder import Encoder
from kd_jax.training import keys


class Row(NamedTuple):
    """A row of the table that is trained.

    Attributes:
        name: Its name.
        cut: That of the row that it is held against.
        layers: Of the students.
        losses: That they learn by.
    """

    name: str
    cut: str
    layers: int
    losses: tuple[str, ...]


def static_name(width: int) -> str:
    """What tables call a static student.

    Args:
        width: Numbers of its vectors.
    """
    return f"static, {width} numbers"


def size_name(layers: int, width: int = 0) -> str:
    """What tables call students of one size.

    Args:
        layers: How many they have.
        width: Of their hidden states, 0 as the teacher's.
    """
    return f"{layers} layer{'s' * (layers > 1)}" + (f" of {width}" if width else "")


def cut_name(layers: int) -> str:
    """What tables call a cut that has not learned.

    Args:
        layers: How many it has.
    """
    return f"{size_name(layers)}, cut"


@dataclasses.dataclass(frozen=True)
class Problem:
    """All that decides what students learn and how they are measured.

    Attributes:
        teacher: The encoder that they learn from.
        read: The training texts as its tokens.
        parts: All texts.
        task: The measures, of the texts for the choice and then of the test's.
        rows: What is trained.
        layers: The students' numbers of layers.
        recipe: How they learn.
        seeds: Students of each row.
        base_seed: What every random choice follows from.
        notes: What a person would want to know, a line each.
        static: Numbers of the static student's vectors; 0 for none.
        width: Of the students' hidden states; 0: as the teacher's.
    """

    teacher: Encoder
    read: reading.Read
    parts: Parts
    task: measures.Task
    rows: list[Row]
    layers: tuple[int, ...]
    recipe: Recipe
    seeds: int
    base_seed: int
    notes: list[str]
    static: int = 0
    width: int = 0

    @property
    def terms(self) -> tuple[str, ...]:
        """The losses of all rows."""
        return tuple(name for name in loss.TERMS if any(name in row.losses for row in self.rows))

    @property
    def imitated(self) -> list[int]:
        """The teacher's layers whose states are learned."""
        if "hidden" not in self.terms:
            return []
        every = (students.chosen(self.teacher, count) for count in self.layers)
        return sorted({layer for layers in every for layer in layers})

    @property
    def primary(self) -> str:
        """The measure that rows are chosen and compared by."""
        return "similarity" if self.parts.train.labels is None else "probe_accuracy"

    def student(self, layers: int, seed: int = 0) -> students.Student:
        """A student as it begins.

        Args:
            layers: How many it has.
            seed: Its seed.
        """
        if not self.width:
            return students.of_layers(self.teacher, layers)
        key = keys.key(self.base_seed, "student", seed)
        return narrow.of_width(self.teacher, layers, self.width, key)

    @functools.cached_property
    def static_student(self) -> Encoder:
        """The static student."""
        return static_students.student(self.teacher, self.static)

    @property
    def digests(self) -> dict[str, str]:
        """{name: digest} of what is given: texts, their labels and the teacher."""
        parts = self.parts.train, self.parts.dev, self.parts.test
        labels = [None if x.labels is None else x.labels.tolist() for x in parts]
        plain = [[x.texts for x in parts], labels]
        return {"data": fingerprint.of(plain), "teacher": outputs.digest(self.teacher)}


def prepare(
    teacher: Encoder,
    parts: Parts,
    *,
    layers: Sequence[int],
    losses: Sequence[str],
    recipe: Recipe,
    seeds: int,
    base_seed: int,
    max_length: int = 0,
    skip_longer: bool = False,
    few: measures.Few = measures.USUAL,
    static: int = 0,
    width: int = 0,
) -> Problem:
    """The Problem of a teacher and texts.

    Args:
        teacher: The encoder.
        parts: The texts.
        layers: Of the students, one row of each loss for each.
        losses: Names of `loss.named`.
        recipe: How they learn.
        seeds: Students of each row.
        base_seed: What every random choice follows from.
        max_length: Tokens of a training text; 0: as many as the teacher reads.
        skip_longer: Leave longer ones out, instead of cutting them.
        few: Of the probe on few labels.
        static: Numbers of the vectors of a static student; 0 for none.
        width: Of the students' hidden states; 0: as the teacher's.

    Raises:
        InputError: Something does not fit.
    """
    require(layers, "--layers is empty: expected how many a student has, like 3,2")
    require(losses, "--losses is empty: expected some, like cosine+gram")
    students.check(teacher, layers)
    if width:
        narrow.check_width(teacher, width)
    rows = []
    for count in layers:
        cut = cut_name(count)
        for each in losses:
            named = loss.named(each)
            same = [row.name for row in rows if (row.layers, {*row.losses}) == (count, {*named})]
            require(not same, f"--losses={each}: the row {', '.join(same)} is the same sum")
            states = (
                f"--losses={each} and --width={width}: hidden states are of another width than "
            )
            require(not width or "hidden" not in named, states + "the teacher's: leave hidden out")
            name = f"{size_name(count, width)}, {' + '.join(named)}"
            rows.append(Row(name, cut, count, named))
    read = reading.read(teacher, parts.train.texts, max_length, skip=skip_longer)
    held = Texts(parts.dev.texts + parts.test.texts, _joined(parts.dev.labels, parts.test.labels))
    task = measures.Task(teacher, parts.train, held, few)
    notes = [*parts.notes, *_long(read, len(parts.train.texts), skip_longer)]
    if task.few.per_class < few.per_class:
        notes.append(f"few labels: {task.few.per_class} of each class, as one has no more")
    return Problem(
        teacher,
        read,
        parts,
        task,
        rows,
        tuple(layers),
        recipe,
        seeds,
        base_seed,
        notes,
        static,
        width,
    )


def _joined(first, second):
    return None if first is None else np.concatenate([first, second])


def _long(read, count, skipped):
    """A line about texts that are longer than is learned from."""
    if not read.longer:
        return []
    what = "left out" if skipped else "cut"
    many, are = counted(count, "training text"), "is" if read.longer == 1 else "are"
    most = counted(read.max_length, "token")
    return [f"{read.longer:,} of {many} {are} longer than {most}: {what}"]
