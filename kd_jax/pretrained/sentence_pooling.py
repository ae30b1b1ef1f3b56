"""How a folder turns an encoder's vectors into one of a sentence: their mean is implemented."""

import os
import pathlib

from kd_jax.errors import require
from kd_jax.pretrained import model_folder
from kd_jax.pretrained.settings import Settings, shown

KINDS = "Transformer", "Pooling", "Normalize"  # the parts that a sentence embedding is made of
# of a Pooling, with the values of a mean
NEUTRAL: dict[str, tuple] = {
    "pooling_mode": ("mean",),
    "pooling_mode_mean_tokens": (True,),
    "pooling_mode_cls_token": (False,),
    "pooling_mode_max_tokens": (False,),
    "pooling_mode_mean_sqrt_len_tokens": (False,),
    "pooling_mode_weightedmean_tokens": (False,),
    "pooling_mode_lasttoken": (False,),
}
HARMLESS = "word_embedding_dimension", "embedding_dimension", "include_prompt"


def require_mean(folder: str | os.PathLike) -> None:
    """InputError where a folder's sentence embeddings are not the means of its tokens' vectors.

    A folder that does not say it, as it is no sentence encoder yet, may be used as one.

    Args:
        folder: with the encoder, and perhaps modules.json of the library sentence-transformers.
    """
    path = pathlib.Path(folder) / "modules.json"
    if not path.is_file():
        return
    for part in model_folder.json_objects(path):
        kind = str(part.get("type")).rpartition(".")[2]
        require(
            kind in KINDS,
            f"{path}: a sentence's vector goes through {shown(kind)}, expected {', '.join(KINDS)}: "
            "nothing else is implemented",
        )
        own = path.parent / str(part.get("path", "")) / "config.json"
        if kind == "Pooling" and own.is_file():
            found = Settings(model_folder.json_object(own), own)
            found.neutral(NEUTRAL)
            found.accounted(HARMLESS)
