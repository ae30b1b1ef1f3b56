"""A data set as its students see it: with the logits of one teacher, or of one teacher per seed."""

from typing import Any, NamedTuple

import jax
import numpy as np

from kd_jax import controls, evaluate, supervised, teacher
from kd_jax.data import Split


class Lesson(NamedTuple):
    """What students are trained and measured on.

    arrays, own: the rows that all seeds share and those of each seed, as students.fit takes them.
    test_logits: the teachers', shaped to broadcast against students [S, A, N, C].
    metrics: the teachers' own on the test {name: [S]}. fingerprint: of what taught it.
    """

    arrays: dict
    own: dict
    test: Split
    test_logits: Any
    metrics: dict
    fingerprint: str


class Teaching(NamedTuple):
    """How teachers come to be: a kd_jax.models.Model, an optimiser, one key per teacher, an order.

    facts: JSON-like, what else they depend on: settings, digest of the data, code.
    """

    label: str
    model: Any
    optimizer: Any
    keys: Any
    order: Any
    epochs: int
    facts: dict
    augment: Any = None


def one_per_seed(teaching, data, store, permutation_seed):
    """Teachers [S, …] of a Dataset, that of seed s for student s; source 1 is `controls.permuted`.

    Args: store: (workdir, retrain); permutation_seed: of the first seed's shuffle, then upwards.
    """
    taught, logits, test_logits = _taught(teaching, data, store)
    altered = [
        controls.permuted(each, data.train.labels, permutation_seed + seed)
        for seed, each in enumerate(logits)
    ]
    own = {"teachers": np.stack([logits, altered], axis=2)}
    arrays = data.train._asdict()
    metrics = _metrics(test_logits, data.test)
    return Lesson(arrays, own, data.test, test_logits[:, None], metrics, taught.fingerprint)


def one_for_all(teaching, data, store):
    """The only teacher of a Dataset, for students of every seed. Args: as for one_per_seed."""
    taught, logits, test_logits = _taught(teaching, data, store)
    arrays = {**data.train._asdict(), "teachers": logits[0][:, None]}
    metrics = _metrics(test_logits, data.test)
    return Lesson(arrays, {}, data.test, test_logits[0], metrics, taught.fingerprint)


def _taught(teaching, data, store):
    """The store's teachers [S, …] and their logits [S, N, C] on training and test inputs."""
    workdir, retrain = store
    model = teaching.model

    def fit(snapshots):
        return supervised.fit(
            teaching.label, model, teaching.optimizer, teaching.keys, data.train, teaching.order,
            epochs=teaching.epochs, augment=teaching.augment, snapshots=snapshots,
        )  # fmt: skip

    like = jax.eval_shape(jax.vmap(model.init), teaching.keys)
    taught = teacher.fit_or_restore(workdir, teaching.facts, fit, like, retrain=retrain)
    apply = jax.vmap(lambda p, x: model.apply(p, x)[0], in_axes=(0, None))
    splits = (data.train, data.test)
    return taught, *(teacher.outputs(taught, apply, split.inputs) for split in splits)


def _metrics(logits, split):
    """{test_…: [S]} of teachers [S, N, C]."""
    found = evaluate.measure(logits, split.labels)
    return {f"test_{name}": np.asarray(values) for name, values in found.items()}
