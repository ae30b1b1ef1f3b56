"""The READMEs, generated from docstrings, findings and records.

`./run.sh publish --readmes` renews them, and before that the tables of committed records.

experiments/NAME/README.md is made of the docstring of experiments/NAME/__init__.py, of findings.md
and of the tables and figures of records/ and of records_PRESET/ of other presets. In README.md the
parts between `<!-- adult -->`, which is of docs/records/adult, `<!-- quickstart -->` or
`<!-- experiments -->` and `<!-- end -->` are replaced; in docs/encoders.md likewise those that are
named as a folder in docs/records.
"""

import contextlib
import importlib
import pathlib
import re

from kd_jax.errors import InputError, require
from kd_jax.report import (
    claims,
    commands,
    compared_run,
    confirmed,
    docs_records,
    docstrings,
    manifests,
    tables,
)
from kd_jax.report.docs_records import origin, replaced
from kd_jax.storage import manifest, whole_file

NOTICE = "<!-- By ./run.sh publish from __init__.py, findings.md and the records: edit those -->"
FIGURE = re.compile(r"\]\((records\w*/[^)]+\.png)\)")
IN_SHORT = re.compile(r"teacher$|labels only$|.*\(chosen\)$|permuted")  # rows of the quickstart
SHORT_COLUMNS = 4


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
    found = {}
    for folder in folders(root):
        try:
            module = importlib.import_module(f"experiments.{folder.name}.report")
        except (ImportError, InputError):  # another repository, or an extra that is not installed
            continue
        if pathlib.Path(str(module.__file__)).parent == folder:
            of_seeds = [*records(folder), *folder.glob(f"{confirmed.EXPLORATION}*")]
            found |= {path / "table.md": module.table(path) for path in of_seeds}
    return found


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
    texts = {folder / "README.md": experiment(folder) for folder in folders(root)}
    front, docs = root / "README.md", root / "docs"
    if any(claims.listed(root)):
        texts[docs / "claims.md"] = linked(claims.page(root))
    encoders = docs / "encoders.md"
    if encoders.is_file():
        texts[encoders] = docs_records.encoders_page(encoders.read_text(encoding="utf-8"), root)
    return {front: front_page(front.read_text(encoding="utf-8"), root), **texts}


def folders(root: pathlib.Path) -> list[pathlib.Path]:
    """The folders of the experiments, by name: those whose docstring states a command."""
    files = sorted((root / "experiments").glob("*/__init__.py"))
    return [path.parent for path in files if "Command" in docstrings.read(path).headings]


def stated(folder: pathlib.Path) -> docstrings.Docstring:
    """The docstring of an experiment.

    Args:
        folder: experiments/NAME.

    Raises:
        InputError: when it has no title or lacks a heading.
    """
    path = folder / "__init__.py"
    about = docstrings.read(path)
    for name in ("Command", "Takes", "Found"):
        require(name in about.headings, f"{path}: its docstring has no line '{name}: …'")
    require(about.title, f"{path}: the first line of its docstring is empty: expected a title")
    return about


def records(folder: pathlib.Path) -> list[pathlib.Path]:
    """The folders of an experiment's committed records, the default preset's first."""
    return sorted(path.parent for path in folder.glob("records*/table.md"))


def experiment(folder: pathlib.Path) -> str:
    """The README of an experiment.

    Args:
        folder: experiments/NAME.

    Returns:
        Its Markdown, whose links are relative to the folder.
    """
    about = stated(folder)
    findings = folder / "findings.md"
    text = findings.read_text(encoding="utf-8").strip() if findings.is_file() else ""
    parts = [NOTICE, f"# {about.title.rstrip('.')}", _head(about), linked(about.prose), text]
    for record in records(folder):
        parts += _results(record, set(FIGURE.findall(text)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(about: docstrings.Docstring) -> str:
    command = "\n".join(f"    {line}" for line in about.headings["Command"].splitlines())
    takes, found = (" ".join(about.headings[name].split()) for name in ("Takes", "Found"))
    return f"{command}\n\n- **Takes:** {takes}\n- **Found:** {found}"


def _results(record: pathlib.Path, shown: set[str]) -> list[str]:
    """The parts about a record: command, tables, figures not shown before, where it comes from."""
    preset = record.name.removeprefix("records").lstrip("_")
    names = [f"{record.name}/{path.name}" for path in sorted(record.glob("*.png"))]
    figures = [
        f"![{re.sub('_+', ' ', pathlib.Path(name).stem)}]({name})"
        for name in names
        if name not in shown
    ]
    command = commands.read(record)
    return [
        f"## Results, --preset={preset}" if preset else "## Results",
        f"    {command}" if command else "",
        headed((record / "table.md").read_text(encoding="utf-8")),
        "\n\n".join(figures),
        _provenance(record),
    ]


def _provenance(record: pathlib.Path) -> str:
    return f"{origin(record, record.name)} {confirmed.said(record)}"


def headed(text: str) -> str:
    """A table.md whose titles are headings.

    A title is a line of its own that does not end in a period, as for the report page.
    """
    return "\n\n".join(f"### {x}" if _is_title(x) else x for x in _chunks(text))


def _chunks(text: str) -> list[str]:
    return re.split(r"\n(?:[ \t]*\n)+", text.strip())


def _is_title(chunk: str) -> bool:
    return "\n" not in chunk and chunk[0] not in "|-#" and not chunk.endswith(".")


def linked(text: str) -> str:
    """A text in which every arXiv number is a link."""
    return re.sub(
        r"arXiv\s+(\d{4}\.\d{5})", r"[arXiv \1](https://arxiv.org/abs/\1)", text, flags=re.S
    )


def front_page(text: str, root: pathlib.Path) -> str:
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
        text = replaced(text, "adult", compared_run.terminal(example))
    return replaced(text, "experiments", overview(root))


def short(text: str) -> str:
    """The baseline, the teacher, the chosen rows and the control of a table, in few columns."""
    lines = next(chunk for chunk in _chunks(text) if chunk.startswith("|")).splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    kept = [row[:SHORT_COLUMNS] for row in rows if IN_SHORT.match(row[0])]
    return tables.markdown(header[:SHORT_COLUMNS], kept)


def overview(root: pathlib.Path) -> str:
    """The table of all experiments: question, command, what was found, minutes."""
    lines = []
    for folder in folders(root):
        about = stated(folder)
        command = f"[`./run.sh {folder.name}`](experiments/{folder.name}/README.md)"
        lines.append([about.title.rstrip("."), command, first_sentence(about), minutes(folder)])
    return tables.markdown(["experiment", "command", "found", "minutes"], lines)


def first_sentence(about: docstrings.Docstring) -> str:
    """What was found, in short: the first sentence of the docstring's Found."""
    found = " ".join(about.headings["Found"].split())
    return re.split(r"(?<=\.)\s+(?=[A-Z0-9])", found)[0].rstrip(".")


def minutes(folder: pathlib.Path) -> str:
    """How long an experiment takes when nothing is cached.

    The docstring states it; a record that took longer than that is believed instead.
    """
    takes = stated(folder).headings["Takes"]
    found = re.search(r"(\d+)(?: to (\d+))? (minute|second)", takes)
    length = 0.0
    if found:
        length = float(found[2] or found[1]) * (60 if found[3] == "minute" else 1)
    said = manifest.read(folder / "records")
    if said:
        length = max(length, manifests.whole(said))
    return f"{length / 60:.0f}" if length >= 60 else f"{length / 60:.1f}"
