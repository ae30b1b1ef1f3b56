"""What is distilled: a teacher, one's texts as its tokens, the rows of the table, the measures."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from kd_jax import fingerprint
from kd_jax.data.padding import Tokens
from kd_jax.data.texts import Parts, Texts
from kd_jax.errors import counted, require
from kd_jax.language.encoder import loss, measures, narrow, outputs, reading, students
from kd_jax.language.encoder import static as static_students
from kd_jax.language.encoder.measures import Examples
from kd_jax.language.encoder.ranked import AGREEMENT, MEASURES, Ranked
from kd_jax.language.encoder.rows import Row, of_size
from kd_jax.language.encoder.training import Recipe, require_filled
from kd_jax.metrics.statistics import FEWEST
from kd_jax.pretrained.encoder import Encoder
from kd_jax.training import keys


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
        ranked: The rankings that some rows learn from and all are measured by, or None.
        token_vectors: The teacher's vector of each token, which the static student is made of.
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
    ranked: Ranked | None = None
    token_vectors: Callable[[Encoder], np.ndarray] = static_students.of_tokens

    def terms(self, ranked: bool = False) -> tuple[str, ...]:
        """The losses of all rows that learn from texts, or of those that learn from rankings.

        Args:
            ranked: The latter.
        """
        rows = [row for row in self.rows if row.ranked == ranked]
        return tuple(name for name in loss.TERMS if any(name in row.losses for row in rows))

    def tokens(self, ranked: bool = False) -> Tokens:
        """The training texts, or those of the rankings.

        Args:
            ranked: The latter.
        """
        return self.ranked.tokens if ranked and self.ranked else self.read.tokens

    def imitated(self, ranked: bool = False) -> list[int]:
        """The teacher's layers whose states are learned.

        Args:
            ranked: From rankings.
        """
        if "hidden" not in self.terms(ranked):
            return []
        every = (students.chosen(self.teacher, count) for count in self.layers)
        return sorted({layer for layers in every for layer in layers})

    @property
    def primary(self) -> str:
        """The measure that rows are chosen and compared by."""
        if self.ranked:
            return AGREEMENT
        return "similarity" if self.parts.train.labels is None else "probe_accuracy"

    def examples(self, encoder: Encoder) -> Examples:
        """{measure: a number for each held-out text or ranking}, larger is better.

        Args:
            encoder: That is measured.
        """
        ranked = self.ranked.task.examples(encoder) if self.ranked else {}
        own = self.task.of_teacher if encoder is self.teacher else self.task.vectors(encoder)
        return ranked | self.task.examples(own)

    def tested(self, examples: Examples, dev: bool = False) -> Examples:
        """Those of the test's texts and rankings, or of those for the choice.

        Args:
            examples: Of `examples`.
            dev: The latter.
        """
        found = {}
        for name, values in examples.items():
            ranked = self.ranked if name in MEASURES else None
            count = ranked.dev if ranked else len(self.parts.dev.texts)
            found[name] = values[:count] if dev else values[count:]
        return found

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
        return static_students.student(self.teacher, self.static, self.token_vectors(self.teacher))

    @property
    def digests(self) -> dict[str, str]:
        """{name: digest} of what is given: texts, their labels and the teacher."""
        parts = self.parts.train, self.parts.dev, self.parts.test
        labels = [None if x.labels is None else x.labels.tolist() for x in parts]
        plain = [[x.texts for x in parts], labels]
        own = {"data": fingerprint.of(plain), "teacher": outputs.digest(self.teacher)}
        if self.ranked:
            lists = self.ranked.lists, self.ranked.task.lists
            own["rankings"] = fingerprint.of([[x.texts, x.places.tolist(), x.scores.tolist()]
                                              for x in lists])  # fmt: skip
        return own


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
    ranked: Ranked | None = None,
    ranking_losses: Sequence[str] = (),
    token_vectors: Callable[[Encoder], np.ndarray] = static_students.of_tokens,
) -> Problem:
    """The Problem of a teacher and texts.

    Args:
        teacher: The encoder.
        parts: The texts.
        layers: Of the students, one row of each loss for each.
        losses: Names of `loss_names.named`.
        recipe: How they learn.
        seeds: Students of each row.
        base_seed: What every random choice follows from.
        max_length: Tokens of a training text; 0: as many as the teacher reads.
        skip_longer: Leave longer ones out, instead of cutting them.
        few: Of the probe on few labels.
        static: Numbers of the vectors of a static student; 0 for none.
        width: Of the students' hidden states; 0: as the teacher's.
        ranked: Rankings that students are measured by, or None.
        ranking_losses: Rows that learn from them, names of `loss_names.named`.
        token_vectors: teacher -> its vector of each token.

    Raises:
        InputError: Something does not fit.
    """
    require(layers, "--layers is empty: expected how many a student has, like 3,2")
    require(losses, "--losses is empty: expected some, like cosine+gram")
    students.check(teacher, layers)
    if width:
        narrow.check_width(teacher, width)
    rows: list[Row] = []
    for count in layers:
        rows += of_size(count, losses, width)
        rows += of_size(count, ranking_losses, width, ranked=True) if ranked else []
    read = reading.read(teacher, parts.train.texts, max_length, skip=skip_longer)
    require_filled(recipe.batch_size, len(read.rows))  # before the teacher is asked
    held = Texts(parts.dev.texts + parts.test.texts, _joined(parts.dev.labels, parts.test.labels))
    task = measures.Task(teacher, parts.train, held, few)
    notes = [*parts.notes, *_long(read, len(parts.train.texts), skip_longer)]
    notes += [*ranked.notes, *_seen(ranked.lists.texts, held.texts)] if ranked else []
    tested = len(ranked.task.lists.places) - ranked.dev if ranked else len(parts.test.texts)
    notes += _few_tested(tested, "ranking" if ranked else "text")
    notes += _fewer(teacher, static, few.per_class, task.few.per_class)
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
        min(static, teacher.dimension),
        width,
        ranked,
        token_vectors,
    )


def _fewer(teacher, static, asked, least):
    """Lines about numbers that were asked for and are less than that."""
    notes, most = [], teacher.dimension
    if static > most:
        notes.append(f"--static={static}: {most} numbers, as the teacher's vectors have no more")
    if least < asked:
        notes.append(f"--few_labels={asked}: {least} of each class, as one has no more")
    return notes


def _few_tested(count, what):
    """A line where what is tested on is too little for verdicts."""
    said = f"test: {counted(count, what)}, and no verdicts come of fewer than {FEWEST}"
    return [f"{said}: expected more, by --test or --split"] if count < FEWEST else []


def _seen(learned, held):
    """A line about held-out texts that rankings are learned from."""
    count = len(set(learned) & set(held))
    return [f"{count:,} of {len(held):,} held-out texts are in rankings that are learned from"
            ] if count else []  # fmt: skip


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
