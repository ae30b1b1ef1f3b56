"""kd_jax: knowledge distillation in JAX and Flax as pure functions.

    import kd_jax as kd

    kd.losses.soft_targets(student, teacher, labels, temperature=2.0)

Submodules and names are imported when they are first used, so importing kd_jax imports no jax.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what the tables below say, for type checkers and editors
    from kd_jax import data as data
    from kd_jax import distill as distill
    from kd_jax import errors as errors
    from kd_jax import experiment as experiment
    from kd_jax import export as export
    from kd_jax import fingerprint as fingerprint
    from kd_jax import language as language
    from kd_jax import losses as losses
    from kd_jax import metrics as metrics
    from kd_jax import models as models
    from kd_jax import pretrained as pretrained
    from kd_jax import report as report
    from kd_jax import runtime as runtime
    from kd_jax import storage as storage
    from kd_jax import training as training
    from kd_jax.data.dataset import Dataset as Dataset
    from kd_jax.data.dataset import Split as Split
    from kd_jax.errors import InputError as InputError
    from kd_jax.models.functional import Model as Model
    from kd_jax.models.functional import functional as functional

__version__ = "0.1.0"

_SUBMODULES = (
    "data",
    "distill",
    "errors",
    "experiment",
    "export",
    "fingerprint",
    "language",
    "losses",
    "metrics",
    "models",
    "pretrained",
    "report",
    "runtime",
    "storage",
    "training",
)
_NAMES = {  # public name -> the module that defines it
    "Dataset": "kd_jax.data.dataset",
    "InputError": "kd_jax.errors",
    "Model": "kd_jax.models.functional",
    "Split": "kd_jax.data.dataset",
    "functional": "kd_jax.models.functional",
}
__all__ = ["__version__", *_SUBMODULES, *_NAMES]


def __getattr__(name: str):
    """A public name, imported at its first use (PEP 562)."""
    if name in _NAMES:
        found = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _SUBMODULES:
        found = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
