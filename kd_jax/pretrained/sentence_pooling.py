"""How a folder turns an encoder's vectors into one of a sentence: the settings of its pooling."""

import os
import pathlib
from collections.abc import Sequence

from kd_jax.errors import require
from kd_jax.models import sentence
from kd_jax.pretrained import model_folder
from kd_jax.pretrained.settings import Settings, shown

# {a pooling's name: (what it computes, the older setting that asks for it)}, in the order in which
# older settings are concatenated
POOLINGS = {
    "cls": (sentence.first, "pooling_mode_cls_token"),
    "max": (sentence.largest, "pooling_mode_max_tokens"),
    "mean": (sentence.mean, "pooling_mode_mean_tokens"),
    "mean_sqrt_len_tokens": (sentence.mean_by_root, "pooling_mode_mean_sqrt_len_tokens"),
    "weightedmean": (sentence.weighted_mean, "pooling_mode_weightedmean_tokens"),
    "lasttoken": (sentence.last, "pooling_mode_lasttoken"),
}


def settings(width: int, poolings: Sequence[sentence.Pooling], pools_prompts: bool) -> dict:
    """What `read` reads, of the older spelling, which all libraries know, where it has one."""
    names = [name for name, (pooling, _) in POOLINGS.items() if pooling in poolings]
    older = {setting: name in names for name, (_, setting) in POOLINGS.items()}
    said = [name for wanted in poolings for name, (pool, _) in POOLINGS.items() if pool is wanted]
    found = {"word_embedding_dimension": width, "include_prompt": pools_prompts}
    return found | (older if said == names else {"pooling_mode": said})


def read(folder: str | os.PathLike) -> tuple[int, tuple[sentence.Pooling, ...], bool]:
    """What a Pooling module's folder says.

    Returns:
        (Width of the tokens' vectors, its poolings, whether a prompt's tokens count in them).

    Raises:
        InputError: it is missing, or says what is not known.
    """
    found = Settings(model_folder.config(folder), pathlib.Path(folder) / "config.json")
    older_name = "word_embedding_dimension"
    newer = found.has("embedding_dimension")
    width = found.whole("embedding_dimension" if newer else older_name)
    found.neutral({older_name: (width,)})
    older = [name for name, (_, setting) in POOLINGS.items() if found.truth(setting, False)]
    said = found.get("pooling_mode")
    flags = {setting for _, setting in POOLINGS.values() if found.has(setting)}
    mean = POOLINGS["mean"][1]
    require(
        said is not None or newer or not flags or mean in flags,
        f"{found.source}: {mean} is missing: libraries differ on what it is then; say it",
    )
    if said is None and (not flags or older):
        names = older or ["mean"]
    else:
        names = [said] if isinstance(said, str) else said
    known = isinstance(names, list) and names and all(str(name) in POOLINGS for name in names)
    require(
        known,
        f"{found.source}: pooling_mode is {shown(said)}, expected some of {', '.join(POOLINGS)}",
    )
    require(
        said is None or not older or set(older) == set(names),
        f"{found.source}: pooling_mode is {shown(said)}, older settings ask for {', '.join(older)}",
    )
    counted = found.truth("include_prompt", True)
    found.accounted([])
    return width, tuple(POOLINGS[name][0] for name in names), counted
