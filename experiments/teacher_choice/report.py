"""Tables and figures of the choice of a teacher: a table for each part, and what is compared."""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.teacher_choice import pictures, scaling_law
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.choices import Records, named_rows, prepared, students
from kd_jax.metrics import statistics
from kd_jax.report import by_column, chosen_numbers, contrasts, grouped, sections, shares, tables
from kd_jax.report.published import DASH
from kd_jax.report.publishing import confirmed
from kd_jax.storage import jsonl

Cell = Callable[[Records], str]
NAME = "teacher_choice"


def number(metric: str, form: str) -> Cell:
    """The cell of the mean of a metric."""
    return lambda records: tables.mean(records, metric, form)


NLL, ECE = {"test NLL (nats)": number("test_nll", ".3f")}, {"ECE": number("test_ece", ".3f")}
TEACHERS = {"teacher's errors": number("teacher_errors", ".1f")}
FIDELITY = {
    "agrees with its teacher": number("test_agreement", ".2%"),
    "KL to it": number("test_kl", ".4f"),
}
TEMPERATURE: dict[str, Cell] = {"T": lambda found: chosen_numbers.temperature(found[0])}
ACCURACY = {
    "training accuracy": number("train_accuracy", ".2%"),
    "test accuracy": number("test_accuracy", ".2%"),
}
EPOCHS = {"epochs": number("epoch", ".1f")}


def table(folder: pathlib.Path) -> str:
    """The Markdown of a run folder: for each part its tables, and what is compared."""
    records, settings = jsonl.records(folder), settings_of(folder)
    parts, pairs = prepared(records, confirmed.choosing(folder, NAME)), named.compared(settings)
    text = [head(parts, settings)]
    for part, found in parts.items():
        text += [named.TITLES[part], named.PAPER[part], *TABLES[part](found)]
        rows = named_rows(part, found)
        if part == named.TRANSFER_SET:
            text += [named.FAITHFUL, compared(part, rows, named.faithful(settings), "agreement")]
        if part in pairs:
            text += [named.FEWER[part], compared(part, rows, pairs[part])]
    return "\n\n".join(text)


def compared(part: str, records: Records, pairs, metric: str = "test_errors") -> str:
    """The table of pairs of a part's rows, by errors or by a metric that is better where higher."""
    fewer = metric == "test_errors"
    return sections.compared(
        {part: records}, [(part, *pair) for pair in pairs], metric,
        lower_is_better=fewer, digits=2 - fewer,
    )  # fmt: skip


