"""No measured number is typed in prose: it is a cell of a committed table, or published."""

import pathlib
import re

import pytest

from kd_jax.report import cells, docstrings
from kd_jax.report.publishing import experiment_page

ROOT = pathlib.Path(__file__).parents[2]
UNITS = r"(?:percent|points?|times|errors|nats|seconds|minutes|ms|MB|GB)\b"
MEASURED = re.compile(rf"[+−]?\d[\d,]*\.\d+(?!\.)|\d[\d,.]*\s?[%×]|\d[\d,.]*\s{UNITS}|[+−]\d")
NUMBERS = r"\d[\d.]*(?:(?:, and |, | and | to | or |–)\d[\d.]*)*(?!\d|\s?[%×])"
NO_PROSE = [
    cells.PLACE,
    re.compile(r"^```.*?^```|^<!-- (?!end).*?<!-- end -->", flags=re.S | re.M),  # generated, or run
    re.compile(r"^ {4}.*$|`[^`]*`|\]\([^)]*\)|<[^>]*>|arXiv\s\d{4}\.\d{4,5}", flags=re.M),
]
SETTINGS = [  # what we chose, not what came out
    re.compile(rf"\b(?:T|α|momentum)\s=\s{NUMBERS}"),
    re.compile(
        r"\b95 % (?:interval|of the lines)|interval of 95 %|\b(?:Python|version) 3\.\d+|Apache-2\.0"
    ),
]
TYPED = {  # settings and limits of other forms; numbers of papers, whose source stands beside them
    "cross_modal": ["within 3 points of 2,000 labels", "margin of 3 points", "gain of 10 points"],
    "export": ["loses at most 0.2 points"],  # or nothing is written
    "language_model": ["the aim of 2 %"],
    "mnist_2015": [
        "where the paper has 91 %",
        "(the paper's: 91 %)",
        "save 72 of 146, 91 %",
        "(paper: 87 %)",
        "test set: 98.6 %",
        "(paper: 52.7 %, ",
    ]
    + ["and 86.8 % corrected on the test set", "(paper, on the test: −7.6)"],
    "mnist_tutorial": ["(324 errors against 331)", "(tutorial: 48 %; above 50 % is inconclusive)"]
    + ["columns start at norm 0.3"],
    "specialists": ["the paper's 4.4 %", "In the paper the gain grows", "by 1.49 % for each"],
    "speech_ensemble": ["(paper: 57.0 and 44.5)", "(paper: 61.1 and 58.9)"]
    + ["3 % of the recordings", "than the paper's (86 %)", "(paper: 86 %, which lies outside"]
    + ["than the paper's (87 %)", "with so few (paper: 87 %)", "every 10 ms"],
    "temperature_grid": ["lies between 2.5 and 5", "T_opt lies in (2.5, 5)", "lies in (2.5, 5) is"]
    + ["on sep 1, informative 1", "1 % of the labels are drawn anew", "would need T = 2.5 and 5"]
    + ["data sets of sep 0.2 (informative 0.8:", "with informative 0.8 (", "for T = 3 (sep 0.2,"],
    "teacher_choice": ["labels smoothed by 0.1", "3 % of the images", "the paper has 86 %"],
    "decoders.md": ["more than 2 GB", "their 4.5 or 8.5 bits"],
    "devices.md": ["They wait 20 seconds"],
    "distill.md": ["is right on 99 %", "(0.99 unless told)", "Adam at 0.002"],
    "export.md": ["loses at most 0.2 points"],
    "fault_tolerance.md": ["4 errors, 3 limits", "one line after 20 seconds"],
    "losses.md": ["d = 0.99 at y", "\\|s − t\\|_{i+1}"],
    "methods.md": ["tries 0.01, 0.1 and 1 times it"],
    "running.md": ["hold the intervals to 93 to 97 %"],  # else tests/metrics fails
    "CONTRIBUTING.md": ["took 4 minutes for a loss"],  # of people: no record can say it
}
FOLDERS = {folder.name: folder for folder in experiment_page.folders(ROOT)}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# claims.md is generated; changes.md is history; tests.md says how long tests take on one machine
OTHERS = {"claims.md", "changes.md", "tests.md"}


def measured(text: str, typed: list[str] | tuple[str, ...] = ()) -> list[str]:
    """The numbers that look measured, each with what stands around it."""
    for pattern in NO_PROSE:
        text = pattern.sub("…", text)
    text = " ".join(text.split())
    for allowed in typed:
        assert allowed in text, f"{allowed!r} stands nowhere: it need not be allowed"
        text = text.replace(allowed, " ")
    for pattern in SETTINGS:
        text = pattern.sub(" ", text)
    return [text[max(0, x.start() - 30) : x.end() + 20] for x in MEASURED.finditer(text)]


@pytest.mark.parametrize(
    "text, count",
    [
        ("saves 41.2 of 140 errors, 63 % of the way", 3),
        ("is 2 points ahead, +3 against −4, 2.9× as fast in 7 seconds", 5),
        ("{{records | All digits | labels only | test errors}} errors of `--T=1.5` labels", 0),
        ("at T = 2.5, 4 and 8 and α = 0.1 with 1,000 labels and 95 % intervals", 0),
        ("T = 2 saves 3 %, T = 2.5 saves 4 %", 2),
        ("    2.5 seconds\n\n<!-- adult -->\n3 %\n<!-- end -->\n[4 %](a/5.5.md)", 1),
    ],
)
def test_what_looks_measured(text, count):
    assert len(measured(text)) == count


@pytest.mark.parametrize("name", FOLDERS)
def test_findings_have_no_typed_number_that_was_measured(name):
    path = FOLDERS[name] / "findings.md"
    about = docstrings.read(FOLDERS[name] / "__init__.py")
    said = path.read_text() if path.is_file() else ""
    text = f"{about.headings['Found']}\n\n{about.prose}\n\n{said}"
    assert not measured(text, TYPED.get(name, []))


DENIED = re.compile(
    r"\b(?:no (?:better|worse)|(?:as|equally) good|makes? no difference|just as well)\b", re.I
)
SAID = re.compile(r"\b(?:open|undecided|UNDECIDED|equivalent|EQUIVALENT|whether|Whether)\b")


def denied(text: str) -> list[str]:
    """The sentences that say of two rows that they do not differ, which no test ever shows."""
    sentences = re.split(r"(?<=[.:;])\s+", " ".join(text.split()))
    return [x for x in sentences if DENIED.search(x) and not SAID.search(x)]


@pytest.mark.parametrize(
    "text, count",
    [
        ("T = 2 is no better than labels. T = 3 is.", 1),
        ("Soft targets are as good\nas labels: EQUIVALENT.", 1),
        ("Whether they are as good is open; that they are equally good is EQUIVALENT.", 0),
    ],
)
def test_what_denies_a_difference(text, count):
    assert len(denied(text)) == count


@pytest.mark.parametrize("name", FOLDERS)
def test_no_finding_denies_a_difference_that_is_undecided(name):
    path = FOLDERS[name] / "findings.md"
    said = path.read_text() if path.is_file() else ""
    assert not denied(f"{(FOLDERS[name] / '__init__.py').read_text()}\n\n{said}")


@pytest.mark.parametrize("page", [x for x in PAGES if x.name not in OTHERS], ids=lambda x: x.name)
def test_pages_have_no_typed_number_that_was_measured(page):
    assert not measured(page.read_text(), TYPED.get(page.name, []))
