"""Give the committed records the standard names of rows, fields and settings.

Names alone are touched, no number: `python .ci/rename_records.py` renames what renamed.json lists,
writes the tables and figures of every record again, and renews the pages. Run twice it changes
nothing more.
"""

import contextlib
import importlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from kd_jax.report import publish, publishable, readmes  # noqa: E402
from kd_jax.storage import jsonl  # noqa: E402

# {experiment: {"rows", "values" of other fields, "fields", "config", "files": {old: new}}}
NAMES = json.loads((ROOT / ".ci" / "renamed.json").read_text(encoding="utf-8"))


def renamed(record: dict, names: dict) -> dict:
    """A record with its row, fields and values renamed."""
    values = {"row": names.get("rows", {}), **names.get("values", {})}
    fields = names.get("fields", {})
    return {
        fields.get(key, key): values.get(key, {}).get(x, x) if isinstance(x, str) else x
        for key, x in record.items()
    }


def groups(path: pathlib.Path) -> list[list[dict]]:
    """The records that were written together, each group as one list, without their checks."""
    found: list[list[dict]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        place, _ = re.fullmatch(r"(\d+)/(\d+) \w+", record.pop("check")).groups()
        if place == "1":
            found.append([])
        found[-1].append(record)
    return found


def rename(folder: pathlib.Path, experiment: str) -> None:
    """Rename the records and settings of a folder and write its table and figures again."""
    names = NAMES.get(experiment, {})
    path = folder / "records.jsonl"
    jsonl.read(path)  # refuses damaged records
    lines = [jsonl.text([renamed(r, names) for r in group]) for group in groups(path)]
    jsonl.write_whole(path, "".join(lines))
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    settings = {names.get("config", {}).get(key, key): x for key, x in settings.items()}
    jsonl.write_whole(folder / "config.json", json.dumps(settings, indent=2) + "\n")
    for old, new in names.get("files", {}).items():
        with contextlib.suppress(FileNotFoundError):
            (folder / old).rename(folder / new)
    report = importlib.import_module(f"experiments.{experiment}.report")
    jsonl.write_whole(folder / "table.md", report.table(folder))
    try:
        report.draw(folder)
    except FileNotFoundError as error:  # older records lack the arrays that a figure shows
        print(f"{error.filename} is missing: the figure that shows it stays as it was")


if __name__ == "__main__":
    for name, place in publish.all_records(ROOT).items():
        print(name)
        rename(place, publishable.experiment_and_preset(place)[0])
    readmes.write(ROOT)
