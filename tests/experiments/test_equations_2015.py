"""The 2015 paper's equations: gradients against float64, and trainings at their smallest."""

import json

import jax
import numpy as np
import pytest
from scipy import special

from experiments.equations_2015 import report as named
from experiments.equations_2015 import run as equations_2015


@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_reach_their_limit_as_equation_4_says(seed):
    found = {r["temperature"]: r for r in equations_2015.gradients(seed)}
    z, v = np.asarray(jax.random.normal(jax.random.key(seed), (2, 1000, 10)), np.float64)
    z, v = z - z.mean(-1, keepdims=True), v - v.mean(-1, keepdims=True)
    for t, r in found.items():
        exact = t * (special.softmax(z / t, -1) - special.softmax(v / t, -1))
        error = np.linalg.norm(10 * exact - (z - v)) / np.linalg.norm(z - v)
        assert r["limit_error"] == pytest.approx(error, rel=0.02, abs=1e-4)
        assert r["equation_2_error"] < 1e-4
        assert r["size"] == pytest.approx(np.linalg.norm(exact), rel=1e-3)
    errors = [r["limit_error"] for r in found.values()]
    assert errors == sorted(errors, reverse=True)
    assert errors[-2] < 0.02 and errors[-1] < 0.002  # T = 100 and 1000
    # with T² the size stays from T = 20 to 50, without it falls by about (20/50)² = 0.16
    assert found[50]["size"] / found[20]["size"] == pytest.approx(1, abs=0.1)
    assert 0.14 < found[50]["size_without"] / found[20]["size_without"] < 0.18


def test_a_smoke_run_trains_the_limit_beside_the_temperatures(tmp_path):
    preset = equations_2015.Config.PRESETS["smoke"]
    equations_2015.run(equations_2015.Config(**preset, workdir=str(tmp_path)))
    (folder,) = (tmp_path / "equations_2015").iterdir()
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    curves = {r["row"]: np.array(r["curve"]) for r in records if r.get("curve") and r["seed"] == 1}
    assert set(curves) == {arm[0] for arm in equations_2015.ARMS}
    apart = curves[named.soft(100)] / curves[named.MATCHING] - 1
    assert np.abs(apart).max() < 0.02
    assert (folder / "high_temperature_limit.png").exists()
