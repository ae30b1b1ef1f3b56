"""Metrics of speech networks: frame accuracy and word errors on held-out recordings."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from experiments.speech_ensemble import data
from experiments.speech_ensemble import rows as named
from kd_jax.distill import ensembles, students, teachers
from kd_jax.metrics import by_epoch, classification, examples, records

SPLITS = "train", "validation", "test"


def word_errors(
    logits: Float[np.ndarray, "... N 30"],
    recording: Int[np.ndarray, " N"],
    digits: Int[np.ndarray, " R"],
) -> Int[np.ndarray, "..."]:
    """Recordings whose digit is not the most probable one.

    The score of digit d is Σ_t log Σ_{states of d} p(state | frame t), over the recording's frames.

    Args:
        logits: of the states in every frame.
        recording: the number of each frame's recording, ascending.
        digits: what is said in each recording.
    """
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    of_states = log_p.reshape(*log_p.shape[:-1], -1, data.STATES)
    of_digit = np.logaddexp.reduce(of_states, axis=-1)
    first = np.searchsorted(recording, np.arange(len(digits)))
    scores = np.add.reduceat(of_digit, first, axis=-2)
    return (classification.most_probable(scores) != digits).sum(-1)


def measured(spoken: data.Speech, logits: dict) -> dict:
    """{metric: [S]} of logits {"train", "validation" and "test": [S, N, C]}."""
    right = classification.most_probable(logits["train"]) == spoken.frames.train.labels
    found = {"train_accuracy": np.asarray(right).mean(-1)}
    for name, of_split in [(name, x) for name, x in logits.items() if name != "train"]:
        labels = getattr(spoken.frames, name).labels
        metrics = classification.measure(of_split, labels)
        found |= {f"{name}_{metric}": np.asarray(x) for metric, x in metrics.items()}
        words = spoken.recording[name], spoken.digits[name]
        found[f"{name}_word_errors"] = word_errors(of_split, *words)
    right = classification.most_probable(logits["test"]) == spoken.frames.test.labels
    return found | {f"test_{examples.RIGHT}": by_recording(spoken, np.asarray(right))}


def by_recording(spoken: data.Speech, right: Bool[np.ndarray, "*S N"]) -> Shaped[np.ndarray, "*S"]:
    """How many frames of each recording of the test are right, as records keep it.

    Frames of a recording are right or wrong together: other recordings are what intervals are for.

    Args:
        spoken: the data.
        right: whether each frame is.
    """
    sizes = np.bincount(spoken.recording["test"])
    counts = np.add.reduceat(right.astype(int), np.cumsum(sizes) - sizes, axis=-1)
    return examples.packed_counts(counts, sizes)


def of_ensemble(spoken: data.Speech, members: teachers.Teachers) -> list[dict]:
    """Records of the members and of their means."""
    logits = {name: members.logits[name] for name in SPLITS}
    found = records.seed_records(named.MEMBER, measured(spoken, logits))
    for row, mean in (
        (named.ENSEMBLE, ensembles.arithmetic_mean),
        (named.GEOMETRIC, ensembles.geometric_mean),
    ):
        of_mean = {name: mean(x)[None] for name, x in logits.items()}
        found += records.seed_records(row, measured(spoken, of_mean))
    return found


def of_students(
    spoken: data.Speech, model, params, arms: Sequence[students.Arm], diverged: np.ndarray
) -> list[dict]:
    """Records of students [S, A], arm by arm, as logits of all would fill the memory.

    Args:
        spoken: the data.
        model: of the students.
        params: leaves [S, A, …].
        arms: A of them.
        diverged: [S, A], of the curves of students.fit.
    """
    found = []
    for a, arm in enumerate(arms):
        one = jax.device_put(jax.tree.map(lambda x, a=a: np.asarray(x)[:, a : a + 1], params))
        logits = {
            name: classification.predict(model.apply, one, getattr(spoken.frames, name).inputs)
            for name in SPLITS
        }
        of_arm = measured(spoken, {name: x[:, 0] for name, x in logits.items()})
        known = {"family": arm.family or arm.row, "temperature": arm.temperature}
        found += records.seed_records(arm.row, of_arm, diverged[:, a], **known)
    return found


def counted(model, recordings: int, variables, arrays: dict) -> dict:
    """{split: accuracy} of one network, and "counts" [R], right frames of the test's recordings.

    Args:
        model: of the network.
        recordings: R of the test.
        variables: of the network.
        arrays: {split: its rows}, those of the test with the "recording" of each frame.
    """
    test = arrays["test"]
    chosen = classification.most_probable(model.logits(variables, test["inputs"]))
    right = (chosen == test["labels"]).astype(jnp.float32)
    counts = jax.ops.segment_sum(right, test["recording"], num_segments=recordings)
    return by_epoch.accuracies(model, variables, arrays) | {"counts": counts}


def at_epochs(
    row: str, curves: dict, epochs: Int[np.ndarray, " S"], sizes: np.ndarray
) -> list[dict]:
    """Records of a row at one epoch [S] of its curves, see metrics.by_epoch.

    Args:
        row: its name.
        curves: {split: [S, epochs]}, and "counts" [S, epochs, R] of the test.
        epochs: of each student.
        sizes: [R], frames of each recording of the test.
    """
    counts = curves["counts"][np.arange(len(epochs)), epochs].astype(int)
    of_splits = {name: x for name, x in curves.items() if name != "counts"}
    texts = map(str, examples.packed_counts(counts, sizes))
    found = by_epoch.at_epochs(row, of_splits, epochs)
    return [record | {f"test_{examples.RIGHT}": text} for record, text in zip(found, texts)]


def of_all_recordings(spoken: data.Speech, members: teachers.Teachers) -> list[dict]:
    """The record of the member that saw all recordings and is the teacher of those of few."""
    splits = {name: getattr(spoken.frames, name) for name in SPLITS}
    right = {
        f"{name}_accuracy": np.mean(members.logits[name][:1].argmax(-1) == split.labels, axis=-1)
        for name, split in splits.items()
    }
    one = members.logits["test"][:1].argmax(-1) == spoken.frames.test.labels
    right[f"test_{examples.RIGHT}"] = by_recording(spoken, one)
    return records.seed_records(named.WHOLE, right)
