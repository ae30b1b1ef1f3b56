"""The Hugging Face hub: what it reads off a model card, and how a folder gets there."""

import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from kd_jax.errors import InputError, brief, extra, require

CARD = "README.md"
TAG = "knowledge-distillation"
NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
TOKEN = "sign in with `hf auth login`, or set HF_TOKEN to a token that may write"


def front_matter(
    library: str, *, task: str = "", tags: Sequence[str] = (), metrics: Sequence[str] = ()
) -> str:
    """The lines between "---" at the head of a model card, in YAML; no license is claimed.

    Args:
        library: That reads the files, by the hub's name of it.
        task: By the hub's name, like text-generation; "" where it has none.
        tags: Besides knowledge-distillation.
        metrics: That the card's table has, by the hub's names of them.
    """
    lines = [f"library_name: {library}", *([f"pipeline_tag: {task}"] if task else [])]
    for name, values in (("tags", [TAG, *tags]), ("metrics", metrics)):
        lines += [f"{name}:", *(f"- {value}" for value in values)] if values else []
    lines += ["# license: yours to state, as that of the teacher and of the data allows"]
    return "\n".join(["---", *lines, "---", "", ""])


def check_name(name: str, value: str) -> None:
    """A check of a setting: InputError unless it is owner/name or nothing."""
    require(
        not value or NAME.fullmatch(value),
        f"--{name}={value}: expected the name of a model on the hub, owner/name",
    )


def client(repository: str) -> Any:
    """The hub's HfApi, with a token that it knows.

    Args:
        repository: What a message calls the place, owner/name.

    Raises:
        InputError: huggingface_hub is not installed, there is no token, or the hub refuses it or
            is out of reach.
    """
    with extra("text"):
        import huggingface_hub
    require(huggingface_hub.get_token(), f"--push={repository}: there is no token; {TOKEN}")
    api = huggingface_hub.HfApi()
    _asked(repository, api.whoami)
    return api


def push(folder: str | os.PathLike, repository: str, api: Any) -> str:
    """Upload a folder with its model card; a repository that is not there yet is made, private.

    Args:
        folder: With CARD in it.
        repository: owner/name.
        api: See `client`.

    Returns:
        The address of the repository.

    Raises:
        InputError: there is no card, or the hub refuses.
    """
    from kd_jax.export import folders  # here, as flags are read before NumPy is imported

    place = pathlib.Path(folder)
    require((place / CARD).is_file(), f"{place} has no {CARD}: expected a folder with a model card")
    _asked(repository, api.create_repo, repo_id=repository, private=True, exist_ok=True)
    _asked(
        repository,
        api.upload_folder,
        repo_id=repository,
        folder_path=str(place),
        ignore_patterns=[folders.LIST],
        commit_message="A student, with its card",
    )
    return f"https://huggingface.co/{repository}"


def _asked(repository, function, **arguments):
    """What the hub answers; InputError where it refuses, in a line."""
    try:
        return function(**arguments)
    except Exception as error:  # of several libraries: hub, network, disk
        raise InputError(
            f"--push={repository}: the hub refused or is out of reach ({brief(error)}); {TOKEN}"
        ) from None
