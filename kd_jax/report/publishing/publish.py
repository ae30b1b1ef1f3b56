"""Keep a finished run as evidence: `./run.sh publish runs/<experiment>/<id>`.

Copies its settings, manifest, command, records, tables and figures to
experiments/<name>/records/, or to experiments/<name>/records_<preset>/ where the preset is not
the default one, and renews the READMEs (see readmes.py); publishable.py says what is refused.
A run of --base_seed=0 goes to exploration/ or exploration_<preset>/: settings were chosen on it,
and what is claimed is the table of another base seed. Where a record with other tables stands
there already, --why="…" says why the new one takes its place, and superseded.py keeps its tables.
With --repeats beside the folder of a run at another base seed the record stays, and repeated.py
keeps what of its intervals held.
With --readmes in place of a folder it renews the READMEs alone, as after a change of an
experiment's docstring or findings; with --figures it draws the figures of all records again before
that, as after a change of what draws them.
"""

import contextlib
import os
import pathlib
import sys

from kd_jax.errors import InputError, brief, require
from kd_jax.report import commands
from kd_jax.report.publishing import (
    confirmed,
    in_place,
    publish_flags,
    publishable,
    readmes,
    record_copy,
    repeated,
    reproduced,
    superseded,
    whole,
)
from kd_jax.report.publishing.confirmed import EXPLORATION
from kd_jax.storage import manifest
from kd_jax.streams import one_line

ROOT = pathlib.Path(__file__).parents[3]


def publish(
    run_folder: str | os.PathLike, root: pathlib.Path = ROOT, why: str = ""
) -> pathlib.Path:
    """Copy a finished run into its experiment and renew the READMEs.

    Args:
        run_folder: runs/<experiment>/<id>.
        root: the folder of the repository.
        why: the reason, where a record of another run is replaced.

    Returns:
        The folder of the published records.

    Raises:
        InputError: the folder is not a finished run, or one that `publishable` refuses; a record
            is there without a reason to replace it; a committed one is damaged; or another
            process publishes.
    """
    source = pathlib.Path(run_folder).resolve()
    with _at_work(root):
        experiment, preset = publishable.checked(source, root)
        explored = commands.settings(source).get("base_seed") == 0
        target = records_folder(root, experiment, preset, EXPLORATION if explored else "records")
        _check_records(target)
        with _room(target), in_place.beside(target) as partial:
            record_copy.write(source, partial, target.parent)
            pages = _superseded(partial, target, why)
            with in_place.instead(target, partial, pages), record_copy.of_run(source, target):
                readmes.write(root)
    return target


def repeat(run_folder: str | os.PathLike, root: pathlib.Path = ROOT) -> pathlib.Path:
    """Keep what of a record's intervals a run at another base seed confirms, and renew the READMEs.

    Args:
        run_folder: as for `publish`, of the preset of a record.
        root: as for `publish`.

    Returns:
        The page.

    Raises:
        InputError: as of `publish`; or there is no record, or it or its exploration is of the same
            base seed; or another run of that base seed is kept.
    """
    source = pathlib.Path(run_folder).resolve()
    with _at_work(root):
        record = records_folder(root, *publishable.checked(source, root))
        page = repeated.place(record, source)
        confirmed.check_another(record, source)
        with _room(page), in_place.beside(record) as partial, in_place.undone([page]):
            record_copy.write(source, partial, record.parent)
            with record_copy.of_run(source, partial):
                text = repeated.text(record, partial)
            repeated.write(page, text)
            with record_copy.of_run(source, partial):
                readmes.write(root)
    return page


@contextlib.contextmanager
def _at_work(root):
    """In this block no other process publishes, and the committed records are whole.

    What one left that was killed is undone before, so that nothing later takes it for a record.
    """
    with in_place.alone(root):
        undone = in_place.recover(root)
        whole.check_committed(root)
        if undone:
            readmes.write(root)
        yield


@contextlib.contextmanager
def _room(path):
    """In this block a file or folder is written: without room one line says so."""
    try:
        yield
    except OSError as error:
        why = error.strerror or brief(error)
        raise InputError(f"{path} cannot be written ({why}): make room there") from None


def _check_records(target: pathlib.Path) -> None:
    """InputError if records would be replaced that hold what `publish` did not put there."""
    require(not target.is_symlink(), f"{target} is a link: expected a folder of records, or none")
    known = whole.files(target)
    for path in target.iterdir() if target.exists() else ():
        require(path in known, f"{target} holds {path.name}, which is no record: move it away")


def _superseded(partial, target, why):
    """{path: text} of the page of a record of another run that stands there with other tables."""
    if not (target / whole.TABLE).is_file():
        return {}
    runs = {manifest.read(folder)["finished"] for folder in (partial, target)}
    theirs, ours = (commands.text(folder / whole.TABLE) for folder in (target, partial))
    if len(runs) == 1 or reproduced.same_rows(ours, theirs):
        return {}
    return {superseded.place(target): superseded.text(target, why)}


def renew(root: pathlib.Path = ROOT) -> list[pathlib.Path]:
    """Renew the READMEs alone; the paths of those that changed."""
    with _at_work(root):
        return readmes.write(root)


def redraw(root: pathlib.Path = ROOT) -> list[pathlib.Path]:
    """Draw the figures of all records again, and renew the READMEs; the paths of these.

    A record of before a file, or a field, that a figure needs keeps what can be drawn without; a
    line says so.
    """
    with _at_work(root):
        for draw, folder in readmes.drawn(root):
            with whole.committed(folder):
                _draw(draw, folder)
        return readmes.write(root)


def _draw(draw, folder):
    try:
        draw(folder)
    except (FileNotFoundError, KeyError) as error:
        is_file = isinstance(error, FileNotFoundError)
        lost = pathlib.Path(getattr(error, "filename", "")).name if is_file else error.args[0]
        print(f"{folder} has no {lost}: what needs it is not drawn again", file=sys.stderr)


def records_folder(
    root: pathlib.Path, experiment: str, preset: str, kind: str = "records"
) -> pathlib.Path:
    """Where the records, or the EXPLORATION, of an experiment's preset are published."""
    name = kind if preset == "default" else f"{kind}_{preset}"
    return root / "experiments" / experiment / name


def all_records(root: pathlib.Path = ROOT) -> dict[str, pathlib.Path]:
    """{experiment, or experiment_preset: its published folder}, by name."""
    found = {}
    for path in sorted(root.glob(f"experiments/*/records*/{manifest.NAME}")):
        with whole.committed(path.parent):
            experiment, preset = publishable.experiment_and_preset(path.parent)
        found[experiment if preset == "default" else f"{experiment}_{preset}"] = path.parent
    return found


def main(words: list[str]) -> None:
    """Do what a command line asks for.

    Args:
        words: Behind `publish`.

    Raises:
        InputError: as of what is asked for, or the command line is at fault.
    """
    asked = publish_flags.parse(words)
    if "--readmes" in asked.flags:
        print(*renew(), sep="\n")
    elif "--figures" in asked.flags:
        print(*redraw(), sep="\n")
    elif "--repeats" in asked.flags:
        print(repeat(asked.run))
    else:
        print(publish(asked.run, why=asked.why))


if __name__ == "__main__":
    with one_line():
        main(sys.argv[1:])
