"""Figures say what they show, are read by everybody, and mean one thing by one color."""

import itertools
import pathlib
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from kd_jax.errors import InputError
from kd_jax.report import by_column, class_figures, figure_files, figures, marks, roles

ROOT = pathlib.Path(__file__).parents[2]
COMMITTED = sorted(ROOT.glob("experiments/*/records*/*.svg"))
WHITE = 1.0


def luminance(color):
    """Relative luminance of '#rrggbb' (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


ALL = roles.TEACHER, roles.LABELS, roles.CONTROL, roles.SOFT, roles.MIXED, *roles.OTHERS


def test_every_color_stands_out_from_white_and_no_two_rows_look_alike():
    for color in {*(role.color for role in ALL), roles.BETTER, roles.WORSE, roles.NEITHER}:
        assert (WHITE + 0.05) / (luminance(color) + 0.05) >= 3, color
    for one, other in itertools.combinations(ALL, 2):
        assert one.marker != other.marker


@pytest.mark.parametrize(
    ("row", "role"),
    [
        ("teacher", roles.TEACHER), ("ensemble", roles.TEACHER), ("labels only †", roles.LABELS),
        ("soft targets, T=2 (chosen)", roles.SOFT), ("soft targets + labels, T=1", roles.MIXED),
        ("soft targets + 0.5 labels of a permuted teacher, T=2", roles.CONTROL),
        ("permuted teacher, T=1", roles.CONTROL), ("teacher's chains", None), ("DIST", None),
        ("teacher-free (virtual teacher)", None), ("generalist + specialists", None),
    ],
)  # fmt: skip
def test_a_name_tells_the_role(row, role):
    assert roles.of(row) == role


def test_rows_of_a_figure_all_look_different():
    found = roles.styles(["soft targets, T=1", "soft targets, T=2", "DIST", "PKT", "labels only"])
    assert len(set(found.values())) == 5
    assert found["soft targets, T=1"] == roles.SOFT and found["labels only"] == roles.LABELS


def test_a_figure_holds_its_caption_and_the_table_that_it_stands_above(tmp_path):
    path, caption = tmp_path / "a.svg", "Errors <of> “all” & more. Bands: s.d."
    texts = set()
    for _ in range(2):
        with figures.figure(path, caption=caption, table="All digits") as axes:
            marks.band(axes, [1, 2], [[1, 3], [2, 2]], "soft targets", roles.SOFT)
            figures.legend(axes)
        found, text = figure_files.read(path), path.read_text()
        assert (found.caption, found.table) == (caption, "All digits")
        assert found.alt == "Errors <of> “all” & more"
        texts.add(text)
    assert len(texts) == 1  # the same figure is the same file
    assert re.search(r"<text [^>]*>soft targets</text>", text)


def test_numbers_of_texts_keep_their_digits_and_places_lose_some(tmp_path):
    path, caption = tmp_path / "a.svg", "A rate of 0.0125."
    with figures.figure(path, caption=caption) as axes:
        axes.plot([0.003, 0.01], [1 / 3, 2 / 3])
        figures.logarithmic(axes, [0.003, 0.01])
    text = path.read_text()
    assert ">0.003</text>" in text and figure_files.read(path).caption == caption
    places = re.findall(r' d="([^"]*)"', text)
    assert places and not any(re.search(r"\d\.\d{3}", x) for x in places)


def test_figures_stand_beneath_the_title_that_begins_as_theirs():
    said = {"a": "Part 1", "b": "", "c": "Part 2", "d": "Part 7"}
    given = [figure_files.Figure(pathlib.Path(name), "", table) for name, table in said.items()]
    found = figure_files.placed(given, ["Part 1: all", "Part 2: no 3"])
    names = {title: [x.path.name for x in of] for title, of in found.items()}
    assert names == {"": ["b", "d"], "Part 1: all": ["a"], "Part 2: no 3": ["c"]}


@pytest.mark.parametrize("content", [b"", b"<svg>", b"<html/>", b"\xff\xfe\x00"])
def test_a_damaged_figure_is_one_line(tmp_path, content):
    (tmp_path / "a.svg").write_bytes(content)
    with pytest.raises(InputError, match="a.svg is no (sound )?SVG image.*: draw it again"):
        figure_files.read(tmp_path / "a.svg")


def whiskers(axes):
    """[[low, high], …] of every vertical whisker on axes, in order."""
    return [
        [segment[0][1], segment[-1][1]]
        for container in axes.containers
        for segment in container[2][0].get_segments()
    ]


def record(row, seed, **known):
    return {"row": row, "seed": seed, **known}


def test_differences_by_temperature_are_paired_with_the_baseline(tmp_path):
    """Differences −1, −2, −3: mean −2, half-width 4.3027 · 1/√3 (Student's t, 2 degrees)."""
    records = [record("labels only", s, test_errors=10 + 5 * s) for s in range(3)]
    for t in (1.0, 2.0):
        name = f"soft targets, T={t:g}"
        known = {"family": "soft targets", "temperature": t}
        records += [record(name, s, test_errors=9 + 4 * s, **known) for s in range(3)]
    with figures.figure(tmp_path / "a.svg") as axes:
        by_column.by_temperature(axes, records, "labels only", ["soft targets"])
        found = np.array(whiskers(axes))
    half = 4.302652729911275 / np.sqrt(3)
    np.testing.assert_allclose(found, [[-2 - half, -2 + half]] * 2, rtol=1e-6)


def test_percentages_have_no_whisker_beyond_0_and_100(tmp_path):
    records = [
        record("soft targets", s, n=n, test_accuracy=x)
        for n, both in ((10, (1.0, 5.0)), (100, (95.0, 99.0)))
        for s, x in enumerate(both)
    ]
    with figures.figure(tmp_path / "a.svg") as axes:
        by_column.curves(axes, records, "n", "test_accuracy", ["soft targets"])
        (low, _), (_, high) = whiskers(axes)
    assert low == pytest.approx(0) and high == pytest.approx(100)


def test_a_line_of_many_places_is_marked_at_some(tmp_path):
    with figures.figure(tmp_path / "a.svg") as axes:
        marks.band(axes, range(50), np.ones((50, 3)), "soft targets", roles.SOFT, every=5)
        assert axes.lines[0].get_markevery() == 5


def test_soft_targets_and_digits_are_drawn(tmp_path):
    images, logits = np.ones((2, 4, 4)), np.arange(20.0).reshape(2, 10)
    class_figures.soft_targets(tmp_path / "a.svg", images, logits, (1, 20))
    with figures.figure(tmp_path / "b.svg") as axes:
        class_figures.by_class(
            axes, {"labels only": np.ones((3, 10)), "DIST": np.ones((3, 10))}, "y"
        )
        heights = [bar.get_height() for bar in axes.patches]
    assert heights == [1.0] * 20
    assert figure_files.read(tmp_path / "a.svg").caption == class_figures.SOFTER
    texts = ElementTree.parse(tmp_path / "a.svg").getroot().itertext()
    assert [x for x in texts if "probability" in x] == ["probability"] * 2  # of each image


@pytest.mark.parametrize(
    "path", COMMITTED, ids=lambda path: f"{path.parents[1].name}-{path.parent.name}-{path.stem}"
)
def test_a_committed_figure_is_small_captioned_text_on_white_and_as_wide_as_a_page(path):
    found, root = figure_files.read(path), ElementTree.parse(path).getroot()
    assert found.caption.count(".") >= 2 or ":" in found.caption
    assert path.stat().st_size < 60_000
    assert float(root.get("width").removesuffix("pt")) * 96 / 72 <= 846
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert len(texts) > 4 and "fill: #ffffff" in path.read_text()


def test_the_last_digits_of_a_layout_are_not_in_the_file(tmp_path):
    texts = []
    for width in (0.5, 0.5 + 1e-12):
        with figures.figure(tmp_path / "a.svg") as axes:
            axes.set_position((0.2, 0.2, width, 0.5))
            axes.plot([0, 1], [0, 1])
        texts.append((tmp_path / "a.svg").read_text())
    assert texts[0] == texts[1] and 'clip-path="url(#clip0)"' in texts[0]
    assert len(ElementTree.fromstring(texts[0]).findall(".//*[@id='clip0']")) == 1
