"""The table of a decoder's students: beside the teacher, against SFT and against their start."""

import math
import pathlib

from kd_jax.errors import counted
from kd_jax.metrics.statistics import FEWEST, NO_VERDICT
from kd_jax.report import tables
from kd_jax.report.decoder_rows import (
    ACROSS,
    DRAFTED,
    MEASURES,
    SPEED,
    TEACHER,
    TEACHER_SPEED,
    WRITTEN,
    Rows,
    read,
    verdicts,
)
from kd_jax.report.published import DASH


def sentence(rows: Rows) -> str:
    """What was found of the student that is kept, in a sentence."""
    kept, start = rows.said["kept"], rows.said["start"]
    baseline = rows.said["baseline"] if kept != rows.said["baseline"] else start
    if kept not in rows.records or baseline not in rows.records:
        return f"{kept}: its training diverged"
    parts, of_metrics = [], verdicts(rows, baseline)
    for metric, (title, _, digits, _) in [*rows.measures.items()][:2]:
        found = of_metrics[metric][kept]
        name, _, unit = title.partition(", ")
        verdict = f" ({found.verdict})" if found.verdict != NO_VERDICT else ""
        parts.append(f"{name} {_signed(found, digits)}{' ' + unit if unit else ''}{verdict}")
    return "; ".join([f"{kept} against {baseline}: {parts[0]}", *parts[1:], *_unjudged(rows)])


def _signed(found, digits):
    """A difference and its interval, a dash where there is none."""
    mean, low, high = (f"{x:+.{digits}f}" for x in (found.mean, found.low, found.high))
    between = f"{low}, {high}" if math.isfinite(found.low) else DASH
    return f"{mean} [{between}]".replace("-", "−")


def _unjudged(rows):
    """Why there are no verdicts, where there are none."""
    seeds, texts = _seeds(rows), _texts(rows)
    if rows.unjudged:
        yield rows.unjudged
    elif texts < FEWEST:
        yield f"{counted(texts, 'held-out text')}, fewer than {FEWEST}: no verdicts"
    elif 1 < seeds < FEWEST:
        yield f"{seeds} seeds: no verdicts, expected one seed, or {FEWEST} or more"


def _seeds(rows):
    return max(len(found) for found in rows.records.values())


def _texts(rows):
    """Held-out texts that students were measured on."""
    one = next(iter(rows.records.values()))[0]
    return len(rows.sums[next(iter(rows.sums))][one["seed"]]["tokens"])


def markdown(rows: Rows) -> str:
    """The tables of a run: quality, then differences to SFT and to the start."""
    start, baseline = rows.said["start"], rows.said["baseline"]
    text = [f"**{sentence(rows)}**", _quality(rows)]
    for other in (baseline, start):
        if other in rows.records and verdicts(rows, other)["nll"]:
            text += [f"Against {other}, [95 %]:", _against(rows, other)]
    return "\n\n".join([*text, _notes(rows), ""])


def _quality(rows):
    lines, wrote = [], _wrote(rows)
    for row, found in rows.records.items():
        cells = [
            tables.mean_and_sd([factor * r[f"test_{metric}"] for r in found], digits)
            for metric, (_, factor, digits, _) in rows.measures.items()
        ]
        size = f"{found[0]['parameters'] / 1e6:,.1f}"
        generated = _speed(rows, row)
        speed = DASH if generated is None else f"{generated:,.0f}"
        kept = f"{row} (kept)" if row == rows.said["kept"] else row
        drafts = _drafted(found) if rows.measures is MEASURES else []
        lines.append([kept, *cells, *drafts, *(_written(found) if wrote else []), size, speed])
    titles = [title for title, *_ in rows.measures.values()]
    drafted = [*(DRAFTED if rows.measures is MEASURES else ()), *(WRITTEN if wrote else ())]
    return tables.markdown(["row", *titles, *drafted, "parameters, M", "generated tokens/s"], lines)