def settings_of(folder: pathlib.Path) -> dict:
    """The settings of a run folder."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def head(parts: Mapping[str, Records], settings: dict) -> str:
    """What stands above all tables."""
    labels = {part: [r for r in found if r["row"] == named.LABELS] for part, found in parts.items()}
    counts = [grouped.counted(x) for part, x in labels.items() if part != named.BORN_AGAIN][:1]
    counts += [f"{settings['born_again_chains']} chains of born-again networks"] * (
        named.BORN_AGAIN in parts
    )
    digits = "1,500 (5,000 digits in all)" if settings["mnist_5k"] else "10,000 of MNIST"
    return (
        f"Test errors of {digits}, mean ± s.d. over {' and '.join(counts)}, paired. Teachers "
        "differ by their initialization,\ntheir order and, where they do not see all images, their "
        "draw of these. T: the temperature, chosen on validation;\n"
        f"{chosen_numbers.OF_EDGES}\n{sections.DETECTABLE}\n"
        f"{tables.scope(next(iter(labels.values())), examples='test examples of errors')}"
    )


def lines(records: Records, columns: Mapping[str, Cell]) -> str:
    """The Markdown table of a part's rows against labels only.

    Args:
        records: Of `students`.
        columns: {title: what makes its cell of a row's records}.
    """
    rows = grouped.by_row(records)
    found = [
        [
            line.row, tables.spread(line), tables.difference(line), tables.verdict(line),
            *(cell(rows[line.row]) for cell in columns.values()),
        ]
        for line in contrasts.compare(records, "test_errors", named.LABELS)
    ]  # fmt: skip
    header = ["method", "test errors", f"vs. {named.LABELS} [95 %]", "verdict", *columns]
    return tables.markdown(header, found)


def of_size(records: Records) -> list[str]:
    """The table of students of several teachers."""
    return [lines(students(records), TEACHERS | TEMPERATURE | FIDELITY | NLL)]


def of_smoothing(records: Records) -> list[str]:
    """That of teachers of labels and of smoothed labels, and every temperature."""
    swept = [r for r in records if "chosen" in r or r.get("family") not in (None, r["row"])]
    each = [{**r, "row": r["family"]} for r in swept]
    every = by_column.spread(each, "temperature", "method", "test_errors", 1)
    return [*of_size(records), named.EVERY_T, every]


def of_generations(records: Records) -> list[str]:
    """That of born-again networks."""
    before = {"agrees with the generation before": number("before", ".2%")}
    found = [
        r if r["row"] == named.LABELS else r | {"before": r["test_agreement"]} for r in records
    ]
    return [lines(found, NLL | ECE | before)]


def of_transfer_sets(records: Records) -> list[str]:
    """Errors and fidelity by the size of the transfer set."""
    taught = [r for r in records if r["size"]]
    of_teacher = [r["test_errors"] for r in records if r["row"] == named.TEACHER]
    return [
        f"The teacher makes {tables.mean_and_sd(of_teacher)} errors.",
        by_column.spread(taught, "size", "method", "test_errors", 1),
        named.AGREEMENT,
        by_column.spread(taught, "size", "method", "agreement"),
        named.KL,
        by_column.spread(taught, "size", "method", "test_kl", 4),
        named.SEEN,
        by_column.spread(taught, "size", "method", "seen"),
    ]


def of_few(records: Records) -> list[str]:
    """That of few images, accuracy in training beside that of the test."""
    return [lines(students(records), ACCURACY | TEMPERATURE | EPOCHS)]


def of_ensemble(records: Records) -> list[str]:
    """That of an ensemble and its students, and the share of its gain that these keep."""
    found = students(records)
    kept = shares.table(
        [r for r in found if r["row"] != named.MEMBER], named.LABELS, named.ENSEMBLE
    )
    return [lines(found, TEMPERATURE | FIDELITY | NLL), named.SHARES, kept]


def of_patience(records: Records) -> list[str]:
    """Errors by the length of the training."""
    taught = [r for row in named.PATIENT for r in records if r["row"] == row]
    of_teacher = [r["test_errors"] for r in records if not r["epochs"]]
    about = f"The teacher makes {tables.mean_and_sd(of_teacher)} errors."
    return [about, by_column.spread(taught, "epochs", "method", "test_errors", 1)]


def of_scaling(records: Records) -> list[str]:
    """Losses by width and amount, and how well laws predict those that they were not fitted to."""
    taught = [r for r in records if r["width"]]
    each = [{**r, "row": named.of_student(r["width"], r["row"])} for r in taught]
    cells = [
        scaling_law.cells_of(of_seed, named.LABELS)
        for of_seed in grouped.by("teacher_seed", records).values()
    ]
    return [
        by_column.spread(each, "amount", "students, and what taught them", "test_nll", 3),
        named.LAWS,
        of_laws(cells),
    ]


def of_laws(cells: Sequence[scaling_law.Cells]) -> str:
    """The table of what each law explains, the others held against the first teacher by teacher.

    Args:
        cells: Of every teacher's seed.
    """
    explained = {
        name: [scaling_law.determination(law, count, of_seed) for of_seed in cells]
        for name, (law, count) in scaling_law.LAWS.items()
    }
    first, *others = explained
    judged = statistics.together({
        name: statistics.above(explained[name], explained[first]) for name in others
    })  # fmt: skip
    found = []
    for name, values in explained.items():
        shown = f"{np.mean(values):.3f} {tables.interval(values, 3)}".removesuffix(f" {DASH}")
        line = contrasts.line_of(name, values, judged.get(name))
        count = scaling_law.LAWS[name][1]
        compared = tables.difference(line, 3), tables.verdict(line)
        found.append([name, count, len(cells[0].loss), shown, *compared])
    header = ["law of", "parameters", "students", "R² of held-out students [95 %]"]
    return tables.markdown([*header, f"vs. {first} [95 %]", "verdict"], found)


TABLES: dict[str, Callable[[Records], list[str]]] = {
    named.SIZE: of_size,
    named.SMOOTHING: of_smoothing,
    named.BORN_AGAIN: of_generations,
    named.TRANSFER_SET: of_transfer_sets,
    named.FEW_LABELS: of_few,
    named.ENSEMBLE_PART: of_ensemble,
    named.PATIENCE: of_patience,
    named.SCALING: of_scaling,
}


def draw(folder: pathlib.Path) -> None:
    """A figure for each part that has a curve, or many rows."""
    parts = prepared(jsonl.records(folder), confirmed.choosing(folder, NAME))
    for part in parts.keys() & pictures.DRAWN.keys():
        found = students(parts[part]) if part == named.SIZE else parts[part]
        pictures.DRAWN[part](folder / f"{part}.svg", found)
