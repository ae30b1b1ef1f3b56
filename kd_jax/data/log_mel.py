"""Log-mel filter banks of a recording, the inputs of speech networks."""

import numpy as np
from jaxtyping import Float

FRAME, STEP = 0.025, 0.010  # seconds
LOWEST = 20.0  # Hz, where the first filter begins
FLOOR = 1e-10  # of a filter's energy, so that silence has a logarithm


def log_mel(
    samples: Float[np.ndarray, " N"], rate: int, filters: int = 40
) -> Float[np.ndarray, "frames filters"]:
    """Log energies of mel filters in frames of 25 ms, one every 10 ms, normalized per filter.

    log max(10⁻¹⁰, Σ_k w_mk |X_k|²): X the discrete Fourier transform of a frame under a Hamming
    window, padded with zeros to the next power of two; w_m a triangle in mel, from the center of
    filter m − 1 to that of m + 1, the centers being equally spaced between 20 Hz and rate/2.
    Only whole frames count. Each filter is then normalized over the recording: mean 0, variance 1.

    Args:
        samples: of a recording, in [−1, 1].
        rate: samples per second.
        filters: how many.

    Returns:
        float32.

    Raises:
        ValueError: the recording is shorter than one frame.

    Source: Davis and Mermelstein 1980, doi 10.1109/TASSP.1980.1163420, before its cosine transform.
    """
    length, step = round(FRAME * rate), round(STEP * rate)
    if len(samples) < length:
        raise ValueError(f"{len(samples)} samples: expected at least {length}, one frame")
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[::step]
    size = 1 << (length - 1).bit_length()
    power = np.abs(np.fft.rfft(frames * np.hamming(length), size)) ** 2
    energy = np.log(np.maximum(power @ triangles(size, rate, filters).T, FLOOR))
    spread = np.maximum(energy.std(0), 1e-5)  # a filter that never changes says nothing
    return ((energy - energy.mean(0)) / spread).astype(np.float32)


def triangles(size: int, rate: int, filters: int) -> Float[np.ndarray, "filters bins"]:
    """The weights of triangular mel filters over the bins of a Fourier transform.

    Args:
        size: of the transform, which has size/2 + 1 bins.
        rate: samples per second.
        filters: how many.
    """
    edges = mel(LOWEST), mel(rate / 2)
    distance = (edges[1] - edges[0]) / (filters + 1)
    centers = edges[0] + distance * np.arange(1, filters + 1)
    bins = mel(np.arange(size // 2 + 1) * rate / size)
    return np.maximum(0, 1 - np.abs(bins - centers[:, None]) / distance)


def mel(hertz: Float[np.ndarray, "..."] | float) -> Float[np.ndarray, "..."]:
    """Pitch in mel: 2595 log₁₀(1 + f/700)."""
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)
