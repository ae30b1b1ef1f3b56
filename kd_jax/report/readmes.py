"""The READMEs, generated from docstrings, findings and records.

`./run.sh publish --readmes` renews them, and before that the tables of committed records.

experiment_page.py says what an experiment's is made of, front_page.py which parts of README.md, and
docs_records.py which of docs/encoders.md and docs/decoders.md.
"""

import contextlib
import importlib
import pathlib
from collections.abc import Callable

from kd_jax.errors import InputError
from kd_jax.report import (
    answered_claims,
    claims_page,
    confirmed,
    docs_records,
    experiment_page,
    front_page,
)
from kd_jax.storage import whole_file


def write(root: pathlib.Path) -> list[pathlib.Path]:
    """Write every table of committed records, and then every README, whose text has changed.

    Args:
        root: the folder of the repository.

    Returns:
        The paths of the files that were written: all READMEs or, without room, none.
    """
    return _write_changed(committed_tables(root)) + _write_changed(rendered(root))


def committed_tables(root: pathlib.Path) -> dict[pathlib.Path, str]:
    """The text that every table.md should have, of experiments that can be imported from there.

    Args:
        root: the folder of the repository.
    """
    return {path / "table.md": module.table(path) for module, path in _reports(root)}


def drawn(root: pathlib.Path) -> list[tuple[Callable[[pathlib.Path], None], pathlib.Path]]:
    """(what draws, the folder) of all committed records, as for `committed_tables`.

    Args:
        root: the folder of the repository.
    """
    return [(module.draw, path) for module, path in _reports(root)]


def _reports(root):
    """(experiments.NAME.report, folder of records) of all that can be imported from there."""
    for folder in experiment_page.folders(root):
        module = _report(folder)
        records = experiment_page.records(folder), folder.glob(f"{confirmed.EXPLORATION}*")
        yield from ((module, path) for paths in records for path in paths if module)


def _report(folder):
    """The module report.py of an experiment's folder, or None where it cannot be imported."""
    try:
        module = importlib.import_module(f"experiments.{folder.name}.report")
    except (ImportError, InputError):  # another repository, or an extra that is not installed
        return None
    return module if pathlib.Path(str(module.__file__)).parent == folder else None


def table(run: pathlib.Path, experiment: pathlib.Path) -> str:
    """The tables of a finished run, as its experiment's report writes them now.

    Args:
        run: Its folder.
        experiment: That of the experiment, experiments/NAME.
    """
    module = _report(experiment)
    return module.table(run) if module else (run / "table.md").read_text(encoding="utf-8")


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
    claimed = claims_page.page(root) if any(claims_page.listed(root)) else ""
    texts = {
        folder / "README.md": experiment_page.text(
            folder, answered_claims.answered(claimed, folder.name)
        )
        for folder in experiment_page.folders(root)
    }
    if claimed:
        texts[docs / "claims.md"] = experiment_page.linked(claimed)
    texts |= docs_records.pages(root)
    return {front: front_page.renewed(front.read_text(encoding="utf-8"), root), **texts}
