"""Hinton, Vinyals and Dean 2015, section 2: gradients against float64, and small trainings."""

import itertools

import jax
import numpy as np
import pytest
from in_process import by_gradient_descent, drawn_by_numpy, finished
from scipy import special

from experiments.equations_2015 import rows as named
from experiments.equations_2015 import run as equations_2015
from experiments.equations_2015.config import Config
from kd_jax.storage import jsonl
from kd_jax.training import keys


@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_reach_their_limit_as_equation_4_says(seed):
    found = {r["temperature"]: r for r in equations_2015.gradients(Config(), seed)}
    key = keys.key(0, "draw", "logits", seed)
    z, v = np.asarray(jax.random.normal(key, (2, 1000, 10)), np.float64)
    z, v = z - z.mean(-1, keepdims=True), v - v.mean(-1, keepdims=True)
    for t, r in found.items():
        exact = t * (special.softmax(z / t, -1) - special.softmax(v / t, -1))
        error = np.linalg.norm(10 * exact - (z - v)) / np.linalg.norm(z - v)
        assert r["limit_error"] == pytest.approx(error, rel=0.02, abs=1e-4)
        assert r["equation_2_error"] < 1e-4
        assert r["gradient_norm"] == pytest.approx(np.linalg.norm(exact), rel=1e-3)
    errors = [r["limit_error"] for r in found.values()]
    assert errors == sorted(errors, reverse=True)
    assert errors[-2] < 0.02 and errors[-1] < 0.002  # T = 100 and 1000
    # with T² the norm stays from T = 20 to 50, without it falls by about (20/50)² = 0.16
    assert found[50]["gradient_norm"] / found[20]["gradient_norm"] == pytest.approx(1, abs=0.1)
    assert (
        0.14 < found[50]["gradient_norm_without_t2"] / found[20]["gradient_norm_without_t2"] < 0.18
    )


SHORT = {"members": 2, "teacher_batch_size": 250, "student_batch_size": 250}


@pytest.mark.parametrize("more", [SHORT, pytest.param({}, marks=pytest.mark.slow)])
def test_a_smoke_run_trains_the_limit_beside_the_temperatures(tmp_path, monkeypatch, more):
    drawn_by_numpy(monkeypatch)
    by_gradient_descent(monkeypatch)
    config = Config(**Config.PRESETS["smoke"] | more, workdir=str(tmp_path))
    folder = finished("equations_2015", config)
    assert folder.parent == tmp_path / "equations_2015"
    records = jsonl.every_record(folder)
    assert [r["part"] for r in records] == ["gradient"] * 12 + ["training"] * (
        config.members + 2 + 14
    )
    curves = {r["row"]: np.array(r["curve"]) for r in records if r.get("curve") and r["seed"] == 1}
    assert set(curves) == {
        *(f"soft targets, T={t}" for t in (1, 5, 20, 100)), "logit matching",
        "student of the arithmetic mean, T=2", "student of the geometric mean, T=2",
    }  # fmt: skip
    apart = curves[f"{named.SOFT}, T=100"] / curves[named.MATCHING] - 1
    assert np.abs(apart).max() < 0.02
    assert (folder / "high_temperature_limit.svg").exists()


def test_every_choice_follows_from_the_base_seed_and_the_ensemble():
    drawn = []
    for base_seed, teacher in ((0, 0), (0, 1), (1, 0)):
        config = Config(base_seed=base_seed)
        recipes = (
            equations_2015.teacher_recipe(config, 200, teacher),
            equations_2015.student_recipe(config, 200, teacher),
        )
        drawn.append([np.asarray(recipe.sampler(0, 0)).tolist() for recipe in recipes])
    assert all(a != b for xs in zip(*drawn) for a, b in itertools.combinations(xs, 2))
    first, again, other = (
        equations_2015.gradients(Config(base_seed=b, gradient_temperatures=(5.0,)), 0)
        for b in (0, 0, 1)
    )
    assert first == again != other
