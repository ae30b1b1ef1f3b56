"""Committed records that pages show: what stands between two marks, and where a record is of."""

import pathlib
import re
from collections.abc import Callable

from kd_jax.report import commands, decoder_table, encoder_run, manifests
from kd_jax.report.publishing import whole
from kd_jax.storage import manifest

LINKED = {"settings": "config.json", "manifest": "manifest.json", "records": "records.jsonl"}


TABLES: dict[str, Callable[[pathlib.Path], str]] = {  # of the records that a page of docs/ shows
    "encoder": encoder_run.table, "decoder": decoder_table.table,
}  # fmt: skip


def pages(root: pathlib.Path) -> dict[pathlib.Path, str]:
    """docs/encoders.md and docs/decoders.md with the tables of their records renewed, by path.

    Args:
        root: the folder of the repository.
    """
    docs = root / "docs"
    found = {docs / f"{kind}s.md": kind for kind in TABLES}
    return {path: _page(path, kind) for path, kind in found.items() if path.is_file()}


def _page(path, kind):
    text = path.read_text(encoding="utf-8")
    for record in sorted((path.parent / "records").glob(f"{kind}_*/{manifest.NAME}")):
        folder = record.parent
        with whole.committed(folder):
            parts = [f"    {commands.read(folder)}", TABLES[kind](folder).rstrip()]
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


def made(record: pathlib.Path) -> str:
    """When and where a record was made, and of which commit, without a stop.

    Args:
        record: its folder.
    """
    said = manifest.read(record)
    return (
        f"Record of {said['finished'][:10]}: commit {manifests.commit(said, 10)}, "
        f"{manifests.duration(said)} on {said['device']}, jax {said['versions']['jax']}"
    )


def origin(record: pathlib.Path, link: str) -> str:
    """When, where and of which commit a record is, and links to its files.

    Args:
        record: its folder.
        link: where the page finds it.
    """
    links = [
        f"[{name}]({link}/{file})" for name, file in LINKED.items() if (record / file).is_file()
    ]
    return f"{made(record)}; {', '.join(links)}."
