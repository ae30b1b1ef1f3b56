"""READMEs are what docstrings, findings and records say, and the committed ones are current."""

import json
import pathlib
import re

import pytest

from kd_jax.errors import InputError
from kd_jax.report import publish, readmes
from kd_jax.storage import jsonl

ROOT = pathlib.Path(__file__).parents[2]
DOCSTRING = '''"""Black-box distillation: what a teacher answers.

Command:  ./run.sh small [--width=10]
          and more
Takes:    {takes}
Found:    Three of four rows
          beat the labels. The fourth is inconclusive

Posteriors cut short (arXiv
1812.02766) are targets.
"""
'''
TABLE = """Errors, mean over 5 seeds.

All digits

| row                        | test errors | difference | verdict | NLL |
|----------------------------|-------------|------------|---------|-----|
| teacher                    | 1           | –          | –       | 0.1 |
| labels only                | 3           | –          | –       | 0.2 |
| soft targets, T=1          | 2           | −1         | BEATS   | 0.3 |
| soft targets, T=2 (chosen) | 1           | −2         | BEATS   | 0.4 |
| permuted teacher, T=2      | 4           | +1         | WORSE   | 0.5 |

Special classes

- 1, 2
"""
MANIFEST = {
    "experiment": "small",
    "finished": "2026-11-22T01:52:47+00:00",
    "seconds": {"total": 90.0},
    "versions": {"jax": "0.10.2"},
    "device": "a CPU",
    "commit": "0123456789abcdef",
}


def record(folder, **changes):
    folder.mkdir(parents=True)
    (folder / "table.md").write_text(TABLE)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | changes))


def tree(root, name="small", takes="1 minute on 2 CPU cores"):
    folder = root / "experiments" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(DOCSTRING.format(takes=takes))
    return folder


def test_an_experiment_s_page_has_docstring_findings_tables_and_figures(tmp_path):
    folder = tree(tmp_path)
    (folder / "findings.md").write_text("## Findings\n\n![a curve](records/curve.png)\n")
    record(folder / "records")
    for name in ("config.json", "curve.png", "other__figure.png"):
        (folder / "records" / name).touch()
    record(folder / "records_wide", commit=None)
    assert readmes.experiment(folder) == "\n".join([
        readmes.NOTICE,
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
        "![a curve](records/curve.png)",
        "",
        "## Results",
        "",
        with_headings(TABLE),
        "![other figure](records/other__figure.png)",
        "",
        "Record of 2026-11-22: commit 0123456789, 1.5 minutes on a CPU, jax 0.10.2; "
        "[settings](records/config.json), [manifest](records/manifest.json).",
        "",
        "## Results, --preset=wide",
        "",
        with_headings(TABLE),
        "Record of 2026-11-22: commit unknown, 1.5 minutes on a CPU, jax 0.10.2; "
        "[manifest](records_wide/manifest.json).",
        "",
    ])  # fmt: skip


def with_headings(text):
    for title in ("All digits", "Special classes"):
        text = text.replace(f"\n{title}\n", f"\n### {title}\n")
    return text


def test_a_tool_has_a_page_without_findings_and_results(tmp_path):
    page = readmes.experiment(tree(tmp_path))
    assert "## " not in page and page.endswith("are targets.\n")


def test_titles_are_headings_and_nothing_else_is():
    text = "A note.\n\nA title\n\n\nTwo lines,\nno title\n\n- item\n\n| a |\n|---|"
    expected = text.replace("A title\n\n\n", "### A title\n\n")
    assert readmes.headed(text) == expected


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
    found = readmes.front_page(text, tmp_path)
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
    assert readmes.front_page(found, tmp_path) == found


def overview():
    title = "Black-box distillation: what a teacher answers"
    links = [f"[`./run.sh {n}`](experiments/{n}/README.md)" for n in ("quickstart", "small")]
    width = len(links[0])
    rows = [
        f"| {title} | {link:<{width}} | Three of four rows beat the labels | {minutes:<7} |\n"
        for link, minutes in zip(links, ("2", "1"))
    ]
    head = f"| {'experiment':<{len(title)}} | {'command':<{width}} | {'found':<34} | minutes |\n"
    rule = "|" + "|".join("-" * (n + 2) for n in (len(title), width, 34, 7)) + "|\n"
    return head + rule + "".join(rows)


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
    assert readmes.minutes(folder) == expected


