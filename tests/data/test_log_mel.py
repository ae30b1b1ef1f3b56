"""Filter banks against a direct transform and interpolated triangles."""

import numpy as np
import pytest

from kd_jax.data import log_mel


def test_filter_banks_are_those_of_a_direct_transform_and_interpolated_triangles():
    from scipy import signal  # for this test alone: it takes a second

    samples = np.random.default_rng(0).normal(size=1000) * 0.1
    kernel = np.exp(-2j * np.pi * np.outer(np.arange(129), np.arange(200)) / 256)
    window = signal.get_window("hamming", 200, fftbins=False)
    cut = [samples[i : i + 200] * window for i in range(0, 801, 80)]
    power = np.abs([kernel @ frame for frame in cut]) ** 2
    # triangles drawn by np.interp over mel, which is 1127.01 ln(1 + f/700)
    pitch = 1127.01048 * np.log(1 + np.arange(129) * 31.25 / 700)
    edges = np.linspace(*1127.01048 * np.log(1 + np.array([20, 4000]) / 700), 42)
    weights = [np.interp(pitch, edges[m : m + 3], [0, 1, 0], 0, 0) for m in range(40)]
    energy = np.log(power @ np.transpose(weights))
    expected = (energy - energy.mean(0)) / energy.std(0)
    found = log_mel.log_mel(samples, 8000)
    assert found.shape == (11, 40) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_tone_is_loudest_in_the_filter_around_it():
    weights = log_mel.triangles(256, 8000, 40)
    assert (weights.max(1) > 0).all()  # no filter falls between two bins
    power = np.abs(np.fft.rfft(np.sin(2 * np.pi * 1000 * np.arange(200) / 8000), 256)) ** 2
    # 1000 Hz is 1000 mel; centres lie (2146.1 − 31.7)/41 = 51.6 mel apart from 31.7 on: the 19th
    assert (weights @ power).argmax() == 18


def test_a_recording_shorter_than_a_frame_is_refused_and_silence_is_finite():
    with pytest.raises(ValueError, match="199 samples: expected at least 200"):
        log_mel.log_mel(np.zeros(199), 8000)
    assert np.isfinite(log_mel.log_mel(np.zeros(400), 8000)).all()
