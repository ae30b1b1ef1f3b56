"""Tables and figure of students of reasoning: accuracy, what thinking costs, who beats whom."""

import json

import numpy as np

from kd_jax.report import figures, sections, tables
from kd_jax.storage import jsonl

TEACHER = "teacher"
ANSWER, TERSE, CHAINS = "answer only", "terse solutions", "teacher's chains"
FORWARD = "forward KL on the teacher's chains"
REVERSE, OWN = "on-policy reverse KL", "on-policy forward KL"
SHANNON = "on-policy JSD, beta 0.5"
SEVERAL, UNSORTED = "several chains per problem", "several, wrong ones kept"


def more(row):
    """The row whose students see as many tokens as those of one right chain."""
    return f"{row}, as many tokens"


PAIRS = (
    (TERSE, ANSWER), (CHAINS, ANSWER), (CHAINS, TERSE), (FORWARD, CHAINS), (REVERSE, CHAINS),
    (OWN, CHAINS), (OWN, FORWARD), (SHANNON, CHAINS), (SEVERAL, CHAINS), (UNSORTED, SEVERAL),
    (more(TERSE), more(ANSWER)), (CHAINS, more(ANSWER)), (CHAINS, more(TERSE)),
)  # fmt: skip
COSTS = {  # metric: (title, format)
    "test_tokens": ("tokens", ".1f"),
    "points_per_token": ("points per token", ".2f"),
    "test_teacher_nll": ("teacher's nats per token", ".3f"),
    "train_tokens": ("tokens learnt from", ",.0f"),
    "teacher_writes": ("teacher writes", ",.0f"),
    "teacher_reads": ("teacher reads", ",.0f"),
}
COLUMNS = """\
Problems: those that the teacher
was asked; students see the ones that it solves at least once. Tokens: written per answer; nats: the
teacher's surprise at what was written; it writes chains that students learn from, wrong ones too,
and reads those over which it predicts every token."""
TESTS = {"test": "as in training", "harder": "more steps"}
TASKS = {
    "word_problems": "Word problems of 2 or 3 steps; with more steps: 4 to 6.",
    "automaton": "Six digits move a state through ten permutations; with more steps: 7 or 8.",
    "gsm8k": "GSM8K.",
}


def read(folder):
    """(record of the teacher, {number of problems: records}, settings) of a run folder."""
    records = [_prepared(r) for r in jsonl.records(folder)]
    (teacher,) = (r for r in records if r["row"] == TEACHER)
    of_students = [r for r in records if r["row"] != TEACHER]
    settings = json.loads((folder / "config.json").read_text())
    return teacher, tables.by("problems", of_students), settings


def _prepared(r):
    """A record in percent, with the points of accuracy that it has per token written."""
    r = tables.in_percent(r)
    return r | {"points_per_token": r["test_accuracy"] / max(r["test_tokens"], 1)}


def table(folder):
    """The Markdown of a run folder: quality, comparisons, errors by steps."""
    teacher, sizes, settings = read(folder)
    tests = [name for name in TESTS if f"{name}_accuracy" in teacher]
    held = "validation problems" if settings["choosing"] else "test problems"
    text = [
        f"{TASKS[settings['task']]} Percent of {teacher['tests']:,} {held} answered exactly, mean "
        f"± s.d. over {settings['seeds']} seeds with the\n95 % interval of the mean; every student "
        f"takes {settings['steps']:,} steps of {settings['batch']} texts. {COLUMNS}",
        _of_teacher(teacher, tests),
        *(_quality(problems, found, tests) for problems, found in sizes.items()),
    ]
    for name in tests:
        found = _compared(sizes, f"{name}_accuracy", lower=False, digits=1)
        text += [f"Who beats whom, {TESTS[name]}, percentage points", found]
    found = _compared(sizes, "test_teacher_nll", lower=True, digits=3)
    text += ["Whose answers the teacher finds likelier, nats per token", found]
    text += [f"Percent wrong by number of steps, {max(sizes):,} problems"]
    text += [_by_steps(teacher, sizes[max(sizes)])]
    return "\n\n".join(text)


