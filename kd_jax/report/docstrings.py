"""What the experiments say of themselves in their docstrings, and what their records measured."""

import ast
import inspect
import json
import re

from kd_jax.report import tables

HEADING = re.compile(r"^([A-Z]\w+): *(.*)$")


def said(script):
    """{heading: text} of an experiment's docstring, its first line under ''.

    Args: script: the path of its file, in whose docstring lines like 'Command:  ./run.sh NAME'
      begin a text that goes on in the indented lines below.
    """
    first, *rest = (ast.get_docstring(ast.parse(script.read_text())) or "\n").splitlines()
    found, lines = {"": [first]}, []
    for line in rest:
        heading = HEADING.match(line)
        if heading:
            lines = found.setdefault(heading[1], [heading[2]])
        elif line.startswith(" "):
            lines.append(line)
        else:
            lines = []
    return {name: inspect.cleandoc("\n".join(text)) for name, text in found.items()}


def table(root):
    """The Markdown table of the experiments: command, what for, measured minutes, expected result.

    Args: root: of the repository; the minutes are those of the committed records.
    """
    lines = []
    for script in sorted((root / "experiments").glob("*/__init__.py")):
        name, about = script.parent.name, said(script)
        expected = " ".join(about["Expected"].split())
        lines.append([f"`./run.sh {name}`", about[""], _minutes(root, name), expected])
    return tables.markdown(["command", "what it does", "minutes", "expected"], lines)


def _minutes(root, name):
    """What the record of the experiment's default settings took, a dash where there is none."""
    manifest = root / "experiments" / name / "records" / "manifest.json"
    if not manifest.is_file():
        return "–"
    return f"{json.loads(manifest.read_text())['seconds']['total'] / 60:.1f}"
