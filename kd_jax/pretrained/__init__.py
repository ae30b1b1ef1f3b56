"""Pretrained models: Hugging Face folders, GGUF files, tokenizers, sentence embeddings.

Raises: InputError on import when the packages of the extra "text" are not installed.
"""

from kd_jax.errors import extra

with extra("text"):
    import safetensors  # noqa: F401
    import tokenizers  # noqa: F401
