"""Committed records that pages show: what stands between two marks, and where a record is of."""

import pathlib
import re

from kd_jax.report import commands, encoder_run, manifests
from kd_jax.storage import manifest

LINKED = {"settings": "config.json", "manifest": "manifest.json", "records": "records.jsonl"}


def encoders_page(text: str, root: pathlib.Path) -> str:
    """docs/encoders.md with the tables of its records renewed.

    Args:
        text: the page as it is.
        root: the folder of the repository.
    """
    for path in sorted((root / "docs" / "records").glob(f"encoder_*/{manifest.NAME}")):
        folder = path.parent
        parts = [f"    {commands.read(folder)}", encoder_run.table(folder).rstrip()]
        part = "\n\n".join(["", *parts, origin(folder, f"records/{folder.name}"), ""])
        text = replaced(text, folder.name, part)
    return text


def replaced(text: str, name: str, part: str) -> str:
    """A text with another part between `<!-- name -->` and the next `<!-- end -->`.

    Args:
        text: of a page.
        name: of the part.
        part: what is to stand there.
    """
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda found: found[1] + part + found[2], text, flags=re.S)


def origin(record: pathlib.Path, link: str) -> str:
    """When, where and of which commit a record is, and links to its files.

    Args:
        record: its folder.
        link: where the page finds it.
    """
    said = manifest.read(record)
    links = [
        f"[{name}]({link}/{file})" for name, file in LINKED.items() if (record / file).is_file()
    ]
    return (
        f"Record of {said['finished'][:10]}: commit {manifests.commit(said, 10)}, "
        f"{manifests.duration(said)} on {said['device']}, jax {said['versions']['jax']}; "
        f"{', '.join(links)}."
    )
