"""Generalists beside specialists: of as many rows, longer, of as many parameters, as many."""

import jax
import numpy as np

from experiments.specialists import rows as named
from experiments.specialists.config import Config
from experiments.specialists.networks import equal_epochs, whole_recipe, wider
from kd_jax.data import Dataset
from kd_jax.distill import ensembles, students, teachers
from kd_jax.distill.students import Arm
from kd_jax.metrics import classification
from kd_jax.training import keys
from kd_jax.training import state as train_state

SPLITS = "validation", "test"


def predicted(model, grid, data: Dataset) -> dict[str, np.ndarray]:
    """{split: logits [S, A, N, C]} of networks [S, A, …]."""
    return {
        split: classification.predict(model.apply, grid, getattr(data, split).inputs)
        for split in SPLITS
    }


def controls(config: Config, data: Dataset, taught, teacher: int, execution) -> dict[str, dict]:
    """{row: {split: logits [1, N, C]}} of what a generalist's specialists are compared with.

    Args:
        config: settings.
        data: the part's.
        taught: the generalist.
        teacher: which of several generalists.
        execution: of the unit.
    """

    def trained(row, what, epochs, start=None, width=0):
        made = whole_recipe(config, data, epochs, what, teacher, width)
        key = keys.key(config.base_seed, what, teacher)[None]
        found = teachers.fit(
            made, key, data.train, start=start, seeds=[teacher], title=row,
            execution=execution.part(what),
        )  # fmt: skip
        logits = predicted(made.model, train_state.one_arm(found), data)
        return {split: x[:, 0] for split, x in logits.items()}

    return {
        named.LONGER: trained(
            named.LONGER, "longer", equal_epochs(config, data), start=taught.variables
        ),
        named.PLATEAU: trained(named.PLATEAU, "plateau", config.plateau_epochs),
        named.WIDER: trained(named.WIDER, "wider", config.wider_epochs, width=wider(config, data)),
        named.ENSEMBLE: ensemble(config, data, taught, teacher, execution.part("ensemble")),
    }


def ensemble(config: Config, data: Dataset, taught, teacher: int, execution) -> dict:
    """{split: logits [1, N, C]} of a generalist and as many more as it has specialists.

    These differ by their initialization alone and see the same batches, as the paper's do.

    Args: as for `controls`.
    """
    made = whole_recipe(config, data, config.epochs, "ensemble", teacher)
    each = keys.keys(config.base_seed, "ensemble", teacher, count=config.specialists)

    def own(_):
        first = train_state.initialize(made.model.init)(each)["params"]
        return jax.tree.map(lambda x: np.asarray(x)[None], first)

    arms = [Arm(f"{named.ENSEMBLE} {n}", label_weight=1.0) for n in range(config.specialists)]
    params, _ = students.fit(
        made, arms, data.train, {"teacher": taught.logits["train"][0]}, each[:1], adjust=own,
        label=named.ENSEMBLE, execution=execution,
    )  # fmt: skip
    members = predicted(made.model, params, data)
    return {
        split: ensembles.arithmetic_mean(np.concatenate([taught.logits[split], x[0]]))[None]
        for split, x in members.items()
    }
