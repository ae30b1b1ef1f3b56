"""The model card of a student: what it is, what was gained, what it was made of, how to use it."""

import re
from typing import Any, NamedTuple

from kd_jax.command.problem import Problem
from kd_jax.distill.driver.result import Result
from kd_jax.errors import printable
from kd_jax.export import hub
from kd_jax.storage import manifest
from kd_jax.storage.run_folder import Run

NEW = {  # kind of problem -> how predict.py is called
    "table": "new.csv",
    "images": "image.png",
    "arrays": "new.npz",
}
TASKS = {"table": "tabular-classification", "images": "image-classification"}  # on the hub
USE = """## Use

    python student/predict.py {new}

prints a line per row: the label, and the probability of every class. It needs NumPy and
onnxruntime (or jax, for student.stablehlo), not kd_jax: `pip install onnxruntime`, or the Python
that trained it, `.venv/bin/python` in a clone of kd_jax. In Python:

    import kd_jax as kd

    student = kd.load("student")
    student.predict(student.inputs("{new}"))  # numbers of student.classes

Files: {files}.
"""


class About(NamedTuple):
    """What a card says.

    Attributes:
        config: The flags.
        run: That the student is of.
        result: What was found.
        row: Of the student.
        problem: What it was found on.
        teachers: {name: digest}.
        files: Of the student.
        rounding: The shares of test rows that it is right on, exact and as int8; or None.
    """

    config: Any
    run: Run
    result: Result
    row: str
    problem: Problem
    teachers: dict[str, str]
    files: list[str]
    rounding: tuple[float, float] | None


def text(about: About) -> str:
    """The Markdown of a card.

    Args:
        about: What it says.
    """
    comparison = about.result.comparison
    metrics = ["accuracy"] if comparison.labeled else []
    task = TASKS.get(about.problem.kind, "")
    return hub.front_matter("kd_jax", task=task, metrics=metrics) + "\n".join([
        f"# A student of {plain(about.problem.name)}, by {about.row}",
        "",
        f"**{comparison.sentence()}**",
        "",
        *(f"- {line}" for line in _facts(about)),
        "",
        USE.format(new=NEW[about.problem.kind], files=", ".join(about.files)),
        "## Table",
        "",
        comparison.markdown(),
        "![Differences to the baseline](comparison.png)",
        "",
    ])  # fmt: skip


def _facts(about):
    """A line for each thing that the student was made of."""
    config, problem = about.config, about.problem
    seconds = manifest.seconds(manifest.read(about.run.folder))
    sizes = ", ".join(f"{name} {len(part.rows):,} rows" for name, part in problem.parts.items())
    taught = "; ".join(f"{code(x)} ({digest[:16]})" for x, digest in about.teachers.items())
    yield (
        f"Network: {code(config.student)}, the seed with the fewest validation errors of "
        f"{config.seeds}; the table is of all seeds."
    )
    if about.row != about.result.comparison.best:
        yield f"Kept by --keep={about.row}: {about.result.comparison.best} did best on validation."
    yield f"Data: {plain(problem.name)} ({problem.digest[:16]}): {sizes}"
    yield f"Teacher: {taught}"
    yield f"Classes: {_some(about.result.template.classes)}"
    if about.rounding:
        exact, rounded = about.rounding
        yield f"As int8 it is right on {rounded:.2%} of the test rows, exact on {exact:.2%}."
    yield f"Command: {code(about.run.command)}"
    yield f"Time: {seconds:.0f} s"
    yield "Limits: tested on rows like those above; nothing is known of others."


def _some(names, most=20):
    return ", ".join(map(code, names[:most])) + (", …" if len(names) > most else "")


def code(text: str) -> str:
    """A text as it is, which Markdown reads nothing into.

    Args:
        text: Of one line.
    """
    text = printable(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"


def plain(text: str) -> str:
    """A name within a sentence: code where Markdown would read something into it.

    Args:
        text: The name.
    """
    return text if text.replace("_", "").replace("-", "").isalnum() else code(text)
