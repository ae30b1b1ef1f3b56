"""READMEs are what docstrings, findings and records say, and the committed ones are current."""

import pathlib
import re

import pytest
from small_repository import TABLE, record, tree, with_headings

from kd_jax.errors import InputError
from kd_jax.report.publishing import experiment_page, front_page, readmes

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<dc:description>{}</dc:description><dc:relation>{}</dc:relation></svg>"
)
ROOT = pathlib.Path(__file__).parents[3]


def test_an_experiment_s_page_has_docstring_findings_tables_and_figures(tmp_path):
    folder = tree(tmp_path)
    (folder / "findings.md").write_text("## Findings\n\n![a curve](records/curve.svg)\n")
    record(folder / "records")
    (folder / "records" / "config.json").touch()
    said = {
        "curve": ("A curve. In its band.", ""),
        "last": ("A curve.", "All"),
        "other__": ("", ""),
    }
    for name, (caption, table) in said.items():
        (folder / "records" / f"{name}.svg").write_text(SVG.format(caption, table))
    record(folder / "records_wide", commit=None)
    assert experiment_page.text(folder) == "\n".join([
        experiment_page.NOTICE,
        "",
        "# Black-box distillation: what a teacher answers",
        "",
        "    ./run.sh small [--width=10]",
        "    and more",
        "",
        "- **Takes:** 1 minute on 2 CPU cores",
        "- **Found:** Three of four rows beat the labels. The fourth is inconclusive",
        "",
        "Posteriors cut short ([arXiv 1812.02766](https://arxiv.org/abs/1812.02766)) are targets.",
        "",
        "## Findings",
        "",
        "![a curve](records/curve.svg)",
        "",
        "*A curve. In its band.*",
        "",
        "## Results",
        "",
        with_headings(TABLE)
        .replace("### All", "![other ](records/other__.svg)\n\n### All")
        .replace("digits\n", "digits\n\n![A curve](records/last.svg)\n\n*A curve.*\n"),
        "Record of 2026-11-22: commit 0123456789, 1.5 minutes on a CPU, jax 0.10.2; "
        "[settings](records/config.json), [manifest](records/manifest.json). "
        "One base seed, not confirmed at another.",
        "",
        "## Results, --preset=wide",
        "",
        with_headings(TABLE),
        "Record of 2026-11-22: commit unknown, 1.5 minutes on a CPU, jax 0.10.2; "
        "[manifest](records_wide/manifest.json). One base seed, not confirmed at another.",
        "",
    ])  # fmt: skip


TEACHERS = {
    "f1": {
        "row": "teacher",
        "data": "digits",
        "restored": True,
        "ready": 1500.0,
        "seconds": 1500.0,
    },
    "f2": {
        "row": "teacher",
        "data": "letters",
        "restored": False,
        "ready": 276.0,
        "seconds": 600.0,
    },
}


def test_a_record_tells_its_command_its_changes_and_what_its_teachers_took_before(tmp_path):
    """324 seconds are 5.4 minutes, and 1,500 + 276 are 29.6."""
    folder = tree(tmp_path, takes="9 minutes on 2 CPU cores")
    record(folder / "records", seconds={"total": 324.0}, teachers=TEACHERS, clean=False)
    (folder / "records" / "command.txt").write_text("./run.sh small --base_seed=1\n")
    page = experiment_page.text(folder)
    assert page.count("    ./run.sh small --base_seed=1\n\nErrors, mean over 5 seeds.") == 1
    assert (
        "commit 0123456789 with uncommitted changes, 5.4 minutes (and 29.6 for teachers that stood "
        "ready) on a CPU"
    ) in page
    assert front_page.minutes(folder) == "35"


def test_an_older_record_that_does_not_tell_whether_teachers_were_ready(tmp_path):
    folder = tree(tmp_path)
    older = {"f1": {"row": "teacher", "data": "digits", "seconds": 1500.0}}
    record(folder / "records", teachers=older)
    assert "commit 0123456789, 1.5 minutes on a CPU" in experiment_page.text(folder)
    assert front_page.minutes(folder) == "2"


def test_a_tool_has_a_page_without_findings_and_results(tmp_path):
    page = experiment_page.text(tree(tmp_path))
    assert "## " not in page and page.endswith("are targets.\n")


def test_titles_are_headings_and_nothing_else_is():
    text = "A note.\n\nA title\n\n\nTwo lines,\nno title\n\n- item\n\n| a |\n|---|"
    expected = text.replace("A title\n\n\n", "### A title\n\n")
    assert experiment_page.headed(text) == expected
    assert experiment_page.headed("**a against b: −1**\n\n| x |") == "**a against b: −1**\n\n| x |"


