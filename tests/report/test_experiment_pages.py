"""What every experiment's page must have: what would change its verdicts, and whose numbers."""

import pathlib
import re

import pytest

from kd_jax.report import experiment_page, markdown_blocks

ROOT = pathlib.Path(__file__).parents[2]
FOLDERS = {folder.name: folder for folder in experiment_page.folders(ROOT)}
# whose rows train on the data, or draw from the distributions, that the publication did
SAME_DATA = {"mnist_2015", "mnist_tutorial", "people", "temperature_grid"}
TABLES = sorted(ROOT.glob("experiments/*/records*/table.md"))


@pytest.mark.parametrize("path", TABLES, ids=lambda x: f"{x.parent.parent.name}-{x.parent.name}")
def test_numbers_of_other_data_are_no_cells_of_our_rows(path):
    blocks = markdown_blocks.parse(path.read_text())
    tables = [content for kind, content in blocks if kind == "table"]
    heads = [x for table in tables for x in (*table.header, *(row[0] for row in table.rows))]
    published = [x for x in heads if re.search(r"^paper\b|, paper$", x)]
    assert path.parent.parent.name in SAME_DATA or not published
