"""Named data sets as arrays with splits and a digest."""

from kd_jax.data.dataset import Dataset, Split

__all__ = ["Dataset", "Split"]
