"""What networks of speech are measured by: frames and words, on held-out recordings."""

import jax.numpy as jnp
import numpy as np

from experiments.speech_ensemble import data
from experiments.speech_ensemble import rows as named
from kd_jax.distill import ensembles
from kd_jax.metrics import classification, records


def word_errors(logits, recording, digits):
    """Recordings [...] whose digit is not the most probable one of logits [..., N, 30].

    The score of digit d is Σ_t log Σ_{states of d} p(state | frame t), over the recording's frames.

    Args: recording [N]: the number of each frame's recording, ascending; digits [R].
    """
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    of_states = log_p.reshape(*log_p.shape[:-1], -1, data.STATES)
    of_digit = np.logaddexp.reduce(of_states, axis=-1)
    first = np.searchsorted(recording, np.arange(len(digits)))
    scores = np.add.reduceat(of_digit, first, axis=-2)
    return (scores.argmax(-1) != digits).sum(-1)


def measured(spoken, logits):
    """{metric: [S]} of logits {"validation" and "test": [S, N, C]}."""
    found = {}
    for name, of_split in logits.items():
        labels = getattr(spoken.frames, name).labels
        metrics = classification.measure(of_split, labels)
        found |= {f"{name}_{metric}": np.asarray(x) for metric, x in metrics.items()}
        words = spoken.recording[name], spoken.digits[name]
        found[f"{name}_word_errors"] = word_errors(of_split, *words)
    return found


def of_ensemble(spoken, taught, part):
    """Records of the members and of their means."""
    logits = {name: taught.logits[name] for name in ("validation", "test")}
    found = records.of_metrics(named.MEMBER, measured(spoken, logits), part=part)
    for row, mean in (
        (named.ENSEMBLE, ensembles.arithmetic),
        (named.GEOMETRIC, ensembles.geometric),
    ):
        of_mean = {name: mean(x)[None] for name, x in logits.items()}
        found += records.of_metrics(row, measured(spoken, of_mean), part=part)
    return found


def accuracies(apply, params, arrays):
    """{split: fraction of its frames that are right} of one network."""
    return {
        name: jnp.mean(apply(params, split["inputs"])[0].argmax(-1) == split["labels"])
        for name, split in arrays.items()
    }


def at_epochs(row, curves, epochs):
    """Records of a row at one epoch [S] of its curves {split: [S, epochs]}."""
    each = np.arange(len(epochs)), epochs
    metrics = {f"{name}_accuracy": x[each] for name, x in curves.items()}
    metrics |= {f"{name}_curve": x for name, x in curves.items()} | {"epoch": epochs + 1}
    return records.of_metrics(row, metrics, part=named.LOW)


def of_everything(spoken, taught):
    """The record of the network that saw all recordings and taught those of few."""
    splits = {name: getattr(spoken.frames, name) for name in ("train", "validation", "test")}
    right = {
        f"{name}_accuracy": np.mean(taught.logits[name][:1].argmax(-1) == split.labels, axis=-1)
        for name, split in splits.items()
    }
    return records.of_metrics(named.WHOLE, right, part=named.LOW)
