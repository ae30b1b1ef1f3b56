"""The READMEs, generated from docstrings, findings and records.

`./run.sh publish --readmes` renews them, and before that the tables of committed records.

experiment_page.py says what an experiment's is made of, front_page.py which parts of README.md, and
docs_records.py which of docs/encoders.md and docs/decoders.md.
"""

import contextlib
import pathlib
from collections.abc import Callable

from kd_jax.report import commands
from kd_jax.report.publishing import (
    answered_claims,
    claims_page,
    confirmed,
    docs_records,
    experiment_page,
    front_page,
    in_place,
    modules,
    whole,
)
from kd_jax.storage import whole_file


def write(root: pathlib.Path) -> list[pathlib.Path]:
    """Write every table of committed records, and then every README, whose text has changed.

    Args:
        root: the folder of the repository.

    Returns:
        The paths of the files that were written: all READMEs or, without room, none.
    """
    texts = committed_tables(root)
    with in_place.undone(texts):
        return _write_changed(texts) + _write_changed(rendered(root))


def committed_tables(root: pathlib.Path) -> dict[pathlib.Path, str]:
    """The text that every table.md should have, of experiments that can be imported from there.

    Args:
        root: the folder of the repository.
    """
    texts = {}
    for module, path in _reports(root):
        with whole.committed(path):
            texts[path / whole.TABLE] = module.table(path)
    return texts


def drawn(root: pathlib.Path) -> list[tuple[Callable[[pathlib.Path], None], pathlib.Path]]:
    """(what draws, the folder) of all committed records, as for `committed_tables`.

    Args:
        root: the folder of the repository.
    """
    return [(module.draw, path) for module, path in _reports(root)]


def _reports(root):
    """(experiments.NAME.report, folder of records) of all that can be imported from there."""
    for folder in experiment_page.folders(root):
        module = modules.of(folder, "report")
        records = experiment_page.records(folder), folder.glob(f"{confirmed.EXPLORATION}*")
        yield from ((module, path) for paths in records for path in paths if module)


def table(record: pathlib.Path, experiment: pathlib.Path) -> str:
    """The tables of a record, as its experiment's report writes them now.

    Args:
        record: Its folder, or that of a finished run.
        experiment: That of the experiment, experiments/NAME.
    """
    module = modules.of(experiment, "report")
    return module.table(record) if module else commands.text(record / whole.TABLE)


def draw(record: pathlib.Path, experiment: pathlib.Path) -> None:
    """Draw the figures of a record, as its experiment's report does now.

    Args:
        record: As for `table`.
        experiment: Likewise.
    """
    module = modules.of(experiment, "report")
    if module:
        module.draw(record)


def _write_changed(texts):
    """The paths of the files that had another text."""
    changed = {
        path: text
        for path, text in texts.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    with contextlib.ExitStack() as stack:  # all are written before the first is replaced
        for path, text in changed.items():
            file = stack.enter_context(whole_file.written(path))
            file.write(text)
            file.flush()
    return list(changed)


def rendered(root: pathlib.Path) -> dict[pathlib.Path, str]:
    """The text that every README should have, by its path."""
    front, docs = root / "README.md", root / "docs"
    texts: dict[pathlib.Path, str] = {}
    with whole.committed(docs):
        claimed = claims_page.page(root) if any(claims_page.listed(root)) else ""
    for folder in experiment_page.folders(root):
        with whole.committed(folder):
            answers = answered_claims.answered(claimed, folder.name)
            texts[folder / "README.md"] = experiment_page.text(folder, answers)
    if claimed:
        texts[docs / "claims.md"] = experiment_page.linked(claimed)
    texts |= docs_records.pages(root)
    with whole.committed(root):
        texts[front] = front_page.renewed(commands.text(front), root)
    return texts
