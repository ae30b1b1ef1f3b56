"""The page of all records: nothing is missing, nothing is obeyed, what is broken is named."""

import base64
import hashlib
import html.parser
import json
import pathlib
import subprocess
import sys
import urllib.parse

import numpy as np
import pytest

from kd_jax.errors import InputError
from kd_jax.report import page, page_run, tables
from kd_jax.report.publishing import publish
from kd_jax.storage.run_folder import Run

ROOT = pathlib.Path(__file__).parents[2]
RECORDS = publish.all_records()
NAMES = sorted(RECORDS)
EVIL = '<script>alert(1)</script><img src="http://a.example/x"> ![x](http://a.example) **b** &lt;'


class Reader(html.parser.HTMLParser):
    """Every element of a page with the section that it is in, and the texts of its cells."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.rows, self.spans, self.texts = [], {}, set(), {}
        self.section, self.cell, self.span = None, None, None
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.elements.append((tag, attrs, self.section))
        if tag == "section":
            self.section = attrs["id"]
            self.rows[self.section] = []
        elif tag == "tr":
            self.rows[self.section].append([])
        elif tag in ("td", "th"):
            self.cell = ""
        elif tag == "span":
            self.span = attrs["class"]

    def handle_data(self, data):
        self.texts[self.section] = self.texts.get(self.section, "") + data
        if self.cell is not None:
            self.cell += data
        if self.span is not None:
            self.spans.add((self.span, data))

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[self.section][-1].append(self.cell.strip())
            self.cell = None
        elif tag == "span":
            self.span = None

    def all(self, tag, section=None):
        return [a for t, a, s in self.elements if t == tag and section in (None, s)]


def raw_rows(table):
    """The cells of every row of all tables in a Markdown text, headers too."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    lines = [line for line in lines if not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """The path of the page of the committed records, below another folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        return page.write().resolve()


@pytest.fixture(scope="module")
def reader(committed):
    return Reader(committed)


