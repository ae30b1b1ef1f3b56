"""Networks of other libraries as Models: Flax (linen and NNX), Equinox and Haiku."""

from kd_jax.models.adapters.equinox import from_equinox
from kd_jax.models.adapters.haiku import from_haiku
from kd_jax.models.adapters.linen import from_flax, functional
from kd_jax.models.adapters.nnx import from_nnx

__all__ = ["from_equinox", "from_flax", "from_haiku", "from_nnx", "functional"]
