"""Teachers that are trained here: a row's logits are of the network that never saw it."""

import types

import jax
import numpy as np
import pytest
from scipy import special

from kd_jax.command import networks, problem, trained_teachers
from kd_jax.distill import teachers as supervised
from kd_jax.storage.run_folder import Run

FLAGS = {
    "base_seed": 0, "cross_fit": 0, "batch_size": 8, "teacher_epochs": 1, "optimizer": "adam",
    "learning_rate": 0.01, "augment": "none",
}  # fmt: skip


@pytest.fixture
def table(settings, people):
    """A problem of 40 rows: 28, 4 and 8, with inputs [5]."""
    return problem.read(settings(data=people(), label="old", ignore=("id",)))


def trained(table, folder, **given):
    """A teacher of one hidden layer of 3."""
    flags = types.SimpleNamespace(**{**FLAGS, **given})
    model = networks.student("mlp:3", table)
    return trained_teachers.train("train:mlp:3", model, table, flags, Run(folder, "demo", given))


def by_numpy(variables, inputs):
    """Logits [N, 2] of that network."""
    one = jax.tree.map(lambda x: np.asarray(x, np.float64), variables["params"])
    hidden = np.maximum(inputs @ one["hidden_1"]["kernel"] + one["hidden_1"]["bias"], 0)
    return hidden @ one["logits"]["kernel"] + one["logits"]["bias"]


def test_one_teacher_of_all_rows_is_a_network_that_can_be_asked(table, tmp_path):
    found = trained(table, tmp_path)
    assert found.name == "train:mlp:3" and found.classes == ["no", "yes"]
    for name, part in table.parts.items():
        expected = by_numpy(found.ask.variables, part.inputs)
        np.testing.assert_allclose(found.logits[name], expected, atol=1e-5)


def test_with_cross_fit_a_row_is_taught_by_the_network_that_never_saw_it(
    table, tmp_path, monkeypatch
):
    seen = {}
    together = supervised.together

    def kept(row, recipe, *rest):
        seen["sampler"], seen["found"] = recipe.sampler, together(row, recipe, *rest)
        return seen["found"]

    monkeypatch.setattr(supervised, "together", kept)
    found = trained(table, tmp_path, cross_fit=3)
    fold = trained_teachers.folds(28, 3, 0)
    assert sorted(np.bincount(fold)) == [9, 9, 10]
    each = [jax.tree.map(lambda x, k=k: x[k], seen["found"].variables) for k in range(3)]
    for k in range(3):
        own = np.concatenate([np.asarray(seen["sampler"](k, epoch)).ravel() for epoch in range(9)])
        assert not set(own.tolist()) & set(np.flatnonzero(fold == k).tolist())
        assert len(set(own.tolist())) == 18  # of 18 or 19: all see as many
    for row in range(28):
        expected = by_numpy(each[fold[row]], table.train.inputs[row])
        np.testing.assert_allclose(found.logits["train"][row], expected, atol=1e-5)
    for name in ("validation", "test"):
        inputs = table.parts[name].inputs
        p = np.mean([special.softmax(by_numpy(one, inputs), -1) for one in each], 0)
        np.testing.assert_allclose(np.exp(found.logits[name]), p, atol=1e-5)
    assert found.ask is None