def finished(workdir, settings, row="a", draw=lambda folder: None):
    """The folder of a finished run of one row."""
    run = Run(workdir, "demo", {"preset": "default", **settings})
    run.append([{"row": row, "seed": 0, "test_errors": 1}])
    run.conclude(lambda folder: tables.markdown(["row", "test errors"], [[row, "1"]]), draw)
    run._lock.release()
    return run.folder


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_of_every_table_is_there_in_order(name, reader):
    assert reader.rows[name] == raw_rows((RECORDS[name] / "table.md").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_in_the_file_byte_for_byte(name, reader):
    shown = reader.all("img", name)
    inside = [base64.b64decode(x["src"].removeprefix("data:image/svg+xml;base64,")) for x in shown]
    assert sorted(inside) == sorted(path.read_bytes() for path in RECORDS[name].glob("*.svg"))
    assert all(len(x["alt"].split()) > 2 for x in shown)


def test_a_card_shows_the_figure_that_findings_name_first(reader):
    shown = {x["src"] for x in reader.all("img", "overview")}
    findings = (ROOT / "experiments" / "quickstart" / "findings.md").read_text()
    first = findings.split("](records/")[1].split(")")[0]
    content = base64.b64encode((RECORDS["quickstart"] / first).read_bytes()).decode()
    assert f"data:image/svg+xml;base64,{content}" in shown


def test_links_lead_to_what_exists_and_nothing_is_fetched(committed, reader):
    ids = {attrs["id"] for _, attrs, _ in reader.elements if "id" in attrs}
    followed = [a["href"] for a in reader.all("a")]
    assert {x[1:] for x in followed if x.startswith("#")} <= ids
    files = [urllib.parse.unquote(x) for x in followed if not x.startswith("#")]
    assert {(committed.parent / x).resolve() for x in files} >= {
        RECORDS[name] / file for name in NAMES for file in ("manifest.json", "records.jsonl")
    }
    assert all((committed.parent / x).is_file() for x in files)
    assert len(reader.all("script")) == len(reader.all("link")) == 1
    fetched = [a["src"] for _, a, _ in reader.elements if "src" in a]
    assert all(x.startswith("data:") for x in [*fetched, reader.all("link")[0]["href"]])
    style = committed.read_text().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_the_papers_numbers_stand_beside_ours(reader):
    lines = (RECORDS["mnist_2015"] / "records.jsonl").read_text().splitlines()
    ours = [
        x["test_errors"]
        for x in map(json.loads, lines)
        if (x.get("part"), x["row"]) == ("all", "labels only")
    ]
    wanted = ["labels only", "test errors", "146"]  # Hinton et al. 2015, section 3
    found = [row[3] for row in reader.rows["paper"] if row[:3] == wanted]  # of each preset
    assert sum(x.startswith(f"{np.mean(ours):.1f} ± ") for x in found) == 1


def test_no_published_number_is_left_out(reader):
    expected = []
    for name in NAMES:
        for table in (RECORDS[name] / "table.md").read_text().split("\n\n"):
            header, *rows = raw_rows(table) or [[]]
            for row in rows:
                for i, title in enumerate(header):
                    if title.endswith("paper") and any(map(str.isdigit, row[i])):
                        expected.append([row[0], header[i + 1], row[i], row[i + 1]])
    shown = [row for row in reader.rows["paper"] if len(row) == 4 and row[0] != "method"]
    assert shown == expected and len(expected) > 50


def test_verdicts_have_a_colour_and_keep_their_words(reader):
    words = {
        "better": {"BEATS", "SUPPORTED", "REACHED"},
        "worse": {"WORSE", "CONTRADICTED", "FALLS SHORT"},
        "inconclusive": {"INCONCLUSIVE", "UNDECIDED"},
        "equal": {"EQUIVALENT"},
    }
    said = {(kind, text) for kind, text in reader.spans if not text[0].isdigit()}
    assert said <= {(kind, word) for kind, all_ in words.items() for word in all_}
    assert {("better", "BEATS"), ("worse", "WORSE"), ("inconclusive", "INCONCLUSIVE")} <= said


@pytest.mark.parametrize("preset, said", [
    ("default", ""), ("wide", ", --preset=wide"),
    ("smoke", ", --preset=smoke, which shows that the command runs"),
])  # fmt: skip
def test_a_card_says_its_preset(tmp_path, preset, said):
    finished(tmp_path, {"preset": preset})
    card = " ".join(Reader(page.write(tmp_path)).texts["overview"].split())
    assert card.endswith(f"UTC{said}")


def test_figures_that_findings_name_stand_first_above_a_table():
    """Of those above the table of MNIST with 1,000 labels findings name that of errors alone."""
    run = page_run.shown(RECORDS["compare_methods_confirm"], "compare_methods", pathlib.Path("."))
    shown = [block.content for block in run.blocks if block.kind == "figures"]
    names = [figure.path.name for figure, _ in shown[0]]
    assert names[0] == "mnist__1_000_labels_errors.svg" and names[1:] == sorted(names[1:])


def test_cards_say_what_was_found_and_count_controls_apart(tmp_path):
    rows = [
        ["teacher", "−98.3 [−114.4, −82.2]", "BEATS"],
        ["labels only", "–", "–"],
        ["soft targets, T=1", "−7.4 [−11.5, −3.3]", "BEATS"],
        ["soft targets, T=8", "+1.0 [−3.0, +5.0]", "INCONCLUSIVE"],
        ["permuted teacher, T=1", "+5.7 [+0.8, +10.5]", "WORSE"],
    ]
    table = tables.markdown(["method", "vs. labels only [95 %]", "verdict"], rows)
    run = Run(tmp_path, "demo", {"preset": "default"})
    run.append([{"row": "a", "seed": 0}])
    run.conclude(lambda folder: table)
    run._lock.release()
    found = Reader(page.write(tmp_path))
    card = " ".join(found.texts["overview"].split())
    assert "2 of 4 rows beat labels only; most: soft targets, T=1 (−7.4)." in card
    assert "Methods: 1 better 1 inconclusive Controls and teachers: 1 better 1 worse" in card
    lines = [x["d"] for x in found.all("path") if x.get("class") != "zero"]
    # methods' widest bound, 11.5, is 40 units; −7.4 ± … of 40/11.5, and the teacher is cut off
    assert lines == ["M-40.0 5H-40.0", "M-40.0 5H-11.5", "M-10.4 5H17.4", "M2.8 5H36.5"]


def test_runs_of_one_experiment_are_compared_by_the_settings_that_differ(tmp_path):
    for settings in ({"width": 8, "depth": 2}, {"width": 9, "depth": 2}):
        finished(tmp_path, settings)
    rows = Reader(page.write(tmp_path)).rows["compared"]
    assert [row[0] for row in rows] == ["setting", "width", "minutes", "found"]
    assert sorted(rows[1][1:]) == ["8", "9"]


def test_no_script_runs_but_the_page_s_own(committed, reader):
    text = committed.read_text()
    script = text.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(x["content"] for x in reader.all("meta") if "http-equiv" in x)
    assert policy.endswith(f"script-src 'sha256-{digest}'") and "default-src 'none'" in policy
    assert not [a for _, a, _ in reader.elements if any(name.startswith("on") for name in a)]


def test_names_and_settings_are_shown_and_never_obeyed(tmp_path):
    folder = finished(tmp_path, {EVIL: {"x": [EVIL, '"><script>']}}, row=EVIL)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"experiment": "../../setup", "device": "</style>" + EVIL, "data": {EVIL: "\ud800"}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = Reader(page.write(tmp_path))
    assert [EVIL, "1"] in next(rows for name, rows in found.rows.items() if name.startswith("demo"))
    assert len(found.all("script")) == 1 and not found.all("img") and not found.all("strong")
    assert not [a for a in found.all("a") if "example" in a["href"]]
    assert not [a for _, a, _ in found.elements if any(name.startswith("on") for name in a)]


def test_what_is_broken_has_its_line_and_the_rest_is_shown(tmp_path):
    sound = finished(tmp_path, {})
    damaged, bare, torn, odd, begun = (finished(tmp_path, {"x": x}) for x in range(5))
    (damaged / "records.jsonl").write_text("nonsense\n")
    (bare / "table.md").unlink()
    (torn / "curve.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><g></svg>')
    ended = '"finished": "2026-01-02T03:04:05+00:00"'
    (odd / "manifest.json").write_text(f'{{{ended}, "seconds": {{"total": 1}}}}')
    (begun / "manifest.json").unlink()
    found = Reader(page.write(tmp_path))
    lines = {row[0]: row[1:] for row in found.rows["others"][1:]}
    expected = {
        damaged: ("failed", "line 1 is damaged"),
        bare: ("failed", "has no table.md"),
        torn: ("failed", "curve.svg is no sound SVG image"),
        odd: ("failed", "manifest.json has no 'experiment'"),
        begun: ("resumable", "1 records so far"),
    }
    assert len(lines) == len(expected)
    for folder, (state, part) in expected.items():
        shown = lines[folder.relative_to(tmp_path).as_posix()]
        assert shown[0] == state and part in shown[1] and "\n" not in shown[1]
    assert found.rows[f"demo-{sound.name}"][1:] == [["a", "1"]]


def test_a_run_shows_its_own_command_its_processes_and_all_that_it_took(tmp_path):
    run = Run(tmp_path, "quickstart", {"preset": "default"}, flags=["--seeds=3", "--workdir=<x>"])
    run.append([{"row": "a", "seed": 0}])
    run.notes(teachers={"f1": {"restored": True, "ready": 3000.0, "seconds": 3000.0}})
    run.conclude(lambda folder: tables.markdown(["row"], [["a"]]))
    run._lock.release()
    text = page.write(tmp_path).read_text()
    assert (
        "<pre><code>./run.sh quickstart --seeds=3 &#39;--workdir=&lt;x&gt;&#39;</code></pre>"
        in text
    )
    assert "(and 50.0 for teachers that stood ready)" in text
    assert "50 minutes, 20" in Reader(tmp_path / "report.html").texts["overview"]
    assert "<dt>processes, 1, seconds</dt>" in text


def test_nothing_to_report_is_one_line_and_no_page(tmp_path):
    (tmp_path / "runs").mkdir()
    command = [sys.executable, "-m", "kd_jax.report.page", str(tmp_path / "runs")]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 2 and found.stderr.count("\n") == 1
    assert "holds no finished run" in found.stderr
    with pytest.raises(InputError, match="is no folder") as error:
        page.write(tmp_path / "none")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("report*"))


def test_a_page_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    finished(tmp_path, {})
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match="report.html cannot be written"):
        page.write(tmp_path)
    assert not list(tmp_path.glob("*.partial"))
