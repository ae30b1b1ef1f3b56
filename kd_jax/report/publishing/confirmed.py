"""A record of one base seed beside that of another, on which its settings were chosen.

experiments/NAME/exploration/    of --base_seed=0
experiments/NAME/records/        of another base seed: what is claimed
experiments/NAME/repeated/       of a third one: what of it held
"""

import pathlib

from kd_jax.errors import require
from kd_jax.report import commands, tables
from kd_jax.report.differences import Record
from kd_jax.report.publishing import repeated, reproduced
from kd_jax.storage import jsonl

EXPLORATION = "exploration"
ROOT = pathlib.Path(__file__).parents[3]


def exploration(record: pathlib.Path) -> pathlib.Path | None:
    """The folder of the exploration beside a committed record, at another base seed, or None.

    That of the same preset, or else of the default one: what it chose may be a preset.

    Args:
        record: experiments/NAME/records or records_PRESET.
    """
    found = _explorations(record)
    return next((path for path in found if _base_seed(path) != _base_seed(record)), None)


def check_another(record: pathlib.Path, run: pathlib.Path) -> None:
    """InputError if a run that is to repeat a record is of a base seed that chose its settings.

    Args:
        record: As for `exploration`.
        run: The folder of the run.
    """
    seed = _base_seed(run)
    for path in _explorations(record):
        require(
            _base_seed(path) != seed,
            f"{run} is of --base_seed={seed}, as {path} is, on which settings were chosen: "
            "expected another one",
        )


def _explorations(record):
    """The folders of the explorations beside a record: that of its preset, of the default one."""
    name = record.name.replace("records", EXPLORATION, 1)
    near = dict.fromkeys([record.with_name(name), record.with_name(EXPLORATION)])
    return [path for path in near if path != record and (path / "table.md").is_file()]


def others(record: pathlib.Path) -> dict[str, str]:
    """{"exploration" or "base seed 2": table.md} of what ran at other base seeds than a record.

    Args:
        record: As for `exploration`.
    """
    first, found = exploration(record), {}
    if first is not None:
        found[EXPLORATION] = (first / "table.md").read_text(encoding="utf-8")
    return found | {f"base seed {_seed(x)}": y for x, y in repeated.tables_of(record).items()}


def said(record: pathlib.Path) -> str:
    """Whether a record was confirmed, and which verdicts differ, in Markdown.

    Args:
        record: As for `exploration`.
    """
    first, again = exploration(record), repeated.tables_of(record)
    if first is None and not again:
        return "One base seed, not confirmed at another."
    table, own, parts = (record / "table.md").read_text("utf-8"), _base_seed(record), []
    if first is not None:
        before, seed = (first / "table.md").read_text("utf-8"), _base_seed(first)
        link = f"[its table]({first.name}/table.md)"
        if reproduced.verdicts(before):
            differ = _differing({seed: before, own: table})
            whole = f"Explored at base seed {seed} ({link}), confirmed at base seed {own}. {differ}"
        else:
            whole = (
                f"Settings were chosen at base seed {seed} ({link}), with too few students for "
                f"verdicts; those of base seed {own} are not confirmed at another."
            )
        parts.append(whole)
    for page, after in again.items():
        link = f"[what held]({page.parent.name}/{page.name})"
        differ = _differing({own: table, _seed(page): after})
        parts.append(f"Repeated at base seed {_seed(page)} ({link}). {differ}")
    return "\n\n".join(parts)


def choosing(folder: pathlib.Path, experiment: str) -> list[Record]:
    """The records on which a run's settings are chosen: of the exploration if there is one.

    Args:
        folder: Of the run, or a committed record of it.
        experiment: Its name.

    Returns:
        Those of the run itself where it is the exploration, or has rows that this lacks.
    """
    first = ROOT / "experiments" / experiment / EXPLORATION
    if not (first / "records.jsonl").is_file() or _base_seed(folder) == _base_seed(first):
        return jsonl.records(folder)
    rows = {record["row"] for record in jsonl.records(folder)}
    found = jsonl.records(first)
    known = rows <= {record["row"] for record in found}
    return [r for r in found if r["row"] in rows] if known else jsonl.records(folder)


def _base_seed(folder):
    return commands.settings(folder).get("base_seed", 0)


def _seed(page):
    """The base seed of a repetition."""
    return int(page.stem.rpartition("_")[2])


def _differing(runs):
    """The verdicts that differ, a line each. Args: runs: {base seed: table.md}, of two."""
    changed = reproduced.changed_verdicts(*runs.values())
    if not changed:
        return "Verdicts that differ: none."
    header = ["table", "row", "verdict on", *(f"base seed {seed}" for seed in runs)]
    return f"Verdicts that differ:\n\n{tables.markdown(header, changed).strip()}"
