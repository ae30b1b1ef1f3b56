"""What every experiment's page must have: what would change it, its minutes, whose numbers."""

import importlib
import json
import pathlib
import re

import pytest

from kd_jax import experiment
from kd_jax.report import docstrings, manifests, markdown_blocks
from kd_jax.report.publishing import experiment_page
from kd_jax.storage import manifest

ROOT = pathlib.Path(__file__).parents[3]
FOLDERS = {folder.name: folder for folder in experiment_page.folders(ROOT)}
# whose rows train on the data, or draw from the distributions, that the publication did
SAME_DATA = {"mnist_2015", "mnist_tutorial", "people", "temperature_grid"}
TABLES = sorted(ROOT.glob("experiments/*/records*/table.md"))
NEAR = 1.5  # times the minutes of the record; below that a host that others share may be the reason


@pytest.mark.parametrize("path", TABLES, ids=lambda x: f"{x.parent.parent.name}-{x.parent.name}")
def test_numbers_of_other_data_are_no_cells_of_our_rows(path):
    blocks = markdown_blocks.parse(path.read_text())
    tables = [content for kind, content in blocks if kind == "table"]
    heads = [x for table in tables for x in (*table.header, *(row[0] for row in table.rows))]
    published = [x for x in heads if re.search(r"^paper\b|, paper$", x)]
    assert path.parent.parent.name in SAME_DATA or not published


@pytest.mark.parametrize("name", FOLDERS)
def test_a_page_says_what_would_change_it(name):
    page = (FOLDERS[name] / "README.md").read_text()
    _, found, rest = page.partition("\n## What would change this\n")
    assert found and rest.strip() and not rest.strip().startswith("#")


def minutes(takes: str, preset: str) -> float:
    """What a Takes line states of a preset, in minutes; 0 where it does not state it."""
    if preset != "default":
        found = re.search(rf"--preset={preset},? (\d+)", takes)
        return float(found[1]) if found else 0.0
    found = re.match(r"(?:\d+ to )?(\d+) (minute|second)", takes)
    return float(found[1]) / (1 if found[2] == "minute" else 60) if found else 0.0


def of_current_design() -> dict[str, tuple[float, float]]:
    """{name of a record: (minutes that are stated, that it took)}, of settings as they are now."""
    both = {}
    for name, folder in FOLDERS.items():
        for record in experiment_page.records(folder):
            config = importlib.import_module(f"experiments.{name}.config").Config
            settings = json.loads((record / "config.json").read_text())
            preset = settings.get("preset", "default")
            now = experiment.parse(config, ["x", f"--preset={preset}"]).results_key()
            if settings | {"base_seed": now.get("base_seed")} == now:
                takes = docstrings.read(folder / "__init__.py").headings["Takes"]
                took = manifests.whole(manifest.read(record)) / 60
                both[f"{name}/{record.name}"] = minutes(" ".join(takes.split()), preset), took
    return both


def test_minutes_are_read_off_a_line():
    takes = "40 to 80 minutes on 2 CPU cores, --preset=width 16; --replay 10 seconds"
    assert (minutes(takes, "default"), minutes(takes, "width")) == (80, 16)
    assert (minutes("30 seconds", "default"), minutes(takes, "mnist")) == (0.5, 0)


def test_the_minutes_that_are_stated_are_those_of_the_record():
    both = of_current_design()
    assert len(both) > 5, "few records are of the settings as they are"
    assert not {x: y for x, y in both.items() if not 1 / NEAR <= y[0] / y[1] <= NEAR}
