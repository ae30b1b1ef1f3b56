"""A table of 200 rows with a function as its teacher, and `distill` run on it in this process."""

import random
import re

import in_process

from kd_jax.command import __main__ as command
from kd_jax.command.config import Config

FOREST = """
import os
import numpy as np
calls = os.path.join(os.path.dirname(__file__), "log", "calls")
with open(calls, "a") as file:
    print("imported", file=file)
def teach(table):
    with open(calls, "a") as file:
        print(len(table), *table.column_names, sep="|", file=file)
    age = np.array([48 if x is None else x for x in table["age"].to_pylist()], float)
    p = 1 / (1 + np.exp(-(age - 48) / 6))
    return np.stack([1 - p, p], 1)
"""
CLASSES = ["no, `never`", "yé|s\n*"]
SMALL = {
    "label": "verdict", "student": "mlp:3", "seeds": 2, "epochs": 2, "learning_rate": 0.02,
    "temperatures": (2.0, 4.0), "batch_size": 32, "optimizer": "sgd", "formats": ("stablehlo",),
}  # fmt: skip


def write(folder):
    """Write people.csv and forest.py, which notes each call of it in log/calls."""
    drawn, lines = random.Random(5), ['age,town,"note, long",verdict']
    for _ in range(200):
        age, town = drawn.randrange(18, 80), drawn.choice(["Málaga", '"Paris, FR"', "Köln", ""])
        note = drawn.choice(['"says ""hi"""', "b", "c"])
        verdict = CLASSES[age + drawn.gauss(0, 8) > 48]
        shown = age if drawn.random() > 0.1 else ""
        lines.append(f'{shown},{town},{note},"{verdict}"')
    (folder / "log").mkdir()
    (folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "forest.py").write_text(FOREST)


def config(folder, **given):
    """Flags of a run on what `write` wrote, or on what is given."""
    usual = {"workdir": str(folder / "runs"), "data": str(folder / "people.csv")}
    teacher = (f"{folder / 'forest.py'}:teach",)
    return Config(**{**SMALL, **usual, "teacher": teacher, **given})


def finished(config):
    """The folder of a finished run."""
    return in_process.performed("distill", config, command.program)


def calls(folder):
    """What forest.py noted, its import and the rows that it was asked about."""
    return (folder / "log" / "calls").read_text().splitlines()


def section(text, title):
    """What a card says after "- title: "."""
    return re.search(rf"^- {title}: (.*)$", text, re.M)[1]
