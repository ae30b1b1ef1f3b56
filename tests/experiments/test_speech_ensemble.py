"""Speech: filter banks against a slow transform, frames and words by hand, every bad archive."""

import io
import tarfile
import wave

import jax
import numpy as np
import pytest
from in_process import finished
from published import DATA, needed
from scipy import signal, special

from experiments.speech_ensemble import data, metrics, report
from experiments.speech_ensemble import rows as named
from experiments.speech_ensemble import run as speech_ensemble
from experiments.speech_ensemble.config import Config
from kd_jax.data import Dataset, Split, log_mel, spoken_digits
from kd_jax.distill import ensembles
from kd_jax.errors import InputError
from kd_jax.storage import jsonl

RANDOM = np.random.default_rng(2)


def frames(count):
    """Frames that are noise, of any state."""
    inputs = RANDOM.normal(size=(count, 26, 40)).astype(np.float32)
    return Split(inputs, RANDOM.integers(30, size=count).astype(np.int32))


SPOKEN = data.Speech(Dataset("noise", 30, frames(40), frames(4), frames(4), "none"), {}, {})


def test_filter_banks_are_those_of_a_direct_transform_and_interpolated_triangles():
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


def test_states_are_three_equal_parts_and_context_repeats_the_edges():
    assert data.state(4, 7).tolist() == [12, 12, 12, 13, 13, 14, 14]
    bank = np.arange(3.0)[:, None]
    seen = data.with_context(bank)[:, :, 0]
    assert seen.shape == (3, 26)
    assert seen[1].tolist() == [0] * 20 + [1] + [2] * 5  # the 21st is the frame itself
    assert seen[:, 20].tolist() == [0, 1, 2]


def test_a_word_is_the_digit_with_the_largest_sum_of_log_probabilities():
    logits = np.random.default_rng(1).normal(size=(2, 7, 30)) * 3
    recording, digits = np.array([0, 0, 0, 1, 1, 2, 2]), np.array([3, 5, 9])
    p = special.softmax(logits, -1)
    wrong = []
    for of_network in p:
        scores = np.zeros((3, 10))
        for frame, number in zip(of_network, recording):
            for digit in range(10):
                scores[number, digit] += np.log(frame[3 * digit : 3 * digit + 3].sum())
        wrong.append(int((scores.argmax(1) != digits).sum()))
    assert metrics.word_errors(logits, recording, digits).tolist() == wrong


def test_ensembles_by_hand():
    # two networks say (0.8, 0.2) and (0.5, 0.5): means (0.65, 0.35) and (2, 1)/3 of √0.4, √0.1
    logits = np.log([[[0.8, 0.2]], [[0.5, 0.5]]])
    np.testing.assert_allclose(np.exp(ensembles.arithmetic_mean(logits)), [[0.65, 0.35]], rtol=1e-6)
    np.testing.assert_allclose(
        np.exp(ensembles.geometric_mean(logits)), [[2 / 3, 1 / 3]], rtol=1e-6
    )
    same = np.repeat(logits[:1], 3, 0) + 7  # of equal networks both are the network
    for mean in (ensembles.arithmetic_mean, ensembles.geometric_mean):
        np.testing.assert_allclose(np.exp(mean(same)), [[0.8, 0.2]], rtol=1e-6)


def test_the_fraction_of_the_gain_that_is_retained():
    def of(*values, ensembles=1):
        return [
            {"teacher_seed": k, "seed": seed, "test_accuracy": x + 2 * k}
            for k in range(ensembles)
            for seed, x in enumerate(values)
        ]

    row, baseline = (72.0, 74.0, 73.0), (70.0, 72.0, 71.0)
    # (73 − 71)/(75 − 71): half of the gain
    assert report.retained(of(*row), of(*baseline), of(75.0)).startswith("50 % [")
    # of two ensembles, the second with everything 2 higher: (74 − 72)/(76 − 72), whichever is drawn
    found = report.retained(*(of(*x, ensembles=2) for x in (row, baseline, (75.0,))))
    assert found == "50 % [50, 50]"


class Units:
    """A run that takes units of work and does none."""

    known: list = []

    def uses(self, **facts):
        self.facts = facts

    def each(self, units):
        self.known = [*self.known, *(known for known, _ in units)]


def test_each_ensemble_has_units_and_orders_of_its_own(monkeypatch):
    monkeypatch.setattr(speech_ensemble, "load", lambda config: SPOKEN)
    units = Units()
    speech_ensemble.run(Config(teachers=2), units)
    parts = [setup.name for setup in speech_ensemble.SETUPS]
    expected = [(part, k) for k in (0, 1) for part in (parts[0], named.FEW, *parts[1:])]
    assert [(x["part"], x["teacher_seed"]) for x in units.known] == expected
    taken = {}
    monkeypatch.setattr(
        speech_ensemble.teachers, "together", lambda *given, **_: taken.setdefault(base, given)
    )
    for base, ensemble in ((0, 0), (0, 1), (1, 0)):
        config, base = Config(base_seed=base, batch_size=2), (base, ensemble)
        speech_ensemble.train_ensemble(config, SPOKEN, ensemble, None, times=2)
    assert all(given[1].epochs == 8 and len(given[2]) == 10 for given in taken.values())
    orders = {np.asarray(given[1].sampler(0, 0)).tobytes() for given in taken.values()}
    assert len(orders) == 3
    firsts = {str(jax.random.key_data(given[2])) for given in taken.values()}
    assert len(firsts) == 3


