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

import json
import os
import pathlib
import shutil
import sys
from typing import Any

from kd_jax.errors import DAMAGED, InputError, brief, require
from kd_jax.report import commands, publishable, readmes, repeated, reproduced, superseded
from kd_jax.report.confirmed import EXPLORATION
from kd_jax.storage import digits, jsonl, manifest
from kd_jax.streams import one_line

ROOT = pathlib.Path(__file__).parents[2]
PUBLISHED = ("*.json", "records.jsonl", "table.md", "*.svg", "*.npz")


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
        InputError: the folder is not a finished run, or one that `publishable` refuses; or a
            record is there without a reason to replace it.
    """
    source = pathlib.Path(run_folder).resolve()
    experiment, preset = publishable.checked(source, root)
    explored = commands.settings(source).get("base_seed") == 0
    kind = EXPLORATION if explored else "records"
    target = records_folder(root, experiment, preset, kind)
    _check_records(target)
    kept = _superseded(source, target, why)
    partial, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    recover(root)
    for left in (partial, old):
        shutil.rmtree(left, ignore_errors=True)
    try:
        partial.mkdir()
        copy(source, partial)
        if target.exists():
            target.rename(old)
        partial.rename(target)
    except OSError as error:
        recover(root)
        shutil.rmtree(partial, ignore_errors=True)
        why = error.strerror or brief(error)
        raise InputError(f"{target} cannot be written ({why}): make room there") from None
    except DAMAGED as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise InputError(f"{source} is damaged ({brief(error)}): run it again") from None
    try:
        for path, text in kept.items():
            path.parent.mkdir(exist_ok=True)
            jsonl.write_whole(path, text)
        readmes.write(root)
    except DAMAGED as error:
        shutil.rmtree(target)
        recover(root)
        for path in kept:
            path.unlink(missing_ok=True)
        raise _unshown(source, error) from None
    shutil.rmtree(old, ignore_errors=True)
    return target


def repeat(run_folder: str | os.PathLike, root: pathlib.Path = ROOT) -> pathlib.Path:
    """Keep what of a record's intervals a run at another base seed confirms, and renew the READMEs.

    Args:
        run_folder: as for `publish`, of the preset of a record.
        root: as for `publish`.

    Returns:
        The page.

    Raises:
        InputError: as of `publish`; or there is no record, or it is of the same base seed.
    """
    source = pathlib.Path(run_folder).resolve()
    record = records_folder(root, *publishable.checked(source, root))
    page = repeated.place(record, source)
    said = repeated.text(record, source)
    page.parent.mkdir(exist_ok=True)
    jsonl.write_whole(page, said)
    readmes.write(root)
    return page


def _check_records(target: pathlib.Path) -> None:
    """InputError if records would be replaced that hold what `publish` did not put there."""
    require(not target.is_symlink(), f"{target} is a link: expected a folder of records, or none")
    known = *PUBLISHED, manifest.NAME, commands.NAME
    for path in target.iterdir() if target.exists() else ():
        published = path.is_file() and any(path.match(pattern) for pattern in known)
        require(published, f"{target} holds {path.name}, which is no record: move it away")


def _superseded(source, target, why):
    """{path: text} of the page of a record of another run that stands there with other tables."""
    if not (target / "table.md").is_file():
        return {}
    runs = {manifest.read(folder)["finished"] for folder in (source, target)}
    theirs = (target / "table.md").read_text("utf-8")
    try:
        ours = readmes.table(source, target.parent)
    except DAMAGED as error:
        raise _unshown(source, error) from None
    if len(runs) == 1 or reproduced.same_rows(ours, theirs):
        return {}
    return {superseded.place(target): superseded.text(target, why)}


def _unshown(source, error):
    """The InputError about a run that no page can show."""
    why = (isinstance(error, OSError) and error.strerror) or brief(error)
    return InputError(f"{source} cannot be shown on a page ({why})")


def recover(root: pathlib.Path) -> None:
    """Put records back that a process was killed over, between the two renames of `publish`."""
    for old in root.glob("experiments/*/.*.old"):
        target = old.with_name(old.name.removeprefix(".").removesuffix(".old"))
        if not target.exists():
            old.rename(target)


def renew(root: pathlib.Path = ROOT) -> list[pathlib.Path]:
    """Renew the READMEs alone; the paths of those that changed."""
    recover(root)
    return readmes.write(root)


def redraw(root: pathlib.Path = ROOT) -> list[pathlib.Path]:
    """Draw the figures of all records again, and renew the READMEs; the paths of these.

    A record of before a file, or a field, that a figure needs keeps what can be drawn without; a
    line says so.
    """
    recover(root)
    for draw, folder in readmes.drawn(root):
        try:
            draw(folder)
        except (FileNotFoundError, KeyError) as error:
            is_file = isinstance(error, FileNotFoundError)
            lost = pathlib.Path(getattr(error, "filename", "")).name if is_file else error.args[0]
            print(f"{folder} has no {lost}: what needs it is not drawn again", file=sys.stderr)
    return readmes.write(root)


def copy(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copy what is published of a run: of its commands not where one user's files lie."""
    for path in (path for pattern in PUBLISHED for path in source.glob(pattern)):
        if path.is_file():
            shutil.copy(path, target)
    records = [digits.single_precision(r) for r in jsonl.every_record(source)]  # as runs write now
    jsonl.write_whole(target / "records.jsonl", jsonl.text(records))
    settings = commands.settings(source)

    def short(said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "command": commands.published(said["command"], settings)}

    said = short(manifest.read(source))
    said["processes"] = [short(process) for process in said["processes"]]
    jsonl.write_whole(target / manifest.NAME, json.dumps(said, indent=2) + "\n")
    command = commands.published(commands.read(source), settings)
    jsonl.write_whole(target / commands.NAME, command + "\n")


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
        experiment, preset = publishable.experiment_and_preset(path.parent)
        found[experiment if preset == "default" else f"{experiment}_{preset}"] = path.parent
    return found


if __name__ == "__main__":
    with one_line():
        words = [word for word in sys.argv[1:] if word != "--repeats"]
        given = [word for word in words if not word.startswith("--why=")]
        said = [word.removeprefix("--why=") for word in words if word not in given]
        expected = "expected the folder of a finished run, or --readmes or --figures to renew these"
        require(len(given) == 1, f"publish has {len(given)} arguments: {expected}")
        renewing = {"--readmes": renew, "--figures": redraw}.get(given[0])
        if renewing:
            print(*renewing(), sep="\n")
        elif "--repeats" in sys.argv[1:]:
            print(repeat(given[0]))
        else:
            print(publish(given[0], why=" ".join(said)))
