"""Tables of the benchmark: seconds side by side, target ratios, limits of the machine."""

import statistics

from experiments.bench import pictures, workloads
from experiments.bench.rows import (
    CHUNKED,
    DECODERS,
    GRID,
    LOGITS,
    MACHINE,
    OURS,
    PEOPLE,
    PEOPLE_MANY,
    PEOPLE_ONE,
    PEOPLE_TORCH,
    SCALING,
    WHOLE,
)
from kd_jax.metrics.statistics import FALLS_SHORT, REACHED
from kd_jax.report import grouped, tables
from kd_jax.storage import jsonl

# nine data sets, 50 epochs, five seeds: their teachers, and students at nine temperatures, on
# labels, on smoothed labels and of a permuted teacher
GRID_NETWORKS = {
    workloads.GRID_TEACHERS.name: 9 * 50 * 5,
    workloads.GRID_STUDENTS.name: 9 * 50 * 5 * 12,
}
# (workload, our row, theirs, how many times as fast ours is meant to be)
TARGETS = [
    (PEOPLE, PEOPLE_ONE, PEOPLE_TORCH, 6.0),
    (PEOPLE, PEOPLE_MANY, PEOPLE_TORCH, 35.0),
    (workloads.SMALL.name, OURS, "PyTorch, resident", 5.0),
    (workloads.SMALL.name, OURS, "Keras on JAX", 2.0),
    (workloads.MANY.name, OURS, "PyTorch, resident", 12.0),
    (workloads.MANY.name, OURS, "Keras on JAX", 6.0),
    (workloads.MANY.name, OURS, "PyTorch, torch.func.vmap", 3.0),
    (workloads.TEACHER.name, OURS, "PyTorch, resident", 1.0),
    (GRID, OURS, "PyTorch, resident", 8.0),
    (GRID, OURS, "Keras on JAX", 15.0),
    (workloads.CONVNET.name, OURS, "PyTorch, resident", 1.0),
]
DECODERS_AT_LEAST = {  # times as fast
    "step": ("forward-KL step of 10 layers, 4 × 112 tokens", 1.6),
    "generate": ("greedy generation, 4 × 32 tokens", 2.0),
    "load": ("loading the folder", 1.0),
}
CHUNKED_AT_MOST = 1.15, 1 / 8  # of the seconds and of the memory of all logits at once
ONE_BY_ONE = {
    workloads.MANY.name: workloads.SMALL.name
}  # many networks one by one: each costs what one does


def table(folder):
    """The Markdown of a run folder: every workload, the targets, the limits."""
    parts = grouped.by("part", jsonl.records(folder))
    machine, scaled = best_rates(parts.pop(MACHINE)), parts.pop(SCALING)
    divergence, of_decoders = parts.pop(LOGITS, None), parts.pop(DECODERS, None)
    text = [
        "Seconds per epoch and network (people demo: per seed, whole process), median [least, "
        "most];\nimplementations take turns. Where one process trains many networks, the time is "
        "divided by their number."
    ]
    for part, records in parts.items():
        text += [part[0].upper() + part[1:], seconds_table(records)]
    text += [f"{GRID[0].upper()}{GRID[1:]}, as networks and epochs times the seconds of one"]
    text += [grid_table(parts), "Targets", targets_table(parts)]
    text += ["Fraction of the machine's limits", limits(parts, machine)]
    text += [
        "Memory and communication of several devices, predicted and as compiled; virtual devices "
        "of one processor,\nwhose seconds say what the communication costs, not what it gains"
    ]
    text += [scaling_table(scaled)]
    if divergence:
        text += [
            "Forward KL of 512 tokens over 151,936 words from hidden states: value and gradient, "
            "and the memory\nbeside arguments and results",
            chunked_table(divergence),
        ]
    if of_decoders:
        text += [
            "SmolLM2-135M: seconds and processor seconds, medians of both in turns, and the most "
            "memory of the process",
            decoders_table(of_decoders),
        ]
    return "\n\n".join(text)


def best_rates(records):
    """The highest rates that were measured: what else the machine does only lowers them."""
    return {name: max(r[name] for r in records) for name in ("flops", "bytes")}


def median(r):
    """The median seconds of a record."""
    return statistics.median(r["seconds"])


def seconds_table(records):
    """One line per implementation, the fastest first."""
    lines = []
    for r in sorted(records, key=median):
        spread = f"{median(r):.3f} [{min(r['seconds']):.3f}, {max(r['seconds']):.3f}]"
        accuracy = f"{r['accuracy']:.2%}" if "accuracy" in r else "–"
        lines.append([r["row"], spread, accuracy])
    return tables.markdown(["implementation", "seconds", "test accuracy"], lines)


def best(parts, part, name):
    """Median seconds of the fastest implementation whose name begins so."""
    if part == GRID:
        return sum(best(parts, of, name) * count for of, count in GRID_NETWORKS.items())
    of = [r for r in parts[part] if r["row"].startswith(name)]
    if not of:
        return best(parts, ONE_BY_ONE[part], name)
    return min(median(r) for r in of)


