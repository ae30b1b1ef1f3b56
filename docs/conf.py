"""How Sphinx makes the site of these pages: `./run.sh docs` writes it to build/site.

The pages are Markdown that also reads well without Sphinx, so what a site needs besides is added
here: the tables of contents, and a page for each experiment from its README.
"""

import os
import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

import kd_jax  # noqa: E402
from kd_jax.report import markdown_blocks  # noqa: E402
from kd_jax.report.publishing import experiment_page, front_page  # noqa: E402

project, author, copyright = "kd_jax", "The kd_jax authors", "the kd_jax authors"
version = release = kd_jax.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
templates_path = ["_templates"]
root_doc = "index"
exclude_patterns = ["records"]
html_theme = "furo"
html_title = "kd_jax"
html_static_path, html_css_files = ["_static"], ["wide.css"]
html_show_sourcelink = False
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
napoleon_google_docstring, napoleon_numpy_docstring = True, False
autosummary_generate = True
napoleon_use_ivar = True  # else attributes of tuples stand twice
autodoc_typehints = "signature"
autodoc_preserve_defaults = True  # as the code has them, not what they are when it runs
smartquotes_action = "qe"  # no dashes: "--flag" is to be copied
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
add_module_names = False
suppress_warnings = ["docutils"]

# The sections of the site; what stands in none is an error of the build.
SECTIONS = {
    "Start": ["distill", "encoders", "decoders", "export"],
    "Losses and methods": ["losses", "methods"],
    "Results": ["claims", "results/index"],
    "Guides": ["running", "devices", "streaming", "fault_tolerance", "troubleshooting"],
    "Reference": ["api", "layout", "tests", "changes"],
    "Adding to it": ["adding_a_loss", "adding_a_data_set", "adding_an_experiment"],
}


LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?\)")


def contents(app, docname, source):
    """Add the tables of contents of SECTIONS to the first page, and lead links to pages here."""
    if docname == root_doc:
        for title, pages in SECTIONS.items():
            names = "\n".join(pages)
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{names}\n```\n"
    if not docname.startswith("results/"):
        source[0] = relinked(source[0], HERE, HERE)


def page_of(file):
    """The page that a Markdown file beside docs became, or None."""
    if file == ROOT / "README.md":
        return HERE / "results" / "index.md"
    below = file.relative_to(ROOT).parts if file.is_relative_to(ROOT) else ()
    if below[:1] == ("experiments",) and len(below) == 3 and below[2] == "README.md":
        return HERE / "results" / f"{below[1]}.md"
    if below[:1] in (("experiments",), ("tests",)) and file.suffix == ".md":
        return HERE / "results" / ("_".join(below[1:-1] + (file.stem,)) + ".md")
    return None


def relinked(text, old, new):
    """Markdown whose links lead from the folder `new` where they led from `old`.

    A link to a file that is a page of the site leads to that page.
    """

    def target(match):
        file = (old / match[1]).resolve()
        page = page_of(file)
        anchor = "" if page == HERE / "results" / "index.md" else match[2] or ""
        return f"]({os.path.relpath(page or file, new)}{anchor})"

    return LINK.sub(target, text)


def write_pages(app):
    """Write the pages of Markdown that lies beside docs: experiments, their tables, the changes."""
    results = HERE / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    readmes = sorted(ROOT.glob("experiments/*/README.md"))
    tables = "*/table.md", "superseded/*.md", "repeated/*.md"
    others = [path for each in tables for path in ROOT.glob(f"experiments/*/{each}")]
    others.append(ROOT / "tests" / "mutations.md")
    for file in [*readmes, *others]:
        text = relinked(file.read_text(encoding="utf-8"), file.parent, results)
        title = "" if "# " in text[:200] else f"# {file.parent.parent.name}, {file.parent.name}\n\n"
        orphan = "" if file in readmes else "---\norphan: true\n---\n\n"
        page_of(file).write_text(f"{orphan}{title}{text}", encoding="utf-8")
    (results / "index.md").write_text(contents_of_results(readmes), encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (HERE / "changes.md").write_text(relinked(changes, ROOT, HERE), encoding="utf-8")


def contents_of_results(readmes):
    """The page that names every experiment's page and says what was found there."""
    lines = ["# Results", "", "One page for each experiment: its command, what was found, tables."]
    lines += ["What papers claim, and what came out: [Claims](../claims.md).", ""]
    for path in readmes:
        about = experiment_page.stated(path.parent)
        found = front_page.first_sentence(about)
        lines.append(f"- [{about.title.rstrip('.')}]({path.parent.name}.md): {found}")
    names = [path.parent.name for path in readmes]
    lines += ["", "```{toctree}", ":hidden:", "", *names, "```", ""]
    return "\n".join(lines)


def skip_fields(app, what, name, obj, skip, options):
    """Leave out the fields of tuples, which their class describes."""
    return True if type(obj).__name__ == "_tuplegetter" else None


MARKUP = re.compile(r"(`+[^`]+`+|^:[^:]+:)|(?<!\\)[*|]|(?<=\w)_(?!\w)")


ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


def keep_formulas(app, what, name, obj, options, lines):
    """Keep bars, stars and open subscripts as they are: formulas in docstrings are plain text.

    Papers are links.
    """
    kept = [MARKUP.sub(lambda found: found[1] or "\\" + found[0], line) for line in lines]
    lines[:] = [ARXIV.sub(r"`arXiv \1 <https://arxiv.org/abs/\1>`__", line) for line in kept]


OF_FLAX = re.compile(r", parent: .*?, name: str \| None = None")
OBJECT = re.compile(r"<(?:[^<>]|<\w+>)*>")


def short_types(app, what, name, obj, options, signature, returns):
    """Name arrays as the code does, and no objects by their addresses."""
    signature = signature and OBJECT.sub("...", OF_FLAX.sub("", signature))
    return tuple(x and x.replace("jaxlib._jax.", "") for x in (signature, returns))


def read_returns(self, preprocess_types=False):
    """What stands below Returns: no type and a colon, as the annotation has the type."""
    return [("", "", self._dedent(self._consume_to_next_section()))]


def separators(app, doctree):
    """Make dashes of what Sphinx writes between a parameter and its text, and of nothing else."""
    from docutils import nodes

    for node in [x for x in doctree.findall(nodes.Text) if x.astext() == " -- "]:
        node.parent.replace(node, nodes.Text(" \N{EN DASH} "))


def align_numbers(app, doctree):
    """Mark the cells of columns that hold numbers only, which are aligned to the right."""
    from docutils import nodes

    for table in doctree.findall(nodes.table):
        rows = [[*row.findall(nodes.entry)] for row in table.findall(nodes.row)]
        texts = [[cell.astext() for cell in row] for row in rows]
        if len({*map(len, texts)}) == 1:
            read = markdown_blocks.Table(texts[0], texts[1:])
            for row in rows:
                for column in filter(read.numeric, range(len(row))):
                    row[column]["classes"].append("number")


def setup(app):
    """Connect the functions above with Sphinx."""
    from sphinx.ext.napoleon.docstring import GoogleDocstring

    GoogleDocstring._consume_returns_section = read_returns
    app.connect("autodoc-process-docstring", keep_formulas, priority=600)  # behind napoleon
    app.connect("autodoc-process-signature", short_types)
    app.connect("doctree-read", separators)
    app.connect("doctree-read", align_numbers)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("builder-inited", write_pages)
    app.connect("source-read", contents)
