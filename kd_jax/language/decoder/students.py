"""Students of a decoder: trained by an objective from one start, and measured beside the teacher.

All have the same start and, seed by seed, the same batches in the same order.
"""

import dataclasses
import os
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import fingerprint
from kd_jax.errors import counted, require
from kd_jax.language import answers, student_loss, teacher_outputs, tokens
from kd_jax.language.decoder import drafting, lora, measure, measure_across, quantized, rounds
from kd_jax.language.decoder.across import Across
from kd_jax.language.decoder.starts import Start
from kd_jax.language.objectives import Objective, labels
from kd_jax.language.teacher_cache import DecoderTeacher, TeacherCache
from kd_jax.language.tokens import Packed, Texts
from kd_jax.models import llama_unrolled
from kd_jax.pretrained.load import ChatModel
from kd_jax.training import keys, optimizers, sequential
from kd_jax.training.sequential import Fitted

AT_ONCE = 256  # tokens whose logits are in memory
_rounded = jax.jit(quantized.rounded, static_argnums=1)


class Recipe(NamedTuple):
    """How students learn.

    Attributes:
        epochs: Passes over the rows.
        batch_size: Rows of a step.
        learning_rate: The peak, after a tenth of the steps.
        base_seed: Of all orders and samples.
        bfloat16: Whether layers compute in it.
        remat: Whether layers are computed again for the gradient.
        lora_rank: r of adapters that are trained instead of all parameters; 0: none.
        lora_alpha: α of them.
        again: Whether the teacher reads what is cached once more.
        quantize: How matrices are rounded while they learn, one of quantized.BITS; "": not.
        measured: Tokens that are written to measure speeds and accepted drafts.
    """

    epochs: int = 1
    batch_size: int = 4
    learning_rate: float = 5e-4
    base_seed: int = 0
    bfloat16: bool = False
    remat: bool = False
    lora_rank: int = 0
    lora_alpha: float = 16.0
    again: bool = False
    quantize: str = ""
    measured: int = 32


