"""The sentence tells every outcome, the table fits its width, names mean nothing but themselves."""

import io

import numpy as np
import pytest
from markdown_it import MarkdownIt
from scipy import stats
from verdict_words import WHY, judging

from kd_jax.metrics import examples, statistics
from kd_jax.report import comparison_figure, terminal_page
from kd_jax.report.comparison import Comparison, score
from kd_jax.report.markdown_blocks import Table

LABELS = [0.80, 0.81, 0.79, 0.80]


def records(row, accuracies, validation=None, weight=1.0, weights=(1.0,)):
    """A record for each seed; None is a student that diverged."""
    found = []
    for seed, accuracy in enumerate(accuracies):
        known = {"row": row, "weight": weight, "weights": list(weights), "seed": seed}
        measured = {"diverged": 3} if accuracy is None else {
            "test_accuracy": accuracy, "test_nll": 0.5, "test_ece": 0.1, "test_agreement": 0.9,
            "test_kl": 0.2, "validation_nll": 0.5,
            "validation_accuracy": accuracy if validation is None else validation,
        }  # fmt: skip
        found.append(known | measured)
    return found


TEACHER = [{"row": "teacher", "seed": 0, "test_accuracy": 0.95, "test_nll": 0.1, "test_ece": 0.02}]


def compared(*more, labels=LABELS, best="soft", **options):
    every = [*TEACHER, *records("labels only", labels), *sum(more, [])]
    return Comparison(every, "labels only", best, **options)


def soft(*accuracies, **options):
    return records("soft", accuracies, **options)


def test_the_interval_is_that_of_students_t():
    ours = np.array([0.85, 0.86, 0.84, 0.86])
    line = compared(soft(*ours)).lines()["soft"]
    differences = 100 * (ours - LABELS)
    low, high = stats.t.interval(0.95, 3, differences.mean(), stats.sem(differences))
    np.testing.assert_allclose(line.paired[:3], [differences.mean(), low, high])


def test_where_it_is_known_which_examples_are_right_other_examples_count():
    """The second of three students diverged: the first and third are paired."""
    theirs = np.array([[1, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 0, 1, 1, 0]], bool)
    ours = np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [1, 0, 1, 1, 1]], bool)
    both = [soft(1.0, None, 0.8), records("labels only", theirs.mean(1))]
    for row, right in zip(both, (ours, theirs)):
        for record, text in zip(row, examples.packed(right)):
            record["test_right"] = str(text)
    table = compared(*both, labels=[])
    expected = statistics.crossed([[0, 100, 100, 0, 0], [100, 0, 0, 0, 100]], lower_is_better=False)
    assert table.lines()["soft"].paired == expected
    assert "for other seeds and test examples" in table.text(200)


@pytest.mark.parametrize(
    "more, options, said",
    [
        ([soft(0.85, 0.86, 0.84, 0.86)], {}, "BEATS: soft against labels only: +5.25 points of "
         "test accuracy [+4.45, +6.05]; the gain is real."),
        ([soft(0.75, 0.76, 0.74, 0.76)], {}, "WORSE: soft against labels only: −4.75 points of "
         "test accuracy [−5.55, −3.95]; labels only is the better choice "
         "here."),
        ([soft(0.75, 0.86, 0.74, 0.86)], {"labeled": False}, "INCONCLUSIVE: soft against labels "
         "only: +0.25 points of test agreement [−9.42, +9.92]; that may be chance."),
        ([soft(0.75, 0.76, 0.74, 0.76), records("b", [0.79, 0.78, 0.78, 0.795])],
         {"best": "labels only"}, "labels only did best on validation; of the others b came "
         "closest: −1.38 points of test accuracy [−3.14, +0.39], INCONCLUSIVE."),
        ([soft(0.75, 0.76, 0.74, 0.76)], {"best": "labels only"}, "labels only did best on "
         "validation; soft: −4.75 points of test accuracy [−5.55, −3.95], WORSE."),
        ([soft(0.80, 0.81, 0.80, 0.80)], {"margin": 2.0}, "EQUIVALENT: soft against labels only: "
         "+0.25 points of test accuracy [−0.55, +1.05]; less than the margin of 2 points."),
        ([soft(0.9)], {"labels": [0.8]}, "soft against labels only: +10.00 points of "
         "test accuracy; fewer than 3 seeds: no verdict."),
        ([soft(0.9, 0.8)], {"labels": [0.8, 0.8], "best": "labels only"}, "labels only did best "
         "on validation; soft: +5.00 points of test accuracy [−58.53, +68.53]; fewer than 3 seeds: "
         "no verdict."),  # differences 10 and 0: half a width of 12.706 · √50/√2
        ([soft(0.5, 0.6)], {"labels": [None, None]}, "All students of labels only diverged, so "
         "that nothing can be compared with them: try a smaller learning rate."),
        ([soft(None, None)], {"labels": [None, None]},
         "All students diverged: try a smaller learning rate."),
        ([], {"best": "labels only"},
         "There are students of labels only alone: nothing to compare them with."),
        ([soft(0.9, None)], {"labels": [None, 0.8]}, "soft against labels only: no seed "
         "of which neither student diverged; fewer than 3 seeds: no verdict."),
    ],
)  # fmt: skip
def test_the_sentence(more, options, said):
    found = compared(*more, **options)
    assert found.sentence() == said
    for width in (60, 80, 100, 200):
        text = found.text(width)
        assert " ".join(text.split("\n\n")[0].split()) == said
        assert "nan" not in text.lower()


