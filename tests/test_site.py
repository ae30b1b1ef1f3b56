"""The site of docs/: where its links lead. `./run.sh docs` builds it, and a warning fails that."""

import pathlib
import runpy

import pytest

ROOT = pathlib.Path(__file__).parents[1]
DOCS, RESULTS = ROOT / "docs", ROOT / "docs" / "results"


@pytest.fixture(scope="module")
def conf():
    return runpy.run_path(str(DOCS / "conf.py"))


@pytest.mark.parametrize("old, new, link, expected", [
    ("docs", DOCS, "../README.md#experiments", "results/index.md"),
    ("docs", DOCS, "losses.md#conventions", "losses.md#conventions"),
    ("docs", DOCS, "../kd_jax/data/mnist.py", "../kd_jax/data/mnist.py"),
    ("docs", DOCS, "../tests/mutations.md", "results/mutations.md"),
    ("experiments/people", RESULTS, "../quickstart/README.md", "quickstart.md"),
    ("experiments/people", RESULTS, "records/a.svg", "../../experiments/people/records/a.svg"),
    ("experiments/people", RESULTS, "exploration/table.md", "people_exploration_table.md"),
    ("experiments/people", RESULTS, "../../docs/losses.md#top", "../losses.md#top"),
    ("experiments/people", RESULTS, "https://arxiv.org/x.md", "https://arxiv.org/x.md"),
    ("experiments/people", RESULTS, "#findings", "#findings"),
])  # fmt: skip
def test_links_lead_to_the_page_of_the_site_or_to_the_file(conf, old, new, link, expected):
    assert conf["relinked"](f"see [it]({link}).", ROOT / old, new) == f"see [it]({expected})."


def test_every_page_stands_in_one_section(conf):
    named = [page for pages in conf["SECTIONS"].values() for page in pages]
    made = {"results/index", "changes"}
    pages = {x.stem for x in [*DOCS.glob("*.md"), *DOCS.glob("*.rst")]} - {"index"}
    assert len(named) == len({*named}) and {*named} == pages | made
