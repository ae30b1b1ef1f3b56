"""Teachers that were students: networks that learned an arm's objective, stored like teachers.

Teacher assistants (Mirzadeh et al. 2019, arXiv 1902.03393), generations of born-again networks
(Furlanello et al. 2018, arXiv 1805.04770) and teachers of smoothed labels (Mueller, Kornblith and
Hinton 2019, arXiv 1906.02629) are networks that teach and that something else than plain labels
has taught. Like any teacher they are found by what they depend on.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from kd_jax import fingerprint
from kd_jax.distill import students, teachers
from kd_jax.distill.objective import NUMBERS, Arm
from kd_jax.runtime.execution import Execution


def one(
    row: str,
    recipe: teachers.NetworkRecipe,
    arm: Arm,
    key: Key[Array, ""],
    data: Any,
    logits: Float[np.ndarray, "N C"] | None,
    run: Any,
    *,
    seed: int = 0,
) -> teachers.Teachers:
    """A network that learned an arm's objective, trained or restored: Teachers [1, …].

    Args:
        row: Its name in tables.
        recipe: How; of an input that its augment changes, its teacher says what it said before.
        arm: Its objective.
        key: Of its initialization, augmentation and dropout.
        data: A Dataset, on whose training rows it learns.
        logits: Of its teacher, for these rows; None where the arm has labels alone.
        run: A run_folder.Run, which is opened.
        seed: Which of several it is, as the sampler is asked.
    """
    split = data.train
    taught = np.zeros((len(split.labels), data.classes), np.float32) if logits is None else logits
    facts: dict = {"recipe": fingerprint.value(recipe), "fit": fingerprint.code(students.fit)}
    facts |= {"arm": {name: getattr(arm, name) for name in NUMBERS}}
    facts |= {"views": fingerprint.code(augmented), "taught by": fingerprint.arrays(taught)}

    def train(execution: Execution) -> Any:
        views = augmented(recipe.augment) if recipe.augment else None
        variables, _ = students.fit(
            recipe, [arm], split, {arm.teacher: taught}, key[None], seeds=[seed],
            label=teachers.label(row, [seed]), views=views, execution=execution,
        )  # fmt: skip
        return jax.tree.map(lambda x: np.asarray(x)[:, 0], variables)

    return teachers.stored(row, recipe.model, facts, train, key[None], data, run, seeds=[seed])


@functools.lru_cache(maxsize=8)  # trainings of one augmentation share their programs
def augmented(augment: Callable) -> Callable[[Mapping, Array], dict]:
    """What a step sees of a batch: its inputs augmented, each by a draw of its own.

    Args:
        augment: (key, input) -> input.
    """

    def see(rows, key):
        keys = jax.random.split(key, len(rows["inputs"]))
        return {**rows, "inputs": jax.vmap(augment)(keys, rows["inputs"])}

    return see