def _speed(rows, row):
    """Tokens a second of the teacher, or of the students, which are all of one architecture."""
    teacher, start = (rows.records[name][0] for name in (TEACHER, rows.said["start"]))
    if row != TEACHER:
        return start.get(SPEED)
    return start.get(TEACHER_SPEED, teacher.get(SPEED))  # where earlier records have it


def _in_turns(rows):
    """Whether these speeds were measured in turns, as those of earlier records were not."""
    return TEACHER_SPEED in rows.records[rows.said["start"]][0]


def _drafted(records):
    """What was counted in speculative sampling, of all seeds together."""
    counted = [r for r in records if r.get("drafts_tested")]
    if not counted:
        return [DASH, DASH]

    def ratio(name, of):
        return sum(r[name] for r in counted) / sum(r[of] for r in counted)

    accepted = 100 * ratio("drafts_accepted", "drafts_tested")
    return [f"{accepted:.1f}", f"{ratio('drafts_written', 'teacher_calls'):.2f}"]


def _wrote(rows):
    """Whether the rows wrote answers, whose length and entropy were measured."""
    return "sample_tokens" in next(iter(rows.records.values()))[0]


def _written(records):
    found = [
        [r[name] for r in records if name in r] for name in ("sample_tokens", "sample_entropy")
    ]
    digits = zip(found, (1, 3))
    return [tables.mean_and_sd(values, n) if values else DASH for values, n in digits]


def _drafts(rows):
    """Of a call of the teacher."""
    of_rows = [r for found in rows.records.values() for r in found if r.get("drafts_tested")]
    return of_rows[0]["drafts_of_a_call"] if of_rows else "some"


def _against(rows, other):
    found = verdicts(rows, other)
    lines = []
    for row in found["nll"]:
        cells = []
        for metric, (_, _, digits, _) in rows.measures.items():
            each = found[metric][row]
            cells += [_signed(each, digits), each.verdict]
        lines.append([row, *cells])
    titles = [x for title, *_ in rows.measures.values() for x in (title, "verdict")]
    return tables.markdown(["row", *titles], lines)


def _notes(rows):
    one = next(iter(rows.records.values()))[0]
    seeds, texts = _seeds(rows), _texts(rows)
    of = "texts" if seeds == 1 else f"texts and orders ({seeds} seeds)"
    per_token = (
        f"Per token that is learned, of chats those of answers: {one['tokens']:,} in "
        f"{counted(texts, 'held-out text')}. (kept): the student that is saved."
    )
    lines = [
        f"{per_token} {_legend(rows)} Generated: greedily, four texts at a time"
        + f"{', the median of runs in turns with the teacher' * _in_turns(rows)}."
        + " Answers are sampled at temperature 1, as long at most as the longest of the texts."
        * _wrote(rows),
        f"[95 %]: of the paired difference, for other {of}"
        + "; verdicts are corrected for all of a table (Holm)" * (not rows.unjudged)
        + ". All trained rows have the same start, steps and batches.",
        *rows.said["notes"],
    ]
    return "\n".join(f"- {line}" for line in lines)


def _legend(rows):
    """What the columns of a table say."""
    if rows.measures is ACROSS:
        pairs = next(iter(rows.records.values()))[0]["pairs"]
        return (
            "The student's tokens, also of the teacher's NLL of the same texts in its own. ULD: "
            f"Σ |t − s| of sorted probabilities, at most 2, before {pairs:,} of them, where both "
            "have read the same. t: teacher, s: student."
        )
    return (
        "t: teacher, s: student. Same token: the most probable one is the teacher's. Accepted "
        "drafts: Σ min(t, s), of the student's tokens those that speculative sampling keeps, at "
        "the prefixes of these texts; in sampling: counted where both write together, "
        f"{_drafts(rows)} drafts to a call of the teacher."
    )


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder.

    Args:
        folder: Of the run.
    """
    return markdown(read(folder))
