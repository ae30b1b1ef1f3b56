"""Tables and figures of the comparison of methods, one of each for every pair."""

import collections
import itertools
import json
import pathlib

from experiments.compare_methods import panels
from experiments.compare_methods.rows import ASSISTANT, KD, LABELS, PSEUDO, TEACHER
from kd_jax.metrics import statistics
from kd_jax.report import (
    chosen_numbers,
    contrasts,
    differences,
    figures,
    grouped,
    marks,
    tables,
)
from kd_jax.report.publishing import confirmed
from kd_jax.storage import jsonl


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: a table per pair, sorted by mean test errors."""
    records = jsonl.records(folder)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    explored = settings.get("explored", False)
    choosing = confirmed.choosing(folder, "compare_methods") if explored else records
    rows = grouped.by_row(records)[LABELS]
    text = [
        f"Test errors{differences.of_how_many(rows)}, mean ± s.d. over {grouped.counted(rows)}, "
        "paired by seed; sorted by the "
        "mean. Beaten by: how many methods\nbeat it, corrected for all pairs of methods; teacher "
        "and assistant are larger networks.\n"
        f"{_of_choice(choosing, _of_what(records, choosing, explored))}\n"
        f"{_of_budget(settings)}\n"
        f"{tables.scope(rows, _whose(rows, settings))}"
    ]
    for pair, found in grouped.by("pair", records).items():
        text += [pair, of_pair(found, chosen_on(choosing, pair))]
    return "\n\n".join(text)


def _of_what(records, choosing, elsewhere):
    """What a run's settings were chosen on, "" for the run itself."""
    if not elsewhere:
        return ""
    kept = {pair: chosen_on(choosing, pair) for pair in grouped.by("pair", records)}
    same = all(
        record[number] == kept[record["pair"]].get(record["row"], {}).get(number)
        for record in records
        for number in SETTING
        if number in record
    )
    later = "" if same else ", in whose place another has come, whose grid * is of"
    return f" of the exploration at base seed 0{later}"


def _of_choice(choosing, where):
    """What the settings were chosen on, in a sentence."""
    weighted = {r["row"]: r for r in choosing if "weight" in r}
    temperatures = {row: len(r.get("temperatures", [1.0])) for row, r in weighted.items()}
    tried = max(len(r["weights"]) * temperatures[row] for row, r in weighted.items())
    own = [
        f"{len(r['weights'])} of {row}"
        for row, r in weighted.items()
        if 1 < len(r["weights"]) < tried and temperatures[row] == 1
    ]
    brings = f" ({', '.join(own)}: what it brings)" if own else ""
    of = grouped.counted(grouped.by_row(choosing)[LABELS])
    return (
        f"Weight and T: of {tried} settings of every method{brings} those with the fewest "
        f"validation errors of {of}{where}; *: at the edge of what was tried.\n"
        "A weight is what the term is multiplied by, not a multiple of the method's own."
    )


def _of_budget(settings):
    """What the students of all rows have in common, in a sentence."""
    per_class = settings.get("held_out", 500) + settings.get("labels_per_class", 100)
    half = f", half of that on MNIST's {60_000 - 10 * per_class:,} unlabeled images"
    half = half if "mnist" in settings["pairs"] else ""
    drawn = ", ".join(what for pair, what in DRAWN.items() if pair in settings["pairs"])
    drawn = f" Drawn anew for each teacher: {drawn}." if drawn else ""
    return f"Students: {settings['student_epochs']} epochs{half}.{drawn}"


def _whose(rows, settings):
    """Of what other ones intervals speak: "" for the usual."""
    several = len({grouped.seeds(r)[0] for r in rows}) > 1
    drawn = several and not DRAWN.keys().isdisjoint(settings["pairs"])
    return "draws, their teachers and students" if drawn else ""


def chosen_on(records, pair):
    """{row: one of the records on which its setting was chosen} of a pair."""
    return {r["row"]: r for r in records if r["pair"] == pair and "weight" in r}


