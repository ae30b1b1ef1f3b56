"""What is no network, or no way to make one, is said by the adapters in one line."""

import pytest
from refusals import refused

import kd_jax as kd


@pytest.mark.parametrize("given", [3, "mlp:64", dict], ids=str)
def test_what_makes_no_module_is_one_line(given):
    refused("kd.from_nnx is given .*: expected a function of a key", kd.from_nnx, given)
    refused("kd.from_flax is given .*: expected a linen module", kd.from_flax, given)
