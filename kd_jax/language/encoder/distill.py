"""`kd.distill_encoder`: your encoder, your texts, a smaller encoder, and how much it keeps.

result = kd.distill_encoder("teacher/", texts, layers=(3, 2))
print(result)
result.best.save("small/")
"""

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from kd_jax.arguments import several, whole
from kd_jax.data import texts as own_texts
from kd_jax.data.texts import Texts
from kd_jax.errors import require
from kd_jax.language.encoder import costs, measures, outputs, ranked, rankings, rows, students
from kd_jax.language.encoder import problem as problems
from kd_jax.language.encoder.measures import Examples
from kd_jax.language.encoder.problem import Problem
from kd_jax.language.encoder.result import EncoderResult, concluded
from kd_jax.language.encoder.training import Recipe, Training, changed
from kd_jax.metrics import records
from kd_jax.pretrained.encoder import DELAY, Encoder
from kd_jax.report.encoder_comparison import TEACHER
from kd_jax.runtime import progress
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import keys

TIMED, ROUNDS = 1000, 5  # texts that are embedded to time encoders; turns, whose median counts
LOSSES = ("cosine+hidden+gram",)
RANKING_LOSSES = "cosine", "cosine+margin_mse", "cosine+listwise_kl"
USUAL = Recipe()


class Learned(NamedTuple):
    """One encoder, measured.

    Attributes:
        record: What is said of it.
        examples: {measure: a number for each held-out text}, {} where it diverged.
        params: What it has learned, without what is its teacher's; None for the teacher.
    """

    record: dict
    examples: Examples
    params: Any = None


EXPECTED = "a list of texts, or what kd.read_texts gives"


class Distiller:
    """Trains and measures what a Problem asks for, one by one."""

    def __init__(
        self,
        problem: Problem,
        compute: Callable[..., outputs.TeacherOutputs] = outputs.outputs,
        execution: Execution = DEFAULT,
    ):
        """Nothing is done yet.

        Args:
            problem: What is asked for.
            compute: (teacher, tokens, layers, report=…) -> the teacher's outputs.
            execution: Where and how.
        """
        self.problem, self.execution, self.compute = problem, execution, compute
        self.outputs = functools.lru_cache(maxsize=2)(self._outputs)
        self.training = functools.lru_cache(maxsize=1)(self._training)

    def _outputs(self, ranked):
        """What the teacher says of the training texts, or of those of the rankings."""
        tokens, layers = self.problem.tokens(ranked), self.problem.imitated(ranked)
        with progress.bar("teacher", len(tokens.ids), "text", delay=DELAY) as report:
            return self.compute(self.problem.teacher, tokens, layers, report=report)

    def _training(self, layers, ranked):
        problem, said = self.problem, self.outputs(ranked)
        own = problem.ranked if ranked else None
        return Training(
            problem.student(layers), said, problem.terms(ranked), problem.recipe,
            lists=own.in_cosines(said.vectors) if own else None,
            temperature=own.temperature if own else 1.0,
            base_seed=problem.base_seed, execution=self.execution,
        )  # fmt: skip

    def teacher(self) -> Learned:
        """The teacher; its record holds the size and speed of all, by row."""
        own, task = self.problem.teacher, self.problem.task
        cuts = [students.of_layers(own, count) for count in self.problem.layers]
        encoders = [own, *(students.encoder_of(own, cut, cut.params) for cut in cuts)]
        names = [TEACHER, *map(rows.cut_name, self.problem.layers)]
        if self.problem.width:
            for count in self.problem.layers:
                student = self.problem.student(count)
                encoders.append(students.encoder_of(own, student, student.params))
                names.append(rows.size_name(count, self.problem.width))
        if self.problem.static:
            encoders.append(self.problem.static_student)
            names.append(rows.static_name(self.problem.static))
        texts = task.held.texts[:TIMED]
        work = [functools.partial(encoder.embed, texts) for encoder in encoders]
        found, _ = costs.costs(encoders, work, len(texts), ROUNDS)
        examples = self.problem.examples(own)
        for itself in ("similarity", "nearest_agreement"):
            examples.pop(itself)
        record = {"seed": 0, "layers": own.network.layers, "costs": dict(zip(names, found))}
        return Learned(record | self._means(examples), examples)

    def cut(self, layers: int) -> Learned:
        """A cut that has not learned.

        Args:
            layers: How many it has.
        """
        student = students.of_layers(self.problem.teacher, layers)
        examples = self._examples(student, student.params)
        return Learned({"seed": 0, "layers": layers, **self._means(examples)}, examples)

    def static(self) -> Learned:
        """The static student."""
        examples = self.problem.examples(self.problem.static_student)
        return Learned({"seed": 0, "layers": 0, **self._means(examples)}, examples)

    def train(self, row: rows.Row, seed: int, execution: Execution = DEFAULT) -> Learned:
        """A student.

        Args:
            row: Its row.
            seed: Its seed.
            execution: Of this student.
        """
        student = self.problem.student(row.layers, seed)
        fitted = self.training(row.layers, row.ranked).fit(
            student, seed, row.losses, label=f"{row.name}, seed {seed}", execution=execution
        )
        examples = {} if fitted.diverged >= 0 else self._examples(student, fitted.params)
        last = {f"train_{name}": float(x[-1]) for name, x in fitted.curves.items()}
        size = rows.size_name(row.layers, self.problem.width)
        cost = size if self.problem.width else row.cut
        known = {"seed": seed, "layers": row.layers, "cut": row.cut, "cost": cost}
        record = records.network_record(
            known, lambda: self._means(examples) | last, fitted.diverged
        )
        learned = {name: x for name, x in fitted.params.items() if name not in student.frozen}
        return Learned(record, {} if "diverged" in record else examples, learned)

    def _examples(self, student, params):
        return self.problem.examples(students.encoder_of(self.problem.teacher, student, params))

    def _means(self, examples):
        dev, test = (self.problem.tested(examples, dev) for dev in (True, False))
        return measures.means(dev, "dev_") | measures.means(test, "test_")