def test_of_the_others_the_closest_is_that_of_validation():
    far = records("far", [0.70, 0.71, 0.72, 0.70], validation=0.9)
    found = compared(soft(0.79, 0.80, 0.80, 0.79, validation=0.5), far, best="labels only")
    assert "of the others far came closest: −9.25 points" in found.sentence()


def test_seeds_are_paired_of_which_neither_diverged():
    found = compared(soft(0.85, None, 0.84, 0.86))
    # 5, 5 and 6 points of the seeds 0, 2 and 3
    assert found.lines()["soft"].paired.mean == pytest.approx(16 / 3)
    assert "BEATS: soft against labels only: +5.33 points" in found.sentence()
    assert "1 of 4 students of soft diverged and is left out." in found.under()


def test_score_is_accuracy_then_nll_and_nothing_where_all_diverged():
    close = [{**r, "validation_nll": 0.4} for r in soft(0.8, 0.8)]
    assert score(close) > score(soft(0.8, 0.8)) > score(soft(0.7, 0.7)) > score(soft(None))


LONG = "<b>|x a *very* long `name` of a method " + "that goes on " * 6 + "and on"


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("name", ["soft targets, T=1", LONG])
def test_the_table_fits_and_no_column_is_cut(width, name):
    notes = ["A note " * 30]
    found = compared(records(name, [0.75, 0.86, 0.74, 0.86]), best=name, notes=notes)
    lines = found.text(width).splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in found.text(width)
    titles, cells = found.columns()
    kept = terminal_page.fitting(Table(titles, cells), width)
    assert kept[:2] == [0, 1]
    if width >= 80:
        assert 3 in kept  # the difference with its interval
    for column in kept[1:]:
        assert all(row[column] in "\n".join(lines) for row in cells)
    assert " ".join(found.text(width).split()).endswith(("A note " * 30).strip())


def test_verdicts_have_marks_and_where_they_are_wanted_colors():
    found = compared(soft(0.85, 0.86, 0.84, 0.86))
    plain, colored = (found.text(100, color=x) for x in (False, True))
    assert "▲ BEATS" in plain and "\x1b" not in plain
    assert "\x1b[1;32m▲ BEATS" in colored


def test_where_all_diverged_numbers_still_stand_at_the_right():
    table = compared(soft(None, None, None, None)).text(100).split("\n\n")[1].splitlines()
    ends = [line.index(x) + len(x) for x in ("95.00", "diverged") for line in table if x in line]
    assert ends[0] == ends[1]


def test_markdown_shows_names_as_they_are():
    found = compared(records(LONG, LABELS), best=LONG)
    page = MarkdownIt("commonmark").enable("table").render(found.markdown())
    assert "<b>" not in page and page.count("<tr>") == 1 + 3
    assert page.count("&lt;b&gt;|x a *very* long `name` of a method") == 2
    assert {row.count("<td") for row in page.split("<tr>")[2:]} == {len(found.columns()[0])}


