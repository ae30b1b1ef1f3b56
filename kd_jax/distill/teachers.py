"""Supervised training of teachers, which are stored, and their outputs.

A teacher is found by what it depends on: its recipe, training rows and keys, whoever asks for it.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax import fingerprint, losses
from kd_jax.metrics import classification, examples
from kd_jax.metrics.records import seed_records
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.storage import model_store
from kd_jax.training import loop, optimizers
from kd_jax.training import state as train_state


class NetworkRecipe(NamedTuple):
    """How a network is trained.

    model: a kd_jax.models.Model. optimizer: of optax. sampler: (seed, epoch) -> indices
    [steps, B] of the batches. augment: (key, input) -> input, or None.
    """

    model: Any
    optimizer: Any
    sampler: Callable
    epochs: int
    augment: Callable | None = None


def adam_recipe(
    model: Any, peak: float, sampler: Callable, epochs: int, augment: Callable | None = None
) -> NetworkRecipe:
    """The NetworkRecipe of Adam with a cosine decay from `peak` to zero, see optimizers.adam.

    Args:
        model: a kd_jax.models.Model.
        peak: the first learning rate.
        sampler: as for `NetworkRecipe`.
        epochs: as for `NetworkRecipe`.
        augment: as for `NetworkRecipe`.
    """
    return NetworkRecipe(model, optimizers.adam(peak, epochs, sampler), sampler, epochs, augment)


class Teachers(NamedTuple):
    """Teachers [S, …]: row, Model, variables, {split: logits [S, N, C]}, fingerprint, seconds.

    seconds: what their training took, summed over them.
    """

    row: str
    model: Any
    variables: Any
    logits: dict
    fingerprint: str
    seconds: float

    def records(self, data: Any, splits: Sequence[str] = ("test",), **known) -> list[dict]:
        """One record per teacher with its metrics on splits of a Dataset, and what is known."""
        found: dict = {}
        for split in splits:
            found |= metrics(self.logits[split], getattr(data, split).labels, split)
        return seed_records(self.row, found, **known)


@functools.lru_cache(maxsize=8)  # trainings of one loss share their programs
def loss(apply: Callable, augment: Callable | None = None) -> Callable:
    """Mean cross-entropy of a Batch's rows "inputs" and "labels".

    Args:
        apply: of a Model.
        augment: (key, input) -> input, drawn anew for each example and step.
    """

    def loss_fn(variables, batch, key):
        augment_key, dropout_key = jax.random.split(key)
        inputs = batch.rows["inputs"]
        if augment:
            inputs = jax.vmap(augment)(jax.random.split(augment_key, len(inputs)), inputs)
        (logits, _), state = apply(variables, inputs, train=True, key=dropout_key)
        hard = losses.cross_entropy(logits, batch.rows["labels"])
        return train_state.Outcome(jnp.mean(hard), state=state)

    return loss_fn


def label(row: str, seeds: Sequence[int]) -> str:
    """What a bar calls networks of a row: '5 × teacher', or 'teacher, seed 2' for one alone."""
    return f"{row}, seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} × {row}"


def fit(
    recipe: NetworkRecipe,
    keys: jax.Array,
    split: Any,
    *,
    start: Any = None,
    own: dict | None = None,
    seeds: Sequence[int] | None = None,
    title: str = "teacher",
    execution: Execution = DEFAULT,
) -> Any:
    """Parameters [S, …] of one network per key, trained on the labels of a Split.

    Args:
        recipe: how.
        keys: [S].
        split: inputs and labels.
        start: parameters [S, …] that training begins at (default: the model's, of each key).
        own: as for loop.fit, like labels [S, N] of each network's own.
        seeds: [S], the numbers that the sampler is asked with (default 0, 1, …).
        title: of the progress bar.
        execution: as for loop.fit.
    """
    seeds = range(len(keys)) if seeds is None else seeds
    if start is None:
        state = train_state.members(recipe.model.init, recipe.optimizer, keys)
    else:
        state = train_state.copies(start, recipe.optimizer, keys)
    with execution.bar(label(title, seeds), recipe.epochs) as report:
        state, _ = loop.fit(
            loss(recipe.model.apply, recipe.augment),
            recipe.optimizer,
            state,
            {"inputs": split.inputs, "labels": split.labels},
            recipe.sampler,
            epochs=recipe.epochs,
            seeds=seeds,
            own=own,
            report=report,
            execution=execution,
        )
    return train_state.arm_variables(state)


def one(
    row: str, recipe: NetworkRecipe, key: jax.Array, data: Any, run: Any, *, seed: int = 0
) -> Teachers:
    """One teacher, trained or restored: Teachers [1, …], as `together` gives them for one key.

    Args:
        row: as for `together`.
        recipe: as for `together`.
        key: of its initialization and dropout.
        data: as for `together`.
        run: as for `together`.
        seed: which of several teachers it is, as the sampler is asked and the bar says.
    """
    return _stored(row, recipe, key[None], [seed], data, run)


def together(row: str, recipe: NetworkRecipe, keys: jax.Array, data: Any, run: Any) -> Teachers:
    """Teachers of one recipe, one per key, all trained in one program, or restored.

    Best for small networks.

    Args:
        row: their name in tables.
        recipe: how each is trained, on the training rows of `data`.
        keys: [S].
        data: a Dataset.
        run: a run_folder.Run, which is opened.

    Raises:
        InputError: the recipe holds what no fingerprint can be made of, see fingerprint.value.
    """
    return _stored(row, recipe, keys, range(len(keys)), data, run)


def metrics(logits: np.ndarray, labels: np.ndarray, split: str = "test") -> dict:
    """{split_metric: [S]} of teachers' logits [S, N, C]; of the test also which are right.

    Without the NLL where that is infinite: of a teacher that excludes a label, by a logit of −∞.
    """
    found = {name: np.asarray(x) for name, x in classification.measure(logits, labels).items()}
    found = {name: x for name, x in found.items() if not np.isposinf(x).any()}
    if split == "test":
        found[examples.RIGHT] = classification.right(logits, labels)
    return {f"{split}_{name}": x for name, x in found.items()}


@functools.lru_cache(maxsize=8)  # teachers of one network share its programs
def _logits(apply):
    return jax.vmap(lambda variables, inputs: apply(variables, inputs)[0][0], in_axes=(0, None))


def _stored(row, recipe, keys, seeds, data, run):
    facts: dict = {"recipe": fingerprint.value(recipe), "fit": fingerprint.code(fit)}

    def train(execution):
        return fit(recipe, keys, data.train, seeds=seeds, title=row, execution=execution)

    return stored(row, recipe.model, facts, train, keys, data, run, seeds=seeds)


def stored(
    row: str,
    model: Any,
    facts: dict,
    train: Callable[[Execution], Any],
    keys: jax.Array,
    data: Any,
    run: Any,
    *,
    seeds: Sequence[int],
) -> Teachers:
    """Teachers [S, …], trained or restored, with their logits on every split of a Dataset.

    Args:
        row: their name in tables.
        model: of each.
        facts: JSON-like, all that decides what they are beside the training rows, keys and seeds.
        train: (execution) -> variables [S, …].
        keys: [S].
        data: a Dataset, on whose training rows they are trained.
        run: a run_folder.Run, which is opened.
        seeds: [S], their numbers.
    """
    run.open()
    facts = {**facts, "data": fingerprint.arrays(data.train)}
    facts |= {"keys": fingerprint.value(keys), "seeds": list(seeds)}
    like = train_state.initialize(model.init).eval_shape(keys)  # traced once, for fit too

    def resumed(snapshots):
        return train(run.execution._replace(snapshots=snapshots))

    found = model_store.of_run(run, facts, resumed, like, row=row, data=data.name)
    word = "restored" if found.restored else f"trained in {found.seconds:.0f} s"
    print(f"{label(row, seeds)}: {word} ({found.folder})")
    apply = _logits(model.apply)
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    logits = {
        name: model_store.outputs(found, apply, split.inputs)
        for name, split in splits.items()
        if len(split.labels)
    }
    return Teachers(row, model, found.params, logits, found.fingerprint, found.seconds)