class Students:
    """Trains and measures students of one start."""

    def __init__(
        self,
        teacher: ChatModel,
        start: Start,
        train: Packed | Texts,
        test: Packed,
        recipe: Recipe,
        workdir: str | os.PathLike,
        top: dict[str, np.ndarray] | None = None,
        across: Across | None = None,
        asked: Texts | None = None,
    ):
        """Nothing is computed yet.

        Args:
            teacher: A ChatModel.
            start: Of the students.
            train: What they learn from.
            test: What they are measured on.
            recipe: How they learn.
            workdir: The folder of all runs, in which the teacher's outputs are cached.
            top: What objectives of the likeliest tokens learn from in place of the teacher's own
                outputs, of top_k_files.rows.
            across: The texts in the teacher's tokens, where the students' are others.
            asked: Whose prompts are answered, to measure how long and how sure answers are.

        Raises:
            InputError: There are too few rows for a batch.
        """
        dtype = jnp.bfloat16 if recipe.bfloat16 else jnp.float32
        net = dataclasses.replace(teacher.net, dtype=dtype)
        count = len(train.answers.ids)
        require(
            count >= recipe.batch_size, f"{counted(count, 'row')} of texts "
            f"do{'es' * (count == 1)} not fill a batch of --batch_size={recipe.batch_size}: "
            "expected more texts, a smaller batch, or shorter rows (--max_length, or --nopack for "
            "one text in each)",
        )  # fmt: skip
        self.teacher = DecoderTeacher(
            net, jax.device_put(teacher.params), fingerprint.arrays(teacher.params), teacher.stop
        )
        self.net = dataclasses.replace(start.net, dtype=dtype, remat=recipe.remat)
        self.start, self.recipe, self.train_rows, self.test = start.params, recipe, train, test
        self.cache = TeacherCache(self.teacher, workdir, recipe.batch_size, again=recipe.again)
        self.rounds = rounds.of(count, recipe.batch_size, recipe.epochs)
        self.read_out = teacher_outputs.read_out(teacher.params, net.variant.logits_cap)
        self.top, self.across, self.asked = top, across, asked
        self._writers = [answers.sampler(of, teacher.stop) for of in (net, self.net)]
        self.evaluate = (measure_across if across else measure).evaluator(self.net)
        drawn = keys.key(recipe.base_seed, "samples", "drafts")
        self.drafts = (
            _none if across
            else drafting.measurer(self.teacher, self.net, drawn, recipe.measured)
        )  # fmt: skip
        self._trainings: dict[str, sequential.Sequential] = {}

    def fit(self, objective: Objective, seed: int, execution: Any) -> Fitted:
        """A student of an objective.

        Args:
            objective: What it learns from.
            seed: Of the order of its batches.
            execution: A runtime.execution.Execution: snapshots, devices.
        """
        if objective.row not in self._trainings:
            self._trainings.clear()  # the one before is let go
            self._trainings[objective.row] = self._training(objective)
        training = self._trainings[objective.row]
        label, (_, start) = f"{objective.row}, seed {seed}", self._begun()
        steps = self.rounds.steps
        fitted = training.fit(start, seed, label=label, execution=execution, steps=steps)
        if self.recipe.lora_rank:
            whole = lora.merged(self.start, fitted.params, self._scale())
        else:
            whole = llama_unrolled.stacked(fitted.params)
        return fitted._replace(params=self.rounded(whole))

    def rounded(self, params: Any) -> Any:
        """Parameters as they are measured and written.

        Args:
            params: Of a student.
        """
        if self.recipe.quantize:
            params = _rounded(params, self.recipe.quantize)
        return jax.tree.map(np.asarray, params)

    def _begun(self):
        """The network that is trained, and what of it as it begins: all parameters, or adapters."""
        recipe = self.recipe
        if not recipe.lora_rank:
            return llama_unrolled.for_long(self.net, self.start)
        return self.net, lora.adapters(self.start, recipe.lora_rank, recipe.base_seed)

    def _scale(self):
        return self.recipe.lora_alpha / self.recipe.lora_rank

    def _training(self, objective):
        recipe, key = self.recipe, keys.key(self.recipe.base_seed, "student")
        order = keys.key(recipe.base_seed, "student", "order")
        shared, on_policy = self.read_out, None
        if objective.on_policy_fraction:  # its own texts are new: the whole teacher reads them
            shared, fraction = self.teacher.params | shared, objective.on_policy_fraction
            on_policy = student_loss.on_policy(
                self.net, self.teacher.net, fraction, self.teacher.stop
            )
        rows, size = self._rows(objective), recipe.batch_size
        learned = rows["texts"].answers
        chunks = tokens.token_chunks(learned.take(slice(size)), AT_ONCE)
        sampler = rounds.sampler(order, len(learned.ids), size, self.rounds)
        net, begun = self._begun()
        loss, given = student_loss.loss(net, objective, 1, on_policy, chunks), {}
        if recipe.quantize:
            loss = quantized.rounding(loss, recipe.quantize)
        if recipe.lora_rank:
            loss, given = lora.adapted(loss, self._scale()), {"base": self.start}
        return sequential.Sequential(
            loss, optimizers.adamw_warmup_cosine(recipe.learning_rate, self.rounds.all_steps),
            begun, rows, sampler, key, epochs=self.rounds.number,
            shared={"teacher": shared, **given},
        )  # fmt: skip

    def _rows(self, objective):
        """What an objective's students read."""
        if objective.term is labels and not objective.teacher_texts:
            return {"texts": self.train_rows}  # nothing of the teacher
        if objective.top_k and self.top is not None:
            return {"texts": self.train_rows, **self.top}
        if self.across is not None:
            theirs = self.across.train
            both, hidden = theirs.answers.mask, self.cache.hidden(theirs)
            return {"texts": self.train_rows, "both": both, "hidden": hidden}
        samples = keys.key(self.recipe.base_seed, "samples")
        return self.cache.rows(objective, self.train_rows, samples)

    def measure(self, params: Any) -> dict[str, np.ndarray]:
        """Sums of every held-out text of a student; see measure.evaluator and measure_across.

        Args:
            params: Of it.
        """
        size, across = self.recipe.batch_size, self.across
        if across is not None:
            hidden = self.cache.hidden(across.test)
            return self.evaluate(params, self.test, across.test, hidden, self.read_out, size)
        hidden = self.cache.hidden(self.test)
        return self.evaluate(params, self.test, hidden, self.read_out, size)

    def written(self, params: Any, of_teacher: bool = False) -> dict[str, float]:
        """How long and how sure of themselves answers are, see answers.sampler; {} if none asked.

        Args:
            params: Of a student, or of the teacher.
            of_teacher: Whether they are the teacher's.
        """
        if self.asked is None:
            return {}
        key = keys.key(self.recipe.base_seed, "samples", "measured")
        write = self._writers[not of_teacher]
        return write(params, self.asked, self.recipe.batch_size, key)

    def measure_teacher(self) -> dict[str, np.ndarray]:
        """The same of the teacher itself."""
        size, across = self.recipe.batch_size, self.across
        if across is not None:
            hidden, read = self.cache.hidden(across.own), self.read_out
            return measure_across.of_teacher(across, self.test, hidden, read, size)
        hidden = self.cache.hidden(self.test)
        return measure.of_teacher(self.test, hidden, self.read_out, size)


def _none(*of: Any) -> dict[str, int]:
    """Drafts in other tokens than the teacher's, of which it accepts none."""
    return {}
