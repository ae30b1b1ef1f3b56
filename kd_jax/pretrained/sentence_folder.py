"""Folders of sentence encoders: the modules, lengths and prompts that sentence-transformers writes.

Each module and each setting is implemented, changes nothing, or is refused by name. A folder
without modules.json is that of a network alone: the mean of its tokens' vectors is taken.

Sources: `modules.json`, `sentence_bert_config.json`, `config_sentence_transformers.json` and the
modules' `config.json` of the library sentence-transformers, versions 2 to 5.
"""

import json
import os
import pathlib
from typing import Any, NamedTuple

from kd_jax import paths
from kd_jax.errors import require
from kd_jax.models.sentence import Dense, Head, mean, normalized
from kd_jax.pretrained import (
    model_folder,
    safetensors_files,
    sentence_dense,
    sentence_pooling,
    static_embedding,
)
from kd_jax.pretrained.settings import Settings, shown

MODULES, PROMPTS = "modules.json", "config_sentence_transformers.json"
TOKENIZER = "tokenizer.json"
READING = "sentence_bert_config.json"  # older ones are called by other models, like roberta
LIBRARY = "sentence_transformers."  # whose modules are meant: others bring code of their own
# what of a Transformer's settings is not implemented, with the values at which it changes nothing
NEUTRAL_READING: dict[str, tuple] = {
    "transformer_task": ("feature-extraction",),
    "modality_config": (
        {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    ),
    "module_output_name": ("token_embeddings",),
    **dict.fromkeys(
        ["model_args", "tokenizer_args", "config_args", "model_kwargs", "processor_kwargs"]
        + ["config_kwargs", "processing_kwargs"],
        ({},),
    ),
}


class SentenceFolder(NamedTuple):
    """What a folder says of a sentence's vector.

    model: where the network and its tokenizer lie; head, params: a Head and the parameters of its
    steps; width: of the hidden states that it takes, 0 where the folder does not say; dimension: of
    its vectors, likewise; max_length: tokens of a text, None where the folder does not say;
    lowercase: whether texts are; prompts: {name: what is put before a text}; default_prompt: the
    name of one, or None; pools_prompts: whether a prompt's tokens count in the pooling; static:
    whether the network is a StaticEmbedding, whose texts have no special tokens.
    """

    model: pathlib.Path
    head: Head = Head()
    params: tuple[Any, ...] = ()
    width: int = 0
    dimension: int = 0
    max_length: int | None = None
    lowercase: bool = False
    prompts: dict[str, str] = {}
    default_prompt: str | None = None
    pools_prompts: bool = True
    static: bool = False


def read(folder: str | os.PathLike) -> SentenceFolder:
    """The SentenceFolder of a folder.

    Raises:
        InputError: a module or a setting is not known, or damaged.
    """
    folder = pathlib.Path(folder)
    if not paths.has_file(folder / MODULES):
        return SentenceFolder(folder)
    (first, model), *others = _modules(folder)
    static = first == STATIC
    poolings: tuple = (mean,)
    if static:
        max_length, lowercase, pools_prompts = None, False, True
        width = static_embedding.load(model)[0].width
    else:
        max_length, lowercase = _reading(model)
        width, poolings, pools_prompts = sentence_pooling.read(others.pop(0)[1])
    dimension, steps = width * len(poolings), []
    for name, where in others:
        step, params, dimension = STEPS[name](where, dimension)
        steps.append((step, params))
    prompts, default_prompt = _prompts(folder / PROMPTS)
    return SentenceFolder(
        model, Head(poolings, tuple(step for step, _ in steps)), tuple(own for _, own in steps),
        width, dimension, max_length, lowercase, prompts, default_prompt, pools_prompts, static,
    )  # fmt: skip


def write(folder: str | os.PathLike, said: SentenceFolder) -> None:
    """Write what a SentenceFolder says, as `read` and sentence-transformers read it.

    Args:
        folder: of the network, which lies there already.
        said: what it says; where its `model` lies is left out.
    """
    folder = pathlib.Path(folder)
    names, files = {"": STATIC}, {}
    if not said.static:
        names = {"": "Transformer", "1_Pooling": "Pooling"}
        files["1_Pooling/config.json"] = sentence_pooling.settings(
            said.width, said.head.poolings, said.pools_prompts
        )
        files[READING] = {"max_seq_length": said.max_length, "do_lower_case": said.lowercase}
        files[TOKENIZER] = _tokenizer(folder, said.max_length)
    for number, (step, params) in enumerate(zip(said.head.steps, said.params), 2):
        kind = "Dense" if isinstance(step, Dense) else "Normalize"
        place = f"{number}_{kind}"
        names[place] = kind
        if isinstance(step, Dense):
            files[f"{place}/config.json"] = sentence_dense.write(folder / place, step, params)
    files[PROMPTS] = {"prompts": said.prompts, "default_prompt_name": said.default_prompt}
    modules: Any = [
        {"idx": n, "name": str(n), "path": place, "type": f"{LIBRARY}models.{kind}"}
        for n, (place, kind) in enumerate(names.items())
    ]
    for path, content in [*files.items(), (MODULES, modules)]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        safetensors_files.replace(folder / path, json.dumps(content, indent=2) + "\n")


def _tokenizer(folder, longest):
    """The tokenizer.json of a folder that cuts texts at its length and pads none.

    Programs that read this file alone, beside an ONNX file, take what it says; a padding left from
    the teacher's publication would count as tokens there.
    """
    cut = {"direction": "Right", "max_length": longest, "strategy": "LongestFirst", "stride": 0}
    found = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))
    return found | {"padding": None, "truncation": cut if longest else None}