def measured(parts, part):
    """Whether the records of a part, or of all that it is made of, are there."""
    return all(of in parts for of in (GRID_NETWORKS if part == GRID else [part]))


def grid_table(parts):
    """Minutes of the whole grid for each kind of implementation."""
    names = [OURS, "PyTorch, resident", "Keras on JAX", "Keras on PyTorch"]
    found = [[name, f"{best(parts, GRID, name) / 60:.1f}"] for name in names]
    return tables.markdown(["implementation", "minutes"], found)


def targets_table(parts):
    """One line per ratio that has a target."""
    lines = []
    for part, ours, theirs, target in TARGETS:
        if measured(parts, part):
            ratio = best(parts, part, theirs) / best(parts, part, ours)
            verdict = REACHED if ratio >= target else FALLS_SHORT
            lines.append([part, ours, theirs, f"{ratio:.1f}×", f"{target:g}×", verdict])
    header = ["workload", "kd_jax", "baseline", "times as fast", "target", "verdict"]
    return tables.markdown(header, lines)


def limits(parts, machine):
    """One line per workload: its needs, and the fraction of the machine's rates."""
    lines = []
    for name, workload in workloads.BY_NAME.items():
        took = best(parts, name, OURS)
        computing = workload.operations() / machine["flops"]
        moving = workload.traffic() / machine["bytes"]
        lines.append([
            name,
            f"{workload.operations() / 1e9:.1f}",
            f"{workload.traffic() / 1e9:.2f}",
            f"{computing:.4f}",
            f"{moving:.4f}",
            f"{computing / took:.0%}",
            f"{(computing + moving) / took:.0%}",
        ])  # fmt: skip
    rates = f"{machine['flops'] / 1e9:.0f} GFLOP/s in a product of two 2048 × 2048 matrices, "
    rates += f"{machine['bytes'] / 1e9:.0f} GB/s in a copy"
    header = [
        "workload, per network and epoch", "GFLOP", "GB", "computing, s", "moving, s",
        "of the product's rate", "of both limits",
    ]  # fmt: skip
    return f"Measured: {rates}.\n\n" + tables.markdown(header, lines)


def scaling_table(records):
    """One line per training and mesh."""
    lines = []
    for r in records:
        predicted, sent = r["predicted"], sum(r["sent"].values())
        lines.append([
            r["workload"],
            r["mesh"],
            f"{predicted['state_bytes'] / 1e6:.2f}",
            f"{r['state_bytes'] / 1e6:.2f}",
            f"{predicted['sent'] / 1e6:.2f}",
            f"{sent / 1e6:.2f}",
            f"{median(r) * 1e3:.1f}",
        ])  # fmt: skip
    header = [
        "training", "mesh", "state of a device, MB, predicted", "measured", "sent in a step, MB, "
        "predicted", "measured", "ms per step",
    ]  # fmt: skip
    return tables.markdown(header, lines)


def chunked_table(records):
    """One line for all logits at once, and one in chunks with what it takes of the former."""
    whole, chunks = ({r["row"]: r for r in records}[row] for row in (WHOLE, CHUNKED))
    ratios = median(chunks) / median(whole), chunks["temporary_bytes"] / whole["temporary_bytes"]
    lines = [
        [r["row"], f"{median(r):.2f}", f"{r['temporary_bytes'] / 1e6:.0f}"] for r in (whole, chunks)
    ]
    lines.append(["ratio", *(f"{ratio:.3f}" for ratio in ratios)])
    lines.append(["at most", *(f"{most:g}" for most in CHUNKED_AT_MOST)])
    reached = (ratio <= most for ratio, most in zip(ratios, CHUNKED_AT_MOST))
    lines.append(["verdict", *(REACHED if each else FALLS_SHORT for each in reached)])
    return tables.markdown(["logits", "seconds", "MB"], lines)


def decoders_table(records):
    """One line per task: both implementations, and how many times as fast ours is."""
    lines = []
    for task, of_task in grouped.by("task", records).items():
        ours, theirs = sorted(of_task, key=lambda r: r["row"] != OURS)
        name, target = DECODERS_AT_LEAST[task]
        ratio = median(theirs) / median(ours)
        cells = [
            f"{median(r):.3f} ({statistics.median(r['processor']):.3f}), "
            f"{r['peak_bytes'] / 1e6:,.0f} MB"
            for r in (ours, theirs)
        ]
        verdict = REACHED if ratio >= target else FALLS_SHORT
        lines.append([name, *cells, f"{ratio:.1f}×", f"{target:g}×", verdict])
    header = [OURS, "transformers", "times as fast", "target", "verdict"]
    return tables.markdown(["task", *header], lines)


def draw(folder):
    """The figure of a run folder, see pictures."""
    pictures.draw(folder)
