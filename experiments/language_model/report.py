"""Tables and figure of the decoder's students: objectives compared, sizes of caches."""

import json

import numpy as np

from experiments.language_model import rates
from experiments.language_model.rows import CUT, FORWARD, SFT, TEACHER
from kd_jax.metrics import statistics
from kd_jax.report import contrasts, figures, grouped, marks, peak_rates, tables
from kd_jax.storage import jsonl

MEASURES = {  # metric: (title, digits, whether lower is better)
    "test_kl": ("KL(t‖s), nats", 3, True),
    "test_reverse_kl": ("KL(s‖t), nats", 3, True),
    "test_agreement": ("top-1 agreement, %", 2, False),
    "test_nll": ("NLL, nats", 3, True),
}


def rows_of(folder):
    """{row: its records at the rate that was chosen for it}, without those that diverged."""
    found = peak_rates.at_best(jsonl.every_record(folder), rates.validation_kl)
    return grouped.by_row(_in_percent(r) for r in found if "diverged" not in r)


def table(folder):
    """The Markdown of a run folder: quality, differences to two baselines, caches."""
    rows = rows_of(folder)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    held = "held-out training problems" if settings["validation_only"] else "test problems"
    (teacher,) = rows[TEACHER]
    text = [
        f"Per answer token, {teacher['tokens']:,} of {settings['tests']:,} {held} of GSM8K, mean ± "
        f"s.d. over {settings['seeds']} orders of the data. t: the teacher of\n"
        f"{teacher['layers']} layers; s: students of {settings['layers']} from the same start, "
        f"{settings['epochs']} times over {settings['texts']:,} problems. Prompts have at most\n"
        f"{settings['prompt_tokens']} tokens, answers {settings['answer_tokens']}; longer problems "
        "are left out. Peak memory: of the compiled training with all that it is given.\n"
        f"{_of_rates(rows)}"
        f"{tables.scope(rows[SFT], 'orders of the data')}",
        _quality(rows),
    ]
    text += [f"vs. {SFT}", _against(rows, SFT)]
    others = {row: found for row, found in rows.items() if row != SFT}  # that pair is judged above
    text += [f"vs. {FORWARD}", _against(others, FORWARD)]
    text += [
        "Caches of the teacher's outputs",
        _caches(rows),
        _generated(teacher["generation_speeds"]),
    ]
    return "\n\n".join(text)


def _tried(rows):
    """The peak rates that were tried, none in records of before several were."""
    return rows[SFT][0]["rates"]


def _of_rates(rows):
    """How rates were chosen, as a line; "" where none was."""
    if len(_tried(rows)) < 2:
        return ""
    return (
        "Each objective has the peak rate with the lowest KL(t‖s) on held-out training problems at "
        f"its\nfirst order of the data, of {peak_rates.tried(_tried(rows))}.\n"
    )


def _generated(speeds):
    cached, again = speeds["cached"], speeds["read again"]
    return (
        f"The teacher generates {cached:.0f} tokens/s with a cache of keys and values, {again:.0f} "
        f"without: {cached / again:.1f} times as fast."
    )


def _in_percent(r):
    return r | {"test_agreement": 100 * r["test_agreement"]}


SAMPLED = {  # metric: (title, format)
    "test_sample_tokens": ("tokens sampled", ".1f"),
    "test_sample_entropy": ("entropy per token sampled, nats", ".3f"),
}


def _quality(rows):
    lines = []
    known = {name for found in rows.values() for r in found for name in r}
    sampled = {name: each for name, each in SAMPLED.items() if name in known}
    for row, found in rows.items():
        cells = [
            tables.mean_and_sd(grouped.values(found, metric), digits)
            for metric, (_, digits, _) in MEASURES.items()
        ]
        peak = [{"peak": r["peak_bytes"] / 1e9} for r in found if r.get("peak_bytes")]
        speed = tables.mean(found, "tokens_per_second", ".0f")
        own = [tables.mean(found, metric, form) for metric, (_, form) in sampled.items()]
        rate = [peak_rates.cell(found[0])] if _tried(rows) else []
        lines.append([row, *rate, *cells, *own, speed, tables.mean(peak, "peak", ".2f")])
    titles = [title for title, *_ in (*MEASURES.values(), *sampled.values())]
    header = ["method", *(["peak rate"] if _tried(rows) else []), *titles]
    return tables.markdown([*header, "answer tokens/s", "peak memory, GB"], lines)


def _against(rows, baseline):
    """Every trained row minus the baseline, paired by seed, measure by measure."""
    trained = [r for row, found in rows.items() if row not in (TEACHER, CUT) for r in found]
    compared = contrasts.compare_each({
        metric: contrasts.Contrast(trained, baseline, metric, lower)
        for metric, (_, _, lower) in MEASURES.items()
    })  # fmt: skip
    lines = []
    for each in zip(*compared.values()):
        if each[0].row != baseline:
            cells = [
                cell
                for line, (_, digits, _) in zip(each, MEASURES.values())
                for cell in (tables.difference(line, digits), tables.verdict(line))
            ]
            lines.append([each[0].row, *cells])
    titles = [x for title, *_ in MEASURES.values() for x in (f"{title} [95 %]", "verdict")]
    return tables.markdown(["method", *titles], lines)


def _caches(rows):
    """Bytes per token of each cache, and what learning from it changes against all logits."""
    (teacher,) = rows[TEACHER]
    full = 4 * teacher["vocabulary"]
    lines = [["all logits, float32", f"{full:,}", "100 %", "200 %", "–", "–"]]
    lines += [["all logits, bfloat16", f"{full // 2:,}", "50 %", "100 %", "–", "–"]]
    for row, cache in teacher["caches"].items():
        size = cache["bytes_per_token"]
        name = "hidden states, float32" if row == FORWARD else f"{row}: log-probabilities and ids"
        line = [name, f"{size:,}", _share(size / full), _share(2 * size / full)]
        lines.append([*line, f"{cache['bytes'] / 1e6:.1f}", _change(rows, row)])
    header = ["cache", "bytes per token", "of float32", "of bfloat16", "here, MB"]
    return tables.markdown([*header, f"KL(t‖s) minus that of {FORWARD}, % [95 %]"], lines)


def _share(part):
    return f"{100 * part:.2f} %"


def _change(rows, row):
    """'+0.4 [−0.1, +0.9]': the change of KL(t‖s) against all logits, in percent of theirs."""
    if row == FORWARD or row not in rows:
        return "–"
    ours, theirs = (np.array(grouped.values(rows[r], "test_kl")) for r in (row, FORWARD))
    change = 100 * (ours / theirs - 1)
    line = contrasts.line_of(row, change, statistics.paired(change, 0 * change))
    return tables.difference(line, 2)


def draw(folder):
    """KL and agreement of every trained row as dots with their 95 % intervals."""
    rows = {row: found for row, found in rows_of(folder).items() if row not in (TEACHER, CUT)}
    caption = f"How near students come to the teacher on held-out answers. {marks.DOTS}"
    path, size = folder / "agreement_and_kl.svg", (figures.WIDEST, 0.3 * len(rows) + 1)
    with figures.figure(path, 1, 2, size, sharey=True, caption=caption) as axes:
        for panel, metric in zip(axes, ("test_kl", "test_agreement")):
            values = {row: grouped.values(found, metric) for row, found in rows.items()}
            marks.dots(panel, values)
            panel.set_xlabel(MEASURES[metric][0])
