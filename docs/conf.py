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
html_show_sourcelink = False
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
napoleon_google_docstring, napoleon_numpy_docstring = True, False
autosummary_generate = True
napoleon_use_ivar = True  # else attributes of tuples stand twice
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
add_module_names = False
# Formulas in docstrings are plain text with bars and stars of their own.
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
    others = [*ROOT.glob("experiments/*/*/table.md"), ROOT / "tests" / "mutations.md"]
    for file in [*readmes, *others]:
        text = relinked(file.read_text(encoding="utf-8"), file.parent, results)
        title = "" if "# " in text[:200] else f"# {file.parent.parent.name}, {file.parent.name}\n\n"
        orphan = "" if file in readmes else "---\norphan: true\n---\n\n"
        page_of(file).write_text(f"{orphan}{title}{text}", encoding="utf-8")
    names = [path.parent.name for path in readmes]
    lines = ["# Results", "", "One page for each experiment: its command, what was found, tables."]
    lines += ["", "```{toctree}", ":maxdepth: 1", "", *names, "```", ""]
    (results / "index.md").write_text("\n".join(lines), encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (HERE / "changes.md").write_text(relinked(changes, ROOT, HERE), encoding="utf-8")


def skip_fields(app, what, name, obj, skip, options):
    """Leave out the fields of tuples, which their class describes."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    """Connect the functions above with Sphinx."""
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("builder-inited", write_pages)
    app.connect("source-read", contents)
