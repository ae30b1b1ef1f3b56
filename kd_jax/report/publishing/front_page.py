"""The parts of README.md that records and docstrings make, each between two comments.

Those between `<!-- adult -->`, which is of docs/records/adult, `<!-- quickstart -->` or
`<!-- experiments -->` and `<!-- end -->` are replaced.
"""

import pathlib
import re

from kd_jax.report import compared_run, docstrings, manifests, tables
from kd_jax.report.publishing import experiment_page, whole
from kd_jax.report.publishing.docs_records import replaced
from kd_jax.storage import manifest

IN_SHORT = re.compile(r"teacher$|labels only$|.*\(chosen\)$|permuted")  # rows of the quickstart
SHORT_COLUMNS = 4


def renewed(text: str, root: pathlib.Path) -> str:
    """README.md with its marked parts renewed.

    Args:
        text: the README as it is.
        root: the folder of the repository.
    """
    quickstart = root / "experiments" / "quickstart"
    tables_of = [quickstart / name / "table.md" for name in ("records_confirm", "records")]
    for table in [path for path in tables_of if path.is_file()][:1]:
        text = replaced(text, "quickstart", short(table.read_text(encoding="utf-8")))
    example = root / "docs" / "records" / "adult"
    if example.is_dir():
        with whole.committed(example):
            text = replaced(text, "adult", compared_run.terminal(example))
    return replaced(text, "experiments", overview(root))


def short(text: str) -> str:
    """The baseline, the teacher, the chosen rows and the control of a table, in few columns."""
    lines = next(
        chunk for chunk in experiment_page.chunks(text) if chunk.startswith("|")
    ).splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    kept = [row[:SHORT_COLUMNS] for row in rows if IN_SHORT.match(row[0])]
    return tables.markdown(header[:SHORT_COLUMNS], kept)


def overview(root: pathlib.Path) -> str:
    """The table of all experiments: question, command, what was found, minutes."""
    lines = []
    for folder in experiment_page.folders(root):
        about = experiment_page.stated(folder)
        command = f"[`./run.sh {folder.name}`](experiments/{folder.name}/README.md)"
        lines.append([about.title.rstrip("."), command, first_sentence(about), minutes(folder)])
    return tables.markdown(["experiment", "command", "found", "minutes"], lines, padded=False)


def first_sentence(about: docstrings.Docstring) -> str:
    """What was found, in short: the first sentence of the docstring's Found."""
    found = " ".join(about.headings["Found"].split())
    return re.split(r"(?<=\.)\s+(?=[A-Z0-9])", found)[0].rstrip(".")


def minutes(folder: pathlib.Path) -> str:
    """How long an experiment takes when nothing is cached.

    The docstring states it; a record that took longer than that is believed instead.
    """
    takes = experiment_page.stated(folder).headings["Takes"]
    found = re.search(r"(\d+)(?: to (\d+))? (minute|second)", takes)
    length = 0.0
    if found:
        length = float(found[2] or found[1]) * (60 if found[3] == "minute" else 1)
    said = manifest.read(folder / "records")
    if said:
        length = max(length, manifests.whole(said))
    return in_minutes(length)


def in_minutes(seconds: float) -> str:
    """'4', or '0.5' of less than one minute."""
    return f"{seconds / 60:.0f}" if seconds >= 60 else f"{seconds / 60:.1f}"
