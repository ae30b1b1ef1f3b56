"""Students taught by cached teacher logits: every row of a table is an arm of one program.

An arm is a point in the mixture that the 2015 paper and its controls span,

    soft · T² KL(teacher ‖ student) + hard · CE(labels smoothed by epsilon, student),

so labels only, label smoothing, soft targets at any temperature, mixtures with the labels and
altered teachers differ by numbers alone and are compiled once.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import losses
from kd_jax.metrics import classification
from kd_jax.metrics.records import of_metrics
from kd_jax.runtime import progress
from kd_jax.training import loop
from kd_jax.training import state as train_state


class Arm(NamedTuple):
    """One row of a table, trained once per seed.

    row: its name; family: rows that differ by temperature only share one; source: which of the
    teachers stacked in the data's "teachers" [N, K, C].
    """

    row: str
    family: str
    temperature: float = 1.0
    soft: float = 0.0
    hard: float = 0.0
    epsilon: float = 0.0
    source: int = 0


NUMBERS = ("temperature", "soft", "hard", "epsilon", "source")


def over_temperatures(family, temperatures, **numbers):
    """One Arm of the family per temperature."""
    return [Arm(f"{family}, T={t:g}", family, t, **numbers) for t in temperatures]


def mixture(apply, view=None):
    """The loss of an arm, whose numbers come with the batch.

    The batch holds "inputs" [B, …], "labels" [B], "teachers" [B, K, C] (K logit vectors to choose
    from) and the arm's own `NUMBERS`. view: (batch, key) -> batch, what a step sees of it.
    Source: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.
    """

    def loss_fn(params, batch, key):
        if view:
            view_key, key = jax.random.split(key)
            batch = view(batch, view_key)
        logits, _ = apply(params, batch["inputs"], train=True, key=key)
        source = jnp.take(batch["teachers"], batch["source"], axis=1)
        soft = losses.soft_targets(logits, source, temperature=batch["temperature"])
        hard = losses.label_smoothing(logits, batch["labels"], epsilon=batch["epsilon"])
        return jnp.mean(batch["soft"] * soft + batch["hard"] * hard), {}

    return loss_fn


def fit(
    model,
    optimizer,
    arms,
    keys,
    data,
    order,
    *,
    epochs,
    label=None,
    seeds=None,
    own=None,
    view=None,
    adjust=None,
    watch=None,
    snapshots=None,
):
    """Parameters [S, A, …] of every arm for every seed, trained in one program, and the curves.

    Among the curves is {"diverged": [S, A]}, see train.diverged.

    Args: keys [S], one per seed; data and own: see `mixture` for the names they must hold between
      them, and for view; adjust: changes the initial parameters [S, A, …]; label: of the bar;
      order, epochs, seeds, watch, snapshots: as for train.fit.
    """
    state = train_state.members(model.init, optimizer, keys, len(arms))
    if adjust:
        state = state._replace(params=adjust(state.params))
    numbers = {
        name: np.tile(np.array([getattr(arm, name) for arm in arms]), (len(keys), 1))
        for name in NUMBERS
    }
    with progress.bar(label or f"{numbers['soft'].size} students", epochs) as report:
        state, curves = loop.fit(
            mixture(model.apply, view),
            optimizer,
            state,
            data,
            order,
            epochs=epochs,
            seeds=seeds,
            own=own,
            numbers=numbers,
            watch=watch,
            report=report,
            snapshots=snapshots,
        )
    return state.params, {**curves, "diverged": train_state.diverged(state)}


def measure(model, params, split, teacher_logits):
    """{metric: [S, A]} of students on a split.

    Args: teacher_logits of the same inputs: [N, C], or [S, N, C] when each seed has its teacher.
    """
    logits = classification.predict(model.apply, params, split.inputs)
    if teacher_logits.ndim == 3:
        teacher_logits = teacher_logits[:, None]
    found = classification.measure(logits, split.labels, teacher_logits)
    return {name: np.asarray(values) for name, values in found.items()}


def records(arms, diverged, **measured):
    """One record per arm and seed, with each metric under its split's name (test_errors, …).

    Args: diverged [S, A]: of the curves of `fit`.
    """
    found = []
    for a, arm in enumerate(arms):
        metrics = {
            f"{split}_{name}": values[:, a]
            for split, of_split in measured.items()
            for name, values in of_split.items()
        }
        more = {"family": arm.family, "temperature": arm.temperature}
        found += of_metrics(arm.row, metrics, diverged[:, a], **more)
    return found
