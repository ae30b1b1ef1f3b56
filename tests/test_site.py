"""The site of docs/: where its links lead. `./run.sh docs` builds it, and a warning fails that."""

import pathlib
import re
import runpy

import pytest

from kd_jax.report import docstrings

ROOT = pathlib.Path(__file__).parents[1]
DOCS, RESULTS = ROOT / "docs", ROOT / "docs" / "results"
PAGES = [*DOCS.glob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("experiments/*/*.md")]


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


def test_the_results_are_listed_with_what_was_found(conf):
    page = conf["contents_of_results"]([ROOT / "experiments" / "people" / "README.md"])
    found = docstrings.read(ROOT / "experiments" / "people" / "__init__.py").headings["Found"]
    assert f"](people.md): {found[:20]}" in page and "\npeople\n" in page


def test_flags_keep_their_dashes(conf):
    smartquotes = pytest.importorskip("docutils.utils.smartquotes")
    text = smartquotes.smartyPants("take --preset=smoke", conf["smartquotes_action"])
    assert text == "take --preset=smoke"


def test_columns_of_numbers_are_marked(conf):
    nodes = pytest.importorskip("docutils.nodes")
    texts = [("method", "errors", "verdict"), ("soft", "7.0 ± 1.0", "BEATS"), ("hard", "–", "–")]
    cells = [[nodes.entry("", nodes.paragraph(text=text)) for text in row] for row in texts]
    table = nodes.table("", *(nodes.row("", *row) for row in cells))
    conf["align_numbers"](None, nodes.container("", table))
    assert [[cell["classes"] for cell in row] for row in cells] == 3 * [[[], ["number"], []]]


@pytest.mark.parametrize("line, expected", [
    ("δ = |s − t|", r"δ = \|s − t\|"),
    ("leading axes (*B), `*` and ``|x|``", r"leading axes (\*B), `*` and ``|x|``"),
    (r":param \*paths: [N, *shape]", r":param \*paths: [N, \*shape]"),
    ("p_(i) of x_1", r"p\_(i) of x_1"),
    ("Li 2020, arXiv 1503.02531.", "Li 2020, `arXiv 1503.02531 <https://arxiv.org/abs/1503.02531>`__."),
])  # fmt: skip
def test_formulas_of_docstrings_are_no_markup(conf, line, expected):
    lines = [line]
    conf["keep_formulas"](None, "function", "f", None, None, lines)
    assert lines == [expected]


def test_signatures_name_what_a_reader_knows(conf):
    given = (
        "(x: Float[jaxlib._jax.Array, 'B'], f: ~a.F = <function g.<locals>.h>, parent: ~b.M = <c>"
    )
    found = conf["short_types"](None, "", "", None, None, f"{given}, name: str | None = None)", "M")
    assert found == ("(x: Float[Array, 'B'], f: ~a.F = ...)", "M")


def test_what_a_function_returns_is_not_read_as_a_type(conf):
    napoleon = pytest.importorskip("sphinx.ext.napoleon")

    class Google(napoleon.GoogleDocstring):
        _consume_returns_section = conf["read_returns"]

    text = str(
        Google("Do it.\n\nReturns:\n    The Result: print it.\n\nRaises:\n    ValueError: No.")
    )
    assert ":returns: The Result: print it." in text and "rtype" not in text
    assert ":raises ValueError: No." in text


@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_emphasis_does_not_cut_brackets(page):
    reader = pytest.importorskip("markdown_it").MarkdownIt("commonmark")
    for block in reader.parse(page.read_text(encoding="utf-8")):
        text = ""
        for child in block.children or []:
            text = "" if child.type == "em_open" else text + child.content
            cut = re.search(r"^[^\[]*\]|\[[^\]]*$", text)
            assert child.type != "em_close" or not cut, text