def test_only_marked_parts_of_the_front_page_are_renewed(tmp_path):
    tree(tmp_path)
    record(tree(tmp_path, "quickstart") / "records")
    (tmp_path / "experiments" / "__init__.py").write_text('"""No experiment."""\n')
    kept = "<!-- other -->\nold\n<!-- end -->\n"
    text = (
        f"before\n{kept}<!-- quickstart -->\nold\n<!-- end -->\nbetween\n"
        "<!-- experiments -->\n<!-- end -->\nafter\n"
    )
    (tmp_path / "README.md").write_text(text)
    found = front_page.renewed(text, tmp_path)
    assert found == (
        f"before\n{kept}<!-- quickstart -->\n"
        "| row                        | test errors | difference | verdict |\n"
        "|----------------------------|-------------|------------|---------|\n"
        "| teacher                    | 1           | –          | –       |\n"
        "| labels only                | 3           | –          | –       |\n"
        "| soft targets, T=2 (chosen) | 1           | −2         | BEATS   |\n"
        "| permuted teacher, T=2      | 4           | +1         | WORSE   |\n"
        f"<!-- end -->\nbetween\n<!-- experiments -->\n{overview()}<!-- end -->\nafter\n"
    )
    assert front_page.renewed(found, tmp_path) == found


def overview():
    title = "Black-box distillation: what a teacher answers"
    links = [f"[`./run.sh {n}`](experiments/{n}/README.md)" for n in ("quickstart", "small")]
    rows = [
        f"| {title} | {link} | Three of four rows beat the labels | {minutes} |\n"
        for link, minutes in zip(links, ("2", "1"))
    ]
    return "| experiment | command | found | minutes |\n|---|---|---|---|\n" + "".join(rows)


@pytest.mark.parametrize(
    ("takes", "measured", "expected"),
    [
        ("9 minutes on 2 CPU cores, 3 with teachers restored", 60.0, "9"),
        ("9 minutes on 2 CPU cores", 601.0, "10"),
        ("40 to 80 minutes", None, "80"),
        ("30 seconds on 2 CPU cores", None, "0.5"),
        ("long", None, "0.0"),
    ],
)
def test_minutes_are_those_of_a_run_with_nothing_cached(tmp_path, takes, measured, expected):
    folder = tree(tmp_path, takes=takes)
    if measured:
        record(folder / "records", seconds={"total": measured})
    assert front_page.minutes(folder) == expected


@pytest.mark.parametrize("heading", ["Takes", "Found"])
def test_a_docstring_without_a_heading_is_named(tmp_path, heading):
    folder = tree(tmp_path)
    path = folder / "__init__.py"
    path.write_text(path.read_text().replace(f"{heading}:", "Other:"))
    with pytest.raises(InputError, match=f"__init__.py: its docstring has no line '{heading}: "):
        readmes.rendered(tmp_path)


@pytest.mark.parametrize("number", ["1503.02531", "1412.6550"])  # of four digits until 2014
def test_an_arxiv_number_becomes_a_link(number):
    link = f"[arXiv {number}](https://arxiv.org/abs/{number})"
    assert experiment_page.linked(f"(Hinton 2015, arXiv\n{number}).") == f"(Hinton 2015, {link})."


def test_only_what_changed_is_written(tmp_path):
    folder = tree(tmp_path)
    (tmp_path / "README.md").write_text("nothing is marked here\n")
    assert readmes.write(tmp_path) == [folder / "README.md"]
    assert readmes.write(tmp_path) == []


def test_tables_are_as_before_where_no_page_can_show_them(tmp_path, monkeypatch):
    folder = tree(tmp_path)
    record(folder / "records")

    class Report:
        def table(folder):
            return TABLE.replace("BEATS", "WORSE")

    monkeypatch.setattr(readmes.modules, "of", lambda folder, name: Report)
    (folder / "findings.md").write_text("{{records | All digits | nobody | NLL}}\n")
    with pytest.raises(InputError, match="has no single row .'nobody'."):
        readmes.write(tmp_path)
    assert (folder / "records" / "table.md").read_text() == TABLE


RENDERED = readmes.rendered(ROOT)  # once, as it takes seconds


@pytest.mark.parametrize("path", RENDERED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_committed_readmes_are_current(path):
    assert path.read_text() == RENDERED[path], f"{path} is old: ./run.sh publish --readmes"


@pytest.mark.parametrize("folder", experiment_page.folders(ROOT), ids=lambda path: path.name)
def test_every_figure_that_findings_show_is_there(folder):
    findings = folder / "findings.md"
    for name in experiment_page.FIGURE.findall(findings.read_text() if findings.is_file() else ""):
        assert (folder / name).is_file(), name


def test_the_front_page_stays_short():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150 and len(text.encode()) <= 10_240


def test_every_file_that_a_page_links_is_there():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("experiments/*/*.md")]
    for page in pages:
        text = re.sub(r"`[^`\n]*`", "", page.read_text())
        for target in re.findall(r"(?:\]\(|src=\")([^)#:\"]+)(?:#[^)]*)?[)\"]", text):
            if not target.startswith("../../actions/"):  # of the forge, beside the files
                assert (page.parent / target).exists(), f"{page}: {target}"
