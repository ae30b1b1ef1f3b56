"""Frames of spoken digits, each with its context and the state that is spoken in it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from kd_jax import fingerprint
from kd_jax.data import log_mel, spoken_digits, subsets
from kd_jax.data.dataset import Dataset, Split

BEFORE, AFTER = 20, 5  # frames of context: 26 in all, of which the 21st is classified
STATES = 3  # of each digit: equal parts of a recording, as no forced alignment exists
GAIN, NOISE = 0.3, 0.3  # standard deviations of `perturbed`, of inputs whose own is about 1
FILTERS = 1  # that it moves a frame up or down, at most
TAKES = {"test": range(5), "validation": range(5, 10), "train": range(10, 50)}


class Speech(NamedTuple):
    """A Dataset of frames, and for every split the recordings that its frames are of.

    recording: {split: [N]}: the number of each frame's recording, 0, 1, …; digits: {split: [R]}:
    what is said in each recording.
    """

    frames: Dataset
    recording: dict
    digits: dict


def load(data_dir: str = "", manual_dir: str = "", *, takes=TAKES) -> Speech:
    """The Speech of the spoken digits: inputs [N, 26, 40], labels [N], 30 states.

    State 3·d + ⌊3·t/n⌋ is spoken in frame t of n of a recording of digit d. Frames beyond the
    first and last of a recording are copies of them. Takes 0 to 4 of every speaker and digit are
    the test, 5 to 9 validation.

    Args:
        data_dir: as for spoken_digits.load.
        manual_dir: as for spoken_digits.load.
        takes: {split: takes that it has}.
    """
    recordings, digest = spoken_digits.load(data_dir, manual_dir)
    parts = {split: [r for r in recordings if r.take in takes[split]] for split in TAKES}
    splits, recording, digits = {}, {}, {}
    for split, found in parts.items():
        banks = [log_mel.log_mel(r.samples, spoken_digits.RATE) for r in found]
        lengths = [len(bank) for bank in banks]
        states = [state(r.digit, n) for r, n in zip(found, lengths)]
        inputs = np.concatenate([with_context(bank) for bank in banks])
        splits[split] = Split(inputs, np.concatenate(states))
        recording[split] = np.repeat(np.arange(len(found)), lengths)
        digits[split] = np.array([r.digit for r in found], np.int32)
    classes = STATES * spoken_digits.DIGITS
    of_splits = {name: list(x) for name, x in takes.items()}
    facts = {"recordings": digest, "takes": of_splits, "code": fingerprint.code(load)}
    frames = Dataset("spoken digits", classes, **splits, digest=fingerprint.of(facts))
    return Speech(frames, recording, digits)


def state(digit: int, frames: int) -> Int[np.ndarray, " frames"]:
    """The states [frames] of a recording of `digit`: its three parts one after the other."""
    return (STATES * digit + STATES * np.arange(frames) // frames).astype(np.int32)


def with_context(bank: Float[np.ndarray, "n F"]) -> Float[np.ndarray, "n 26 F"]:
    """Each frame of a bank [n, F] with the 20 before and the 5 after it: [n, 26, F]."""
    around = np.arange(len(bank))[:, None] + np.arange(-BEFORE, AFTER + 1)
    return bank[np.clip(around, 0, len(bank) - 1)]


def perturbed(
    key: Key[Array, ""], frames: Float[Array, "26 F"], times: float = 1.0
) -> Float[Array, "26 F"]:
    """A frame and its context louder or softer, with noise, some filters higher or lower.

    The gain is one number for all, the noise one for each filter; the outermost filters are
    repeated where filters move away from them.

    Args:
        key: of the draw.
        frames: logarithms of filters, normalized.
        times: a factor of all three.
    """
    gain_key, noise_key, shift_key = jax.random.split(key, 3)
    most = round(FILTERS * times)
    wider = jnp.pad(frames, ((0, 0), (most, most)), mode="edge")
    moved = jax.lax.dynamic_slice_in_dim(
        wider, jax.random.randint(shift_key, (), 0, 2 * most + 1), frames.shape[1], axis=1
    )
    noise = NOISE * times * jax.random.normal(noise_key, frames.shape)
    return moved + GAIN * times * jax.random.normal(gain_key) + noise


def fraction(speech: Speech, fraction: float, seed: int) -> Int[np.ndarray, " rows"]:
    """The rows of the training frames in a fraction of the recordings, the same of every digit.

    Args:
        speech: all of it.
        fraction: above 0, at most 1.
        seed: which recordings.
    """
    chosen = subsets.fraction(speech.digits["train"], fraction, seed)
    return np.flatnonzero(np.isin(speech.recording["train"], chosen))