def of_pair(records, choosing):
    """The table of one pair.

    Args:
        records: of all its rows.
        choosing: {row: a record on which its setting was chosen}.
    """
    rows, counts = grouped.by_row(records), beaten_by(records)
    known = {name for record in records for name in record}  # two classes have no rank correlation
    metrics = {title: of for title, of in COLUMNS.items() if of[0] in known}
    baselines = {title: row for title, row in {"": LABELS, **BASELINES}.items() if row in rows}
    compared = contrasts.compare_each(
        {title: contrasts.Contrast(records, row) for title, row in baselines.items()}
    )
    lines = sorted(compared.pop(""), key=lambda x: (x.mean, x.row))
    against = {title: {x.row: x for x in found} for title, found in compared.items()}
    cells = [
        [
            line.row,
            tables.spread(line),
            tables.difference(line),
            tables.verdict(line),
            counts.get(line.row, "–"),
            *(tables.judged(found[line.row]) for found in against.values()),
            *(marked(rows[line.row][0], number, choosing.get(line.row)) for number in SETTING),
            *(tables.mean(rows[line.row], name, form) for name, form in metrics.values()),
        ]
        for line in lines
    ]
    header = ["method", "test errors", "vs. labels only [95 %]", "verdict", "beaten by"]
    table = tables.markdown([*header, *against, "weight", "T", *metrics], cells)
    power = [tables.power(lines, "test errors")]
    power += [
        tables.power(found, f"test errors, {title.removesuffix(' [95 %]')}")
        for title, found in compared.items()
    ]
    return "".join([table, *power])


def marked(record, number, choosing):
    """What a row was trained with, marked at the edge of its grid; a dash where nothing was chosen.

    Args:
        record: of one of its students.
        number: "weight" or "temperature".
        choosing: a record on which it was chosen, with the grid, or None.
    """
    if choosing is None or not any(choosing["weights"]):
        return "–"
    found, tried = record.get(number), choosing.get(f"{number}s")
    if number == "temperature" and tried in (None, [1.0]):  # of a method that has none
        return "–"
    return chosen_numbers.rounded(found) + "*" * chosen_numbers.is_edge(found, tried)


SETTING = "weight", "temperature"  # what is chosen for a row
DRAWN = {"mnist": "the labels of MNIST", "fashion": "the students' images of Fashion-MNIST"}
BASELINES = {"vs. KD [95 %]": KD, "vs. pseudo-labels [95 %]": PSEUDO}  # title: row

# title: (metric, format)
COLUMNS = {
    "NLL": ("test_nll", ".3f"),
    "Brier": ("test_brier", ".3f"),
    "ECE": ("test_ece", ".3f"),
    "agreement": ("test_agreement", ".1%"),
    "KL(t‖s)": ("test_kl", ".3f"),
    "KL(s‖t)": ("test_reverse_kl", ".3f"),
    "rank correlation": ("test_rank_correlation", ".3f"),
}


def beaten_by(records):
    """{row: the number of rows that beat it}, of the students; corrected for all pairs of them."""
    students = [r for r in records if r["row"] not in (TEACHER, ASSISTANT)]
    rows = grouped.by_row(students)
    pairs = {
        (one, other): contrasts.Contrast([*rows[one], *rows[other]], one)
        for one, other in itertools.combinations(rows, 2)
    }
    lost = collections.Counter(dict.fromkeys(rows, 0))
    for (one, other), found in contrasts.compare_each(pairs).items():
        verdict = tables.verdict(found[1])
        lost[one] += verdict == statistics.BEATS
        lost[other] += verdict == statistics.WORSE
    return dict(lost)


def draw(folder: pathlib.Path) -> None:
    """Every figure of a run folder: a set for each pair."""
    for pair, records in grouped.by("pair", jsonl.records(folder)).items():
        name = "".join(c if c.isalnum() else "_" for c in pair.lower())
        rows = grouped.by_row(records)
        larger = {row: rows.pop(row) for row in (TEACHER, ASSISTANT) if row in rows}

        def figure(what, caption, pair=pair, name=name, **options):
            about = {"caption": f"{pair}: {caption}", "table": pair, **options}
            return figures.figure(folder / f"{name}_{what}.svg", **about)

        caption = f"test errors of every method, the fewest on top. {marks.DOTS}"
        with figure("errors", caption, size=(7, 0.24 * len(rows) + 1)) as axes:
            panels.dots(axes, rows, larger)
        caption = (
            "test accuracy by agreement with the teacher, a mark per method: its mean. Crosses are "
            "controls, which can teach nothing of which classes are alike."
        )
        with figure("agreement", caption) as axes:
            panels.agreement(axes, rows)
        caption = (
            "reliability diagram: how often a network is right where it is so sure. On the dotted "
            "diagonal it is calibrated."
        )
        with figure("reliability", caption, size=(4.5, 4)) as axes:
            panels.reliability(
                axes, {TEACHER: larger[TEACHER], **{r: rows[r] for r in (LABELS, KD)}}
            )
        caption = "linear CKA of the teacher's layers with the student's, means over students."
        with figure("cka", caption, columns=2, size=(7.5, 3.2)) as axes:
            for cell, row in zip(axes, (LABELS, KD)):
                panels.alignment(cell, row, rows[row], larger[TEACHER][0]["layers"])