def distill_encoder(
    teacher: Encoder | str | os.PathLike,
    train: Texts | Sequence[str],
    *,
    dev: Texts | Sequence[str] | None = None,
    test: Texts | Sequence[str] | None = None,
    layers: Sequence[int] = (3, 2),
    losses: Sequence[str] = LOSSES,
    seeds: int = 3,
    base_seed: int = 0,
    recipe: Recipe = USUAL,
    max_length: int = 0,
    few: measures.Few = measures.USUAL,
    static: int = 0,
    width: int = 0,
    ranking: str | os.PathLike = "",
    ranking_losses: Sequence[str] = RANKING_LOSSES,
    ranking_temperature: float = ranked.TEMPERATURE,
    execution: Execution = DEFAULT,
    **changes: Any,
) -> EncoderResult:
    """Distill a sentence encoder into shorter ones on texts, and say what they keep of it.

    Students begin as a cut, some of the teacher's layers with its embeddings, and learn its vectors
    on the training texts. They are held against the cut that has not learned, and against the
    teacher, on texts that nobody has learned from.

    Args:
        teacher: A kd.Encoder, the folder of one, or a name on the Hugging Face hub.
        train: Texts, perhaps with labels, of which the measures alone know.
        dev: Texts that the student is chosen on; by default a tenth of the first.
        test: Texts that are read once; by default a tenth of the first.
        layers: Of the students.
        losses: Rows of the table: names of losses, with + between those that are added.
        seeds: Students of each row.
        base_seed: What every random choice follows from.
        recipe: How each learns.
        max_length: Tokens that training texts are cut to; 0: as many as the teacher reads.
        few: Of the probe on few labels.
        static: Numbers of the vectors of a static student, which has no attention, as a last row; 0
            for none.
        width: Of the students' hidden states; 0: as the teacher's. Narrower ones begin with new
            layers, and a projection gives vectors of the teacher's numbers.
        ranking: A .jsonl file of `rankings` that further rows learn from and all rows are compared
            by, on queries that nobody has learned from.
        ranking_losses: Those rows: names of losses, margin_mse and listwise_kl among them.
        ranking_temperature: Of listwise_kl, in units of cosines.
        execution: Where and how.
        **changes: Of the recipe: epochs=2, batch_size=32, learning_rate=1e-3, widths, weights.

    Returns:
        The EncoderResult: print it; its `best` is an Encoder.

    Raises:
        InputError: Something does not fit; one line says what, before anything is trained.
    """
    recipe = changed(recipe, changes)
    layers = [whole("layers", count) for count in several(layers)]
    seeds, base_seed = whole("seeds", seeds), whole("base_seed", base_seed, 0, 2**32)
    max_length, static, width = (
        whole(name, x, 0)
        for name, x in (("max_length", max_length), ("static", static), ("width", width))
    )
    losses, ranking_losses = several(losses), several(ranking_losses)
    others = (None if x is None else _as_texts(x) for x in (dev, test))
    parts = own_texts.parted(
        _as_texts(train), *others, seed=keys.number(base_seed, "draw", "parts")
    )
    teacher = teacher if isinstance(teacher, Encoder) else Encoder(teacher)
    given = None
    if ranking:
        found = rankings.read(ranking, seed=keys.number(base_seed, "draw", "rankings"))
        given = ranked.prepared(teacher, found, max_length, ranking_temperature)
    problem = problems.prepare(
        teacher, parts, layers=layers,
        losses=losses, recipe=recipe, seeds=seeds, base_seed=base_seed, max_length=max_length,
        few=few, static=static, width=width, ranked=given, ranking_losses=ranking_losses,
    )  # fmt: skip
    done = _trained(problem, Distiller(problem, execution=execution), execution)
    learned = {key: one.params for key, one in done.items()}
    named = [{"row": row, **one.record} for (row, _), one in done.items()]
    examples = {key: one.examples for key, one in done.items()}
    return concluded(problem, named, examples, lambda row, seed: learned[row, seed])


def _trained(problem, distiller, execution):
    """{(row, seed): what came of it} of the teacher, cuts and students, in the table's order."""
    done = {(TEACHER, 0): distiller.teacher()}
    for count in problem.layers:
        done[rows.cut_name(count), 0] = distiller.cut(count)
        for row in problem.rows:
            if row.layers == count:
                for seed in range(problem.seeds):
                    done[row.name, seed] = distiller.train(row, seed, execution)
    if problem.static:
        done[rows.static_name(problem.static), 0] = distiller.static()
    return done


def _as_texts(given):
    if isinstance(given, Texts):
        return given
    several_of = isinstance(given, Iterable) and not isinstance(given, str)
    require(several_of, f"{given!r:.60} stands for texts: expected {EXPECTED}")
    texts = list(given)
    for text in texts:
        require(isinstance(text, str), f"{text!r:.60} stands among texts: expected {EXPECTED}")
    return Texts(texts)