@pytest.mark.parametrize("heading", ["Takes", "Found"])
def test_a_docstring_without_a_heading_is_named(tmp_path, heading):
    folder = tree(tmp_path)
    path = folder / "__init__.py"
    path.write_text(path.read_text().replace(f"{heading}:", "Other:"))
    with pytest.raises(InputError, match=f"__init__.py: its docstring has no line '{heading}: "):
        readmes.rendered(tmp_path)


def test_publishing_copies_a_finished_run_and_renews_the_pages(tmp_path):
    folder, run = tree(tmp_path), tmp_path / "run"
    (tmp_path / "README.md").write_text("<!-- experiments -->\n<!-- end -->\n")
    record(run)
    (run / "config.json").write_text('{"preset": "default"}')
    (run / "records.jsonl").write_text(jsonl.text([{"row": "a", "seed": 0}]))
    assert publish.publish(run, root=tmp_path) == folder / "records"
    assert (folder / "records/records.jsonl").read_bytes() == (run / "records.jsonl").read_bytes()
    assert with_headings(TABLE) in (folder / "README.md").read_text()
    assert "./run.sh small" in (tmp_path / "README.md").read_text()
    (run / "config.json").write_text('{"preset": "wide"}')
    assert publish.publish(run, root=tmp_path) == folder / "records_wide"
    assert "## Results, --preset=wide" in (folder / "README.md").read_text()


def damaged(run, name):
    """The run folder after one kind of damage."""
    manifest = json.loads((run / "manifest.json").read_text())
    other = {"foreign": "../../victim", "unknown": "nosuch"}
    if name in other:
        (run / "manifest.json").write_text(json.dumps(manifest | {"experiment": other[name]}))
    elif name == "preset":
        (run / "config.json").write_text('{"preset": "../x"}')
    elif name == "records":
        text = (run / "records.jsonl").read_text()
        (run / "records.jsonl").write_text(text.replace('"seed": 0', '"seed": 7'))
    elif name == "table":
        (run / "table.md").write_bytes(b"\xff\xfe")
    else:
        (run / name).unlink()


@pytest.mark.parametrize(
    "name",
    ["foreign", "unknown", "preset", "records", "table", "records.jsonl", "table.md"],
)
def test_a_run_that_is_not_whole_is_not_published_and_nothing_is_touched(tmp_path, name):
    folder, run, victim = tree(tmp_path), tmp_path / "run", tmp_path.parent / "victim"
    (tmp_path / "README.md").write_text("<!-- experiments -->\n<!-- end -->\n")
    record(run)
    (run / "config.json").write_text('{"preset": "default"}')
    (run / "records.jsonl").write_text(jsonl.text([{"row": "a", "seed": 0}]))
    publish.publish(run, root=tmp_path)
    before = {
        p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and run not in p.parents
    }
    damaged(run, name)
    with pytest.raises(InputError) as refused:
        publish.publish(run, root=tmp_path)
    assert "\n" not in str(refused.value) and not victim.exists()
    after = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and run not in p.parents}
    assert after == before
    with pytest.raises(InputError, match="is published already"):
        publish.publish(folder / "records", root=tmp_path)


def test_only_what_changed_is_written(tmp_path):
    folder = tree(tmp_path)
    (tmp_path / "README.md").write_text("nothing is marked here\n")
    assert readmes.write(tmp_path) == [folder / "README.md"]
    assert readmes.write(tmp_path) == []


@pytest.mark.parametrize(
    "path", readmes.rendered(ROOT), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_committed_readmes_are_current(path):
    assert path.read_text() == readmes.rendered(ROOT)[path], f"{path} is old: ./run.sh publish"


@pytest.mark.parametrize("folder", readmes.folders(ROOT), ids=lambda path: path.name)
def test_every_figure_that_findings_show_is_there(folder):
    findings = folder / "findings.md"
    for name in readmes.FIGURE.findall(findings.read_text() if findings.is_file() else ""):
        assert (folder / name).is_file(), name


def test_the_front_page_stays_short():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150 and len(text.encode()) <= 10_240


def test_every_file_that_a_page_links_is_there():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("experiments/*/*.md")]
    for page in pages:
        text = re.sub(r"`[^`\n]*`", "", page.read_text())
        for target in re.findall(r"(?:\]\(|src=\")([^)#:\"]+)(?:#[^)]*)?[)\"]", text):
            assert (page.parent / target).exists(), f"{page}: {target}"
