"""A decoder's folder for other programs: network, tokenizer, chat template, how it generates."""

import json
import os
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from kd_jax import paths
from kd_jax.errors import require
from kd_jax.models.llama import Llama
from kd_jax.pretrained import llama, model_folder, safetensors_files
from kd_jax.pretrained.load import ChatModel

DTYPES: dict[str, Any] = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16}
# of a teacher's folder, besides config.json and weights
FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "generation_config.json", "chat_template.json", "chat_template.jinja",
)  # fmt: skip
TEMPLATE = "chat_template.jinja"


def save(
    folder: str | os.PathLike, net: Llama, params: Any, like: ChatModel, dtype: str = "float32"
) -> None:
    """Write a decoder with the tokenizer and chat template of another; `load` reads it again.

    Args:
        folder: Is made when missing.
        net: The network.
        params: Its parameters.
        like: The ChatModel whose tokens it has, such as its teacher.
        dtype: Of the weights, one of DTYPES.

    Raises:
        InputError: The network does something that its family's settings cannot say; the folder of
            that model is gone; or there is no such dtype.
    """
    known = isinstance(dtype, str) and dtype in DTYPES
    require(known, f"dtype={dtype!r:.60}: expected {' or '.join(DTYPES)}")
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _tokens(folder, like)
    said = {"eos_token_id": _ends(like.stop)} if like.stop else {}
    path = folder / "generation_config.json"
    own = model_folder.json_object(path) if paths.has_file(path) else {"do_sample": False}
    safetensors_files.replace(path, json.dumps(own | said, indent=2) + "\n")
    llama.save(folder, net, params, dtype=DTYPES[dtype], ids=_ids(like) | said)


def _ends(stop: Sequence[int]) -> int | list[int]:
    return stop[0] if len(stop) == 1 else [*stop]


def _ids(like):
    """The ids of special tokens that the model's folder states, if it is one."""
    path = pathlib.Path(like.source or "none") / "config.json"
    found = model_folder.json_object(path) if paths.has_file(path) else {}
    return {name: found[name] for name in llama.IDS if name in found}


def _tokens(folder, like):
    """Write the files of a model's tokenizer, and the template where that is another's."""
    source = pathlib.Path(like.source)
    if like.source and source.suffix != ".gguf":
        model_folder.require_there(source)
        for name in FILES:
            if paths.has_file(source / name):
                shutil.copyfile(source / name, folder / name)
    else:  # one file, of which all was read, or none
        safetensors_files.replace(folder / "tokenizer.json", like.tokenizer.to_str(pretty=True))
        _settings(folder, like)
    if like.template:
        safetensors_files.replace(folder / TEMPLATE, like.template.text)


def _settings(folder, like):
    """tokenizer_config.json of a tokenizer that came without."""
    said: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast"}
    said |= dict(like.template.marks) if like.template else {}
    said |= {"model_max_length": like.net.max_position_embeddings}
    said["clean_up_tokenization_spaces"] = False
    if like.stop:
        said.setdefault("eos_token", like.tokenizer.id_to_token(like.stop[0]))
    path = folder / "tokenizer_config.json"
    safetensors_files.replace(path, json.dumps(said, indent=2, ensure_ascii=False) + "\n")
