"""kd_jax: knowledge distillation in JAX and Flax as pure functions.

    import kd_jax as kd

    kd.losses.soft_targets(student, teacher, temperature=2.0)

Submodules and names are imported when they are first used, so importing kd_jax imports no jax.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what the tables below say, for type checkers and editors
    from kd_jax import data as data
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
    from kd_jax.command.decoder.distill_lm import distill_lm as distill_lm
    from kd_jax.command.read_data import read_data as read_data
    from kd_jax.data.dataset import Dataset as Dataset
    from kd_jax.data.dataset import Split as Split
    from kd_jax.data.texts import Texts as Texts
    from kd_jax.data.texts import read_texts as read_texts
    from kd_jax.distill import methods as methods
    from kd_jax.distill.driver.distill import distill as distill
    from kd_jax.distill.driver.fit_teacher import fit_teacher as fit_teacher
    from kd_jax.distill.driver.fitting import fit_students as fit_students
    from kd_jax.distill.driver.named_teachers import ensemble as ensemble
    from kd_jax.distill.driver.named_teachers import probabilities as probabilities
    from kd_jax.distill.driver.recipe import Recipe as Recipe
    from kd_jax.distill.methods import Method as Method
    from kd_jax.distill.methods import label_smoothing as label_smoothing
    from kd_jax.distill.methods import labels_only as labels_only
    from kd_jax.distill.methods import pseudo_labels as pseudo_labels
    from kd_jax.distill.methods import soft_targets as soft_targets
    from kd_jax.distill.students import evaluate as evaluate
    from kd_jax.errors import InputError as InputError
    from kd_jax.export.network import Network as Network
    from kd_jax.export.network import load as load
    from kd_jax.language.decoder.chatting import Decoder as Decoder
    from kd_jax.language.encoder.distill import distill_encoder as distill_encoder
    from kd_jax.models import Model as Model
    from kd_jax.models import from_equinox as from_equinox
    from kd_jax.models import from_flax as from_flax
    from kd_jax.models import from_haiku as from_haiku
    from kd_jax.models import from_nnx as from_nnx
    from kd_jax.models import functional as functional
    from kd_jax.pretrained.encoder import Encoder as Encoder
    from kd_jax.report.contrasts import compare as compare
    from kd_jax.storage.record_files import read_records as read_records

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
_NAMES = {  # public name -> the module that defines it, and what it is called there
    "Dataset": "kd_jax.data.dataset",
    "Decoder": "kd_jax.language.decoder.chatting",
    "Encoder": "kd_jax.pretrained.encoder",
    "InputError": "kd_jax.errors",
    "Method": "kd_jax.distill.methods",
    "Model": "kd_jax.models",
    "Network": "kd_jax.export.network",
    "Recipe": "kd_jax.distill.driver.recipe",
    "Split": "kd_jax.data.dataset",
    "Texts": "kd_jax.data.texts",
    "compare": "kd_jax.report.contrasts",
    "distill_encoder": "kd_jax.language.encoder.distill",
    "distill_lm": "kd_jax.command.decoder.distill_lm",
    "ensemble": "kd_jax.distill.driver.named_teachers",
    "evaluate": "kd_jax.distill.students",
    "fit_students": "kd_jax.distill.driver.fitting",
    "fit_teacher": "kd_jax.distill.driver.fit_teacher",
    "from_equinox": "kd_jax.models",
    "from_flax": "kd_jax.models",
    "from_haiku": "kd_jax.models",
    "from_nnx": "kd_jax.models",
    "functional": "kd_jax.models",
    "label_smoothing": "kd_jax.distill.methods",
    "labels_only": "kd_jax.distill.methods",
    "load": "kd_jax.export.network",
    "methods": "kd_jax.distill",
    "probabilities": "kd_jax.distill.driver.named_teachers",
    "pseudo_labels": "kd_jax.distill.methods",
    "read_data": "kd_jax.command.read_data",
    "read_records": "kd_jax.storage.record_files",
    "read_texts": "kd_jax.data.texts",
    "soft_targets": "kd_jax.distill.methods",
}
__all__ = ["__version__", *_SUBMODULES, *_NAMES]


def __getattr__(name: str):
    """A public name, imported at its first use (PEP 562)."""
    if name == "methods":  # which belongs to one's own problem, as deep as it lies
        found = importlib.import_module("kd_jax.distill.methods")
    elif name in _NAMES:
        found = getattr(importlib.import_module(_NAMES[name]), name)
    elif name in _SUBMODULES:
        found = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
