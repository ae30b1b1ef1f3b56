"""Tables and figure of shorter sentence encoders."""

import json

from experiments.encoder.rows import CUT, DISTILLED, TEACHER, TRAINED, row_name
from kd_jax.metrics import means, statistics
from kd_jax.report import contrasts, figures, grouped, marks, roles, tables
from kd_jax.storage import jsonl

PUBLISHED = (
    "DistilBERT (Sanh et al. 2019): 6 of 12 layers keep 97 % of BERT's GLUE score at 1.6 times its "
    "speed."
)
SCOPE = (
    "[95 %]: of the difference to the one cut, for other students of this one teacher, on the same "
    "test questions and few labels; verdicts are corrected for all of a table (Holm)."
)


def measures(settings):
    """{metric: title} of what encoders are measured by."""
    return {
        "probe_accuracy": "all labels",
        "few_accuracy": f"{settings.get('few_labels', 5)} labels per class",
        "nearest_accuracy": "nearest neighbor",
        "nearest_agreement": "teacher's neighbor",
    }


def table(folder):
    """The Markdown of a run folder: quality, the distilled against the cut, cost."""
    records, settings = read(folder), _settings(folder)
    titles, rows = measures(settings), grouped.by_row(records)
    depths = sorted({r["layers"] for r in records if r["row"] != TEACHER}, reverse=True)
    text = [
        f"Percent of {records[0]['tests']:,} test questions of BANKING77, mean ± s.d. over "
        f"{settings['seeds']} students, which differ by the order of their texts and, from random "
        "layers, by their\nstart; a cut is not trained and has no seed. Retained: of the teacher's "
        f"accuracy on all labels. {PUBLISHED}\n{SCOPE}",
        _quality(rows, titles),
        "Distilled against its cut, percentage points",
        _against(rows, depths, titles),
        "Size and speed",
        _costs(records[0]),
    ]
    return "\n\n".join(text)


def read(folder):
    """The records of a run folder in percent; of a cut the first, as no seed changes it."""
    records = [grouped.in_percent(r) | _agreement(r) for r in jsonl.records(folder)]
    return [r for r in records if r.get("arm") != CUT or r["seed"] == 0]


def _settings(folder):
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def _agreement(r):
    name = "nearest_agreement"
    return {name: 100 * r[name]} if name in r else {}


def _quality(rows, titles):
    (teacher,) = rows[TEACHER]
    lines = []
    for row, found in rows.items():
        retained = [r["probe_accuracy"] / teacher["probe_accuracy"] * 100 for r in found]
        cells = [
            tables.mean_and_sd(grouped.values(found, name)) if name in found[0] else "–"
            for name in titles
        ]
        lines.append([row, *cells, tables.mean_and_sd(retained)])
    return tables.markdown(["encoder", *titles.values(), "retained, %"], lines)


def _against(rows, depths, titles):
    """Every measure of every depth: what distillation adds to its cut, and the verdict."""
    shown, tests = {}, {}
    for layers in depths:
        ours, (cut,) = row_name(layers, DISTILLED), rows[row_name(layers, CUT)]
        for metric, title in titles.items():
            values = grouped.values(rows[ours], metric)
            shown[ours, title] = values
            tests[ours, title] = statistics.above(values, cut[metric])
    lines = []
    for (row, title), found in statistics.together(tests).items():
        line = contrasts.line_of(row, shown[row, title], found)
        lines.append([row, title, tables.difference(line, 2), tables.verdict(line)])
    return tables.markdown(["encoder", "measure", "minus its cut [95 %]", "verdict"], lines)


def _costs(teacher):
    first = teacher["costs"][0]
    lines = [_cost(row_name(each["layers"]), each, first) for each in teacher["costs"]]
    lines[0][0] = TEACHER
    if "torch_sentences_per_second" in first:
        again = first | {"sentences_per_second": first["torch_sentences_per_second"]}
        lines.insert(1, _cost("teacher, transformers in PyTorch", again, first))
    header = ["encoder", "parameters", "without embeddings", "MB", "sentences/s", "times as fast"]
    return tables.markdown(header, lines)


def _cost(name, r, teacher):
    speed = r["sentences_per_second"]
    ratio = speed / teacher["sentences_per_second"]
    counts = f"{r['parameters']:,}", f"{r['layer_parameters']:,}", f"{r['bytes'] / 1e6:.1f}"
    return [name, *counts, f"{speed:.0f}", f"{ratio:.2f}×"]


def draw(folder):
    """Accuracy against speed: the teacher, cuts, and what distillation makes of them."""
    rows = grouped.by_row(read(folder))
    (teacher,), titles = rows[TEACHER], measures(_settings(folder))
    top = teacher["layers"]
    speeds = {r["layers"]: r["sentences_per_second"] for r in teacher["costs"]}
    caption = (
        "Test accuracy by speed: the teacher, its first layers alone (cut), and what training "
        "makes of them. Lines are means over seeds, bands one standard deviation."
    )
    path, size = folder / "accuracy_by_speed.svg", (figures.WIDEST, 4.2)
    with figures.figure(path, 1, 2, size, caption=caption) as axes:
        for panel, metric in zip(axes, ("probe_accuracy", "few_accuracy")):
            level = row_name(top)
            marks.level(panel, [teacher[metric]], f"teacher, {level}", roles.TEACHER)
            for arm, role in roles.styles((CUT, *TRAINED)).items():
                points = {
                    speeds[n]: [r[metric] for r in rows[row_name(n, arm)]]
                    for n in sorted(speeds)
                    if row_name(n, arm) in rows
                }
                marks.band(panel, [*points], [*points.values()], arm, role, means.PERCENT)
            panel.set_xlabel("sentences per second; above: layers")
            panel.set_ylabel(f"test accuracy, {titles[metric]}, %")
            layers = panel.secondary_xaxis("top")
            layers.set_xticks([speeds[n] for n in speeds], [f"{n}" for n in speeds])
        figures.legend(axes[0])
