"""The published demo: its random numbers, its rows, its run digit for digit."""

import shutil

import numpy as np
import pytest

from experiments.people import stages
from experiments.people.config import Config
from experiments.people.run import run
from experiments.people.torch_random import Generator
from kd_jax.data import Split, people
from kd_jax.errors import InputError
from kd_jax.storage import run_folder
from kd_jax.training.state import stateless

PUBLISHED_LINES = """\
teacher: epoch    0  loss 21.4943
teacher: epoch  500  loss 18.8513
teacher: epoch 1000  loss 12.6165
teacher: epoch 1500  loss 9.6615
teacher: accuracy 0.8350 train, 0.6750 test
teacher: prediction 0.0855 0.8515 0.0629
distilled: epoch    0  loss 186.2557
distilled: epoch  300  loss 28.9133
distilled: epoch  600  loss 15.7231
distilled: epoch  900  loss 8.4816
distilled: accuracy 0.7850 train, 0.6500 test
distilled: 43 mistakes to tune on
fine-tuned, NLL of raw outputs: epoch    0  loss 8.7479
fine-tuned, NLL of raw outputs: epoch    2  loss 8.0818
fine-tuned, NLL of raw outputs: epoch    4  loss 7.2917
fine-tuned, NLL of raw outputs: epoch    6  loss 7.4056
fine-tuned, NLL of raw outputs: accuracy 0.8500 train, 0.6750 test
fine-tuned, NLL of raw outputs: prediction 0.1421 0.7870 0.0709
"""


@pytest.mark.as_users
def test_the_replay_prints_the_published_figures_and_opens_no_run_folder(capsys, tmp_path):
    here = run_folder.Run(tmp_path, "people", {})
    run(Config(replay=True), here)
    printed = capsys.readouterr().out
    assert [line.strip() for line in printed.splitlines()] == PUBLISHED_LINES.splitlines()
    assert not here.is_open and not list(tmp_path.iterdir())


def test_what_is_asked_for_must_be_one_thing_and_a_person():
    person = "-1,0.36,1,0,0,0.445"
    with pytest.raises(InputError, match="--predict and --replay: choose one of them"):
        Config(replay=True, predict=person)
    with pytest.raises(InputError, match="--predict: .*expected 6"):
        Config(predict=person[:-6])


def test_raw_draws_are_mt19937():
    # first output of the reference implementation by Matsumoto and Nishimura, seed 5489
    assert int(Generator(5489).draw(1)[0]) == 3499211612


def test_uniform_draws_are_torchs():
    # torch.manual_seed(0); torch.rand(5): printed in many tutorials
    unit = (Generator(0).uniform((5,), 1.0) + 1) / 2
    np.testing.assert_allclose(unit, [0.4963, 0.7682, 0.0885, 0.1320, 0.3074], atol=5e-5)


def test_a_permutation_holds_every_row_once():
    assert sorted(Generator(3).loader_order(43)) == list(range(43))


def test_the_rows_are_the_published_ones():
    train, test = people.load()
    assert train.inputs.shape == (200, 6) and test.inputs.shape == (40, 6)
    assert np.bincount(train.labels).tolist() == [61, 88, 51]
    assert np.bincount(test.labels).tolist() == [11, 14, 15]


@pytest.mark.parametrize(
    "line, message",
    [
        ("1,0.24,1,0,0", "line 3: .*expected 6"),
        ("1,0.24,1,0,0,0.295,7", "line 3: class is '7'"),
        ("1,0.24,1,1,0,0.295,1", "line 3: state is"),
        ("2,0.24,1,0,0,0.295,1", "line 3: sex is 2"),
        ("1,young,1,0,0,0.295,1", "line 3: could not convert.*'young'"),
        ("1,nan,1,0,0,0.295,1", "line 3: .*not finite"),
        ("1,0.24,1,0,0,0.295,1", "SHA-256"),  # well-formed, but not the published row
    ],
)
def test_a_changed_row_is_refused_by_file_and_line(tmp_path, line, message):
    for name in people.FILES:
        shutil.copy(people.ROWS / name, tmp_path)
    path = tmp_path / "people_train.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], line, *lines[3:]]) + "\n")
    with pytest.raises(InputError, match=message) as error:
        people.load(tmp_path)
    assert "people_train.csv" in str(error.value) and "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="people_train.csv is missing"):
        people.load(tmp_path)


def test_batches_are_filled_up_with_the_padding_row():
    batches = stages.in_batches(np.arange(13), 2, 10, 200)
    assert batches.shape == (2, 10)
    assert batches.ravel().tolist() == [*range(13), *[200] * 7]


def test_gradient_descent_over_given_batches_with_a_partial_one():
    """Softmax regression by hand: a batch of two rows, then one row and padding."""
    random, rate = np.random.default_rng(5), 0.5
    inputs, labels = random.normal(size=(3, 6)).astype(np.float32), np.array([2, 0, 1], np.int32)
    w, b = random.normal(size=(6, 3)), random.normal(size=3)
    start = {"logits": {"kernel": np.float32(w)[None], "bias": np.float32(b)[None]}}
    expected = 0.0
    for rows in ([2, 0], [1]):
        logits = inputs[rows] @ w + b
        p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        expected -= np.log(p[range(len(rows)), labels[rows]]).mean()
        gradient = (p - np.eye(3)[labels[rows]]) / len(rows)
        w, b = w - rate * inputs[rows].T @ gradient, b - rate * gradient.sum(0)
    stage = stages.Stage("by hand", stages.network(), stages.label_loss, rate, 1)
    batches = np.array([[[[2, 0], [1, 3]]]])
    params, sums, lost = stages.fit(stage, stateless(start), Split(inputs, labels), batches)
    params = params["params"]
    np.testing.assert_allclose(params["logits"]["kernel"][0], w, atol=1e-6)
    np.testing.assert_allclose(params["logits"]["bias"][0], b, atol=1e-6)
    np.testing.assert_allclose(sums, [[expected]], rtol=1e-6)
    assert lost.tolist() == [-1]


def test_a_network_that_diverges_is_named_by_its_step():
    start = {"logits": {"kernel": np.full((1, 6, 3), np.inf), "bias": np.zeros((1, 3))}}
    stage = stages.Stage("too large", stages.network(), stages.label_loss, 0.1, 1)
    split = Split(np.ones((2, 6), np.float32), np.array([0, 1], np.int32))
    assert stages.fit(stage, stateless(start), split, np.array([[[[0, 1]]]]))[2].tolist() == [0]
