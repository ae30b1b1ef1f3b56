"""Networks that others trained: their folders, their parameters, their tokens, what they say.

Raises: InputError on import when the packages of the transformer extra are not installed.
"""

import importlib.util

from kd_jax.errors import require

_NEEDED = "safetensors", "tokenizers"
_absent = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
require(
    not _absent,
    f"{' and '.join(_absent)} not installed: pretrained networks need "
    ".venv/bin/python -m pip install -r experiments/requirements-transformers.txt",
)
