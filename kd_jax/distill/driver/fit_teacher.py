"""A teacher of one's own, trained on the labels and ready to teach: a Network."""

import sys
from typing import Any

import jax
import numpy as np

from kd_jax.arguments import whole
from kd_jax.data import Split
from kd_jax.distill import teachers
from kd_jax.distill.driver import given_rows, running_averages
from kd_jax.distill.driver.recipe import USUAL, Recipe
from kd_jax.errors import require
from kd_jax.export.network import Network
from kd_jax.models import Model, fitted
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.training import keys
from kd_jax.training import state as train_state


def fit_teacher(
    model: Model,
    train: Split,
    *,
    recipe: Recipe = USUAL,
    base_seed: int = 0,
    execution: Execution = DEFAULT,
) -> Network:
    """Train a network on labels, so that it can teach.

    Args:
        model: A kd.Model, or what kd.from_flax, from_nnx, from_equinox or from_haiku gives.
        train: kd.Split(inputs [N, …], labels [N]).
        recipe: How it is trained.
        base_seed: What its initialization and order follow from.
        execution: Where and how.

    Returns:
        The Network, which kd.distill takes as a teacher with features. Where batch norm's running
        averages lag behind, a line on standard error says so.

    Raises:
        InputError: The rows or the network do not fit.
    """
    base_seed = whole("base_seed", base_seed, 0, 2**32)
    require(isinstance(model, Model), f"model is {type(model).__name__}: expected a kd.Model")
    rows = given_rows.checked("train", train)
    require(rows.labels is not None, "train has no labels: a teacher learns from them")
    classes = int(rows.labels.max()) + 1
    model = fitted(model, rows.inputs[:2], None, "the teacher")
    plan = recipe.of(model, len(rows.inputs), keys.key(base_seed, "teacher", "order"))
    first = keys.key(base_seed, "teacher")[None]
    found: Any = teachers.fit(plan, first, rows, execution=execution)
    lags = running_averages.lagging(model, found, rows)
    if lags is not None:
        print(running_averages.of_teacher("The teacher", lags), file=sys.stderr)
    variables = jax.tree.map(np.asarray, train_state.at(found, 0))
    names = [str(number) for number in range(classes)]
    return Network(model, variables, names, rows.inputs.shape[1:], str(rows.inputs.dtype))
