"""Pages of records that were repeated at another base seed: what of their intervals held.

experiments/NAME/repeated/records-2026-11-21-0123abcd-base_seed_2.md    the record, the other seed
"""

import pathlib
import re

from kd_jax.errors import DamagedFile, require
from kd_jax.report import commands, manifests
from kd_jax.report.publishing import docs_records, reproduced_page, whole
from kd_jax.storage import jsonl, manifest

FOLDER = "repeated"
TABLES = "## Tables of the repetition"
SEED = r"(?:0|[1-9]\d*)"
HELD = r"^(\d+) of (\d+) rows lie inside .*: (\d+)\.$"
EACH = r"^(\d+) of (\d+) intervals hold"


def place(record: pathlib.Path, run: pathlib.Path) -> pathlib.Path:
    """Where the page of a run that repeats a record is kept.

    Args:
        record: experiments/NAME/records or another folder beside it.
        run: The folder of the run.

    Raises:
        InputError: There is no such record, or it is of the run's base seed.
    """
    require((record / "table.md").is_file(), f"{record} holds no record: nothing to be repeated")
    seed, of_record = (commands.settings(x).get("base_seed", 0) for x in (run, record))
    require(
        seed != of_record, f"{run} is of --base_seed={seed}, as {record} is: expected another one"
    )
    return record.parent / FOLDER / f"{_stem(record)}{seed}.md"


def write(page: pathlib.Path, found: str) -> None:
    """Write a page, which is no choice among several runs of its base seed.

    Args:
        page: Its `place`.
        found: Its `text`.

    Raises:
        InputError: Another run of that base seed, with other tables, is kept there.
    """
    kept = _read(page) if page.exists() else found
    require(
        kept.partition(TABLES)[2] == found.partition(TABLES)[2],
        f"{page} keeps other tables of that base seed: repeat the record at another one; or, where "
        "that run was at fault, git rm the page and say why in the commit",
    )
    page.parent.mkdir(exist_ok=True)
    jsonl.write_whole(page, found)


def text(record: pathlib.Path, run: pathlib.Path) -> str:
    """The page: what of a record's intervals held in the run, where both are of, the run's tables.

    Args:
        record: As for `place`.
        run: Likewise.

    Raises:
        InputError: They share no row that has a number.
    """
    title = f"# {record.parent.name}, {record.name}: repeated at another base seed"
    said = commands.settings(run)
    flags = [
        f"--{name}={said[name]}" for name in ("preset", "base_seed") if said[name] != "default"
    ]
    command = " ".join(["./run.sh reproduce", record.parent.name, *flags])
    made = f"{docs_records.made(record)}. Repeated: {docs_records.made(run)}."
    held, tables = reproduced_page.page(record, run), commands.text(run / whole.TABLE)
    require(
        re.search(HELD, held, re.M),
        f"{run} has no number in any row of {record}: nothing is repeated",
    )
    parts = title, f"    {command}", held.strip(), made, TABLES, tables.strip()
    return "\n\n".join(parts) + "\n"


def tables_of(record: pathlib.Path) -> dict[pathlib.Path, str]:
    """{page: the tables of the run} of the repetitions of a committed record, by name.

    Args:
        record: As for `place`; of an earlier record in its place there are others.
    """
    return {page: _read(page).partition(TABLES)[2] for page in _pages(record)}


def counted(root: pathlib.Path) -> str:
    """A paragraph on how many rows of all repetitions held, "" if there are none.

    Those of records that others took the place of are told, and count by themselves.

    Args:
        root: The folder of the repository.
    """
    pages = sorted(root.glob(f"experiments/*/{FOLDER}/*.md"))
    of_records = set().union(*map(_standing, {page.parents[1] for page in pages}))
    stand = [page for page in pages if page in of_records]
    before = [page for page in pages if page not in of_records]
    return " ".join([*([_of_records(stand)] if stand else []), *map(_of_superseded, before)])


def _of_records(pages):
    """The sentences on repetitions of records that stand."""
    by_name: dict[str, list[int]] = {}
    for page in pages:
        known = by_name.get(page.parents[1].name, [0] * 5)
        by_name[page.parents[1].name] = [sum(pair) for pair in zip(known, _counts(page))]
    inside, rows, apart, held, each = (sum(x) for x in zip(*by_name.values()))
    names = ", ".join(f"{name} {x[0]} of {x[1]}" for name, x in by_name.items())
    return (
        f"Repeated at another base seed, {inside} of {rows} rows lie inside the printed intervals "
        f"of their differences ({names}), and {apart} are further apart than both intervals allow. "
        f"Rows may have several intervals: of all {each}, each counted once, {held} hold the "
        f"second run's difference. Right 95 % intervals hold it in {reproduced_page.EXPECTED:.0%} "
        "of cases, since the second run varies as much as the first; in more where they are also "
        "for other test examples, as both runs have the same ones."
    )


def _of_superseded(page):
    """The sentence on a repetition of a record that another took the place of."""
    inside, rows, *_ = _counts(page)
    name = page.parents[1].name
    return f"Of a record of {name} that is superseded, {inside} of {rows} rows lay inside."


def _counts(page):
    """(rows inside, rows, rows far apart, intervals that hold, intervals) of a page."""
    return [*map(int, _held(page).groups() + _held(page, EACH).groups())]


def _held(page, line=HELD):
    """The match of the line of a page that counts what held."""
    found = [*re.finditer(line, _read(page), re.M)]
    if len(found) != 1:
        raise DamagedFile(page, "has no single line that counts what held", _again(page))
    return found[0]


def _read(page):
    """The text of a page."""
    with whole.committed(page):
        return commands.text(page)


def _again(page):
    return f"{whole.back(page)}, or move it away if it is none of a repetition"


def _stem(record):
    """How the pages of repetitions of a record are named, up to the base seed."""
    said = manifest.read(record)
    when = f"{said['finished'][:10]}-{manifests.commit(said, 8).split()[0]}"
    return f"{record.name}-{when}-base_seed_"


def _pages(record):
    """The pages of repetitions of a committed record, by name."""
    folder = record.parent / FOLDER
    if not folder.is_dir():
        return []
    stem = re.escape(_stem(record))
    return sorted(x for x in folder.glob("*.md") if re.fullmatch(rf"{stem}{SEED}", x.stem))


def _standing(folder):
    """The pages of repetitions of the records of an experiment that no other took the place of."""
    with whole.committed(folder):
        records = [path.parent for path in folder.glob(f"records*/{manifest.NAME}")]
        return {page for record in records for page in _pages(record)}


def listed(folder: pathlib.Path) -> str:
    """The part of an experiment's README that lists repetitions, "" if there are none.

    Args:
        folder: experiments/NAME.
    """
    lines, stand = [], _standing(folder)
    for path in sorted(folder.glob(f"{FOLDER}/*.md")):
        found = re.fullmatch(rf"(\w+)-(\S{{10}})-\w+-base_seed_({SEED})", path.stem)
        if not found:
            raise DamagedFile(path, "is not named as a page of a repetition", _again(path))
        of = f"{found[1]} of {found[2]}, base seed {found[3]}"
        of += "" if path in stand else ", superseded since"
        lines.append(f"- [{of}]({FOLDER}/{path.name}): {_held(path)[0]}")
    return "\n".join(["## Repeated", "", *lines]) if lines else ""