def test_rows_are_named_by_the_numbers_of_the_settings():
    config = Config(label_weight=0.2, temperature=3.0, smoothing=0.3, temperatures=(4.0, 1.0, 2.0))
    first, *_, unlabeled = speech_ensemble.SETUPS
    rows = [arm.row for arm in speech_ensemble.arms(config, first)]
    assert rows == [
        "labels only", "label smoothing 0.3",
        *(f"soft targets + 0.2 labels, T={t}" for t in (1, 2, 4)),
        "soft targets, T=3", "soft targets + 0.2 labels of the geometric mean, T=3",
        "soft targets + 0.2 labels of a permuted teacher, T=3",
    ]  # fmt: skip
    chief = [arm.row for arm in speech_ensemble.arms(config, unlabeled)]
    assert chief == [named.PSEUDO_LABELS, rows[2], rows[3], rows[5]]
    few = [arm.row for arm in speech_ensemble.arms_of_few(config)]
    assert few[1:3] == ["label smoothing 0.3, last epoch", "soft targets, T=3, last epoch"]
    assert named.Names.of(config.results_key()) == named.Names(0.2, 3.0, 0.3)


def wav(samples=b"\1\0" * 400, rate=8000, channels=1, width=2):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setframerate(rate)
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.writeframes(samples)
    return file.getvalue()


def archive(path, members):
    with tarfile.open(path, "w:gz") as out:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


def refused(folder):
    with pytest.raises(InputError) as error:
        spoken_digits.load(manual_dir=folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_samples_are_read_as_written():
    values = np.array([0, 1, -1, 32767, -32768], "<i2")
    found = spoken_digits.samples(wav(values.tobytes()), "x.wav")
    np.testing.assert_array_equal(found, values / np.float32(32768))


@pytest.mark.parametrize(
    "content, word",
    [
        (b"RIFF", "no readable wav"),
        (wav()[:100], "claims"),
        (wav(rate=16000), "16000 Hz"),
        (wav(channels=2), "2 channels"),
        (wav(width=1), "8 bits"),
        (wav(b""), "claims 0"),
    ],
)
def test_a_bad_recording_is_refused_by_name(tmp_path, content, word):
    path = archive(tmp_path / "a.tar.gz", {"x/recordings/3_theo_7.wav": content})
    text = refused(tmp_path)
    assert "3_theo_7.wav" in text and str(path) in text and word in text


@pytest.mark.parametrize("name", ["../3_theo_7.wav", "/etc/3_theo_7.wav", "x/../../y.txt"])
def test_a_member_that_would_lie_outside_is_refused_by_name(tmp_path, name):
    archive(tmp_path / "a.tar.gz", {name: wav()})
    assert name in refused(tmp_path) and "outside" in refused(tmp_path)


def test_a_damaged_or_incomplete_archive_is_refused(tmp_path):
    path = archive(tmp_path / "a.tar.gz", {"3_theo_7.wav": wav()})
    assert "hold 1 recordings, expected 3000" in refused(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    assert str(path) in refused(tmp_path)
    path.write_bytes(b"no archive")
    assert f"{path} is damaged" in refused(tmp_path)
    path.unlink()
    assert "holds no .tar.gz" in refused(tmp_path)
    assert "is no folder" in refused(tmp_path / "nowhere")


def test_a_member_that_claims_too_much_is_refused_before_it_is_read(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as out:
        info = tarfile.TarInfo("3_theo_7.wav")
        info.size = 1 << 23
        out.addfile(info, io.BytesIO(bytes(1 << 23)))
    assert "3_theo_7.wav claims 8388608 bytes" in refused(tmp_path)


def stopped_where_validation_was_best(records):
    """Of the students of few recordings; the first of equals."""
    few = [r for r in records if r["part"] == named.FEW]
    stopped = [r for r in few if r["row"] == named.STOPPED]
    for r in stopped:
        assert r["epoch"] == 1 + int(np.argmax(r["validation_curve"]))
        assert r["test_accuracy"] == r["test_curve"][r["epoch"] - 1]


def recorded(tmp_path, **settings):
    """(Config, records, folder) of a finished smoke run, every set-up with all of its rows."""
    where = {"workdir": str(tmp_path), "manual_dir": str(needed(DATA / "fsdd").parent)}
    config = Config(**Config.PRESETS["smoke"] | settings, **where)
    folder = finished("speech_ensemble", config)
    assert folder.parent == tmp_path / "speech_ensemble"
    records = jsonl.every_record(folder)
    for setup in speech_ensemble.SETUPS:
        rows = {r["row"] for r in records if r["part"] == setup.name}
        taught = {arm.row for arm in speech_ensemble.arms(config, setup)}
        assert rows == taught | {named.LABELS, named.MEMBER, named.ENSEMBLE, named.GEOMETRIC}
    stopped_where_validation_was_best(records)
    assert {path.name for path in folder.glob("*.png")} == {
        "accuracy_by_temperature.png", "few_recordings.png",
    }  # fmt: skip
    return config, records


def test_a_small_run_on_real_recordings(tmp_path, monkeypatch):
    monkeypatch.setattr(speech_ensemble, "SETUPS", speech_ensemble.SETUPS[:1])
    config, records = recorded(tmp_path, takes=1)
    members = [r for r in records if r["row"] == named.MEMBER and r["part"] != named.FEW]
    assert len(members) == config.members
    soft = [r["seed"] for r in records if r["row"] == named.Names.of(config.results_key()).alone]
    assert soft == [0, 1]


@pytest.mark.slow
def test_a_smoke_run_on_real_recordings(tmp_path, monkeypatch):
    first, *_, unlabeled = speech_ensemble.SETUPS
    monkeypatch.setattr(speech_ensemble, "SETUPS", (first, unlabeled))
    _, records = recorded(tmp_path, takes=2)
    on_labels = [r["test_errors"] for r in records if r["row"] == named.LABELS]
    assert on_labels[-2:] == on_labels[:2]  # without more labels it is the first set-up's student