def require_mean(folder: str | os.PathLike) -> None:
    """InputError where a folder's vectors are not the means of its tokens', with nothing before it.

    A folder that does not say it, as it is no sentence encoder yet, may be used as one.

    Args:
        folder: with the encoder.
    """
    said = read(folder)
    alone = said.head.poolings == (mean,) and set(said.head.steps) <= {normalized}
    require(
        alone and not said.lowercase and said.default_prompt is None,
        f"{folder}: a sentence's vector is more than the mean of its tokens' ({MODULES}): expected "
        "the mean, perhaps normalized, of the text as it is; choose another folder",
    )


def _modules(folder):
    """[(its kind, its folder)] of the modules of a folder."""
    path = folder / MODULES
    found: list[tuple[str, pathlib.Path]] = []
    for number, part in enumerate(model_folder.json_objects(path)):
        said = Settings(part, path)
        kind, where = said.get("type"), said.get("path")
        said.neutral({"kwargs": ([],)})
        said.accounted(["idx", "name"])
        name = str(kind).rpartition(".")[2]
        expected = _expected([kind for kind, _ in found])
        require(
            str(kind).startswith(LIBRARY) and name in expected,
            f"{path}: module {number} is {shown(kind)}, expected {' or '.join(expected)} of "
            "sentence_transformers: nothing else is implemented",
        )
        own = isinstance(where, str) and (folder / where).resolve().is_relative_to(folder.resolve())
        require(
            own, f"{path}: module {number} lies in {shown(where)}, expected a folder in this one"
        )
        found.append((name, folder / where))
    enough = "Pooling" not in _expected([kind for kind, _ in found])
    require(found and enough, f"{path} names {len(found)} modules, expected {', '.join(FIRST)}, …")
    return found


def _expected(before):
    """The kinds of a module behind these."""
    if not before:
        return FIRST[0], STATIC
    return FIRST[1:] if before == [FIRST[0]] else tuple(STEPS)


def _reading(folder):
    """(tokens of a text, whether it is lowercased) of a Transformer's folder."""
    paths = sorted(folder.glob("sentence_*_config.json"))
    require(
        len(paths) < 2, f"{folder} holds {', '.join(path.name for path in paths)}: keep one of them"
    )
    if not paths:
        return None, False
    found = Settings(model_folder.json_object(paths[0]), paths[0])
    longest = found.whole("max_seq_length") if found.has("max_seq_length") else None
    lowercase = found.truth("do_lower_case", False)
    found.neutral(NEUTRAL_READING)
    found.accounted(["unpad_inputs"])
    return longest, lowercase


def _normalize(folder, width):
    path = folder / "config.json"  # of newer libraries
    found = Settings(model_folder.json_object(path) if paths.has_file(path) else {}, path)
    found.neutral(sentence_dense.NAMES)
    found.accounted([])
    return normalized, {}, width


FIRST, STATIC = ("Transformer", "Pooling"), "StaticEmbedding"
STEPS = {"Dense": sentence_dense.read, "Normalize": _normalize}  # which follow, in any order


def _prompts(path):
    """({name: prompt}, the name of the default one or None)."""
    if not paths.has_file(path):
        return {}, None
    found = Settings(model_folder.json_object(path), path)
    prompts, default = found.get("prompts") or {}, found.get("default_prompt_name")
    texts = isinstance(prompts, dict) and all(isinstance(text, str) for text in prompts.values())
    require(texts, f"{path}: prompts is {shown(prompts)}, expected an object of texts")
    require(
        default is None or (isinstance(default, str) and default in prompts),
        f"{path}: default_prompt_name is {shown(default)}, expected one of {', '.join(prompts)}",
    )
    found.neutral({"model_type": ("SentenceTransformer",), "truncate_dim": (None,)})
    found.accounted(["__version__", "similarity_fn_name"])  # how vectors are compared
    return prompts, default