def _of_teacher(r, tests):
    right = ", ".join(f"{r[f'{name}_accuracy']:.1f} % {TESTS[name]}" for name in tests)
    return (
        f"The teacher answers {right}, with {r['test_tokens']:.1f} tokens; the majority of "
        f"{r['samples']} sampled answers is right for {r['vote_accuracy']:.1f} %.\nOf its chains "
        f"for the students' problems {r['kept_accuracy']:.1f} % are right, and it solves "
        f"{r['solved_accuracy']:.1f} % of these problems at least once."
    )


def _quality(problems, records, tests):
    lines = []
    for row, found in tables.by_row(records).items():
        cells = []
        for name in tests:
            accuracies = tables.values(found, f"{name}_accuracy")
            cells += [tables.mean_and_sd(accuracies), tables.interval(accuracies)]
        cells += [tables.mean(found, metric, form) for metric, (_, form) in COSTS.items()]
        lines.append([row, *cells])
    titles = [x for name in tests for x in (f"{TESTS[name]}, %", "95 %")]
    header = [f"{problems:,} problems", *titles, *(title for title, _ in COSTS.values())]
    return tables.markdown(header, lines)


def _compared(sizes, metric, lower, digits):
    found = {f"{problems:,} problems": records for problems, records in sizes.items()}
    rows = {part: {r["row"] for r in records} for part, records in found.items()}
    pairs = [(part, *pair) for pair in PAIRS for part in found if rows[part].issuperset(pair)]
    return sections.compared(found, pairs, metric, lower_is_better=lower, digits=digits)


def by_steps(r):
    """{steps: percent wrong} of a record, over all its tests."""
    found = {}
    for name in TESTS:
        found |= {int(n): 100 * wrong for n, wrong in r.get(f"{name}_by_steps", {}).items()}
    return dict(sorted(found.items()))


def _by_steps(teacher, records):
    steps = list(by_steps(teacher))
    lines = [[TEACHER, *(f"{x:.1f}" for x in by_steps(teacher).values())]]
    for row, found in tables.by_row(records).items():
        wrong = [by_steps(r) for r in found]
        lines.append([row, *(tables.mean_and_sd([each[n] for each in wrong]) for n in steps)])
    return tables.markdown(["row", *(f"{n} steps" for n in steps)], lines)


def draw(folder):
    """Accuracy by number of problems, accuracy by tokens written, errors by steps."""
    teacher, sizes, _ = read(folder)
    last = tables.by_row(sizes[max(sizes)])
    with figures.figure(folder / "reasoning.png", columns=3, size=(13.0, 5.0)) as axes:
        for (row, found), (color, marker) in zip(last.items(), figures.styles()):
            of_sizes = {n: tables.by_row(records).get(row) for n, records in sorted(sizes.items())}
            of_sizes = {n: records for n, records in of_sizes.items() if records}
            values = [tables.values(records, "test_accuracy") for records in of_sizes.values()]
            figures.band(axes[0], [*of_sizes], values, row, color, marker)
            tokens = [np.mean(tables.values(each, "test_tokens")) for each in of_sizes.values()]
            axes[1].plot(tokens, np.mean(values, axis=1), marker=marker, ms=4, color=color)
            wrong = [by_steps(r) for r in found]
            steps = list(wrong[0])
            figures.band(axes[2], steps, [[w[n] for w in wrong] for n in steps], row, color, marker)
        axes[0].set_xscale("log")
        axes[0].set_xticks(sorted(sizes), [f"{n:,}" for n in sorted(sizes)])
        axes[0].minorticks_off()
        axes[0].set(xlabel="problems", ylabel="right, %")
        axes[1].set(xlabel="tokens written per answer", ylabel="right, %")
        axes[2].plot(steps, [by_steps(teacher)[n] for n in steps], "--", color=figures.GREY)
        axes[2].set(xlabel="steps (dashed: the teacher)", ylabel="wrong, %", xticks=steps)
        handles, labels = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(handles, labels, fontsize=8, loc="outside upper center", ncols=4)