def test_a_weight_at_the_edge_of_its_grid_is_marked():
    grid = (0.1, 1.0, 10.0)
    found = compared(
        soft(*LABELS, weight=10.0, weights=grid), records("b", LABELS, weight=1.0, weights=grid)
    )
    titles, cells = found.columns()
    assert titles[4] == "weight"  # behind the difference, before all other metrics
    assert [row[4] for row in cells] == ["–", "1", "10 (edge)", "1"]
    assert "(edge): the smallest or the largest that was tried" in found.text(200)
    assert "(edge)" not in compared(soft(*LABELS)).text(200)


def test_a_weight_is_shown_as_a_multiple_of_the_methods_own():
    tuned = soft(*LABELS, weight=9.0, weights=[0.1 * 90, 90.0, 900.0])
    plain = records("labels only", LABELS, weight=0.0, weights=[0.0])
    every = [*TEACHER, *plain, *({**r, "own_weight": 90.0} for r in tuned)]
    found = Comparison(every, "labels only", "soft")
    assert [row[4] for row in found.columns()[1]] == ["–", "–", "9 = 0.1 × 90 (edge)"]
    assert "weight: chosen on validation, as a multiple of the method's own" in found.text(200)


def test_a_temperature_that_was_chosen_is_shown_and_marked_at_the_edge():
    grid = {"temperatures": [1.0, 2.0, 4.0, 8.0]}
    low = [{**r, **grid, "temperature": 1.0} for r in soft(*LABELS)]
    inner = [{**r, **grid, "temperature": 4.0} for r in records("b", LABELS)]
    titles, cells = compared(low, inner).columns()
    assert titles[4] == "T" and [row[4] for row in cells] == ["–", "–", "1 (edge)", "4"]


def test_the_figure_holds_every_name_whole():
    money = records("cost $5 or $6", [0.65, 0.74, 0.64, 0.66])
    found = compared(records(LONG, [0.75, 0.86, 0.74, 0.86]), money, best=LONG)
    figure = comparison_figure.drawn(found)
    figure.savefig(io.BytesIO())  # lays it out
    (axes,) = figure.axes
    for label in axes.get_yticklabels():
        box = label.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1
    names = [" ".join(label.get_text().split()) for label in axes.get_yticklabels()]
    assert names == ["cost \\$5 or \\$6", LONG + " (chosen)"]
    drawn = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2]
    intervals = [found.lines()[row].paired[1:3] for row in ("cost $5 or $6", LONG)]
    assert all(any(np.allclose(x, each) for x in drawn) for each in intervals)


def test_figures_of_one_seed_and_of_nothing(tmp_path):
    for each in (compared(soft(0.9), labels=[0.8]), compared(best="labels only")):
        comparison_figure.save(each, tmp_path / "a.png")
        assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize("accuracies", [(0.85, 0.86, 0.84, 0.86), (0.80, 0.81, 0.80, 0.80), (0.9,)])
@pytest.mark.parametrize("best", ["soft", "labels only"])
def test_of_a_run_that_is_not_judged_the_one_thing_said_is_why(best, accuracies, tmp_path):
    labels = LABELS[: len(accuracies)]
    options = {"best": best, "labels": labels, "margin": 2.0}
    usual = compared(soft(*accuracies), records("b", labels), **options)
    found = usual._replace(unjudged=WHY)
    assert found.sentence().endswith(f"; {WHY}.") and judging(usual.markdown())
    comparison_figure.save(found, tmp_path / "a.svg")
    pages = found.text(80), found.text(120), found.markdown()
    assert not sum(map(judging, [*pages, (tmp_path / "a.svg").read_text()]), [])
    assert all(" ".join(page.split()).count("no verdict") == 1 for page in pages)
    marks = {line.get_marker() for line in comparison_figure.drawn(found).axes[0].lines}
    assert marks == {"x", "None"}
    both = [x.lines()["soft"] for x in (found, usual)]
    np.testing.assert_array_equal(*(line.paired[:3] for line in both))  # intervals stay
