"""Tables of the bench: seconds side by side, the ratios asked for, and the machine's limits."""

import statistics

from kd_jax import record
from kd_jax.bench import work
from kd_jax.report import tables

OURS = "kd_jax"
PEOPLE, MACHINE = "people demo, whole process", "machine"
PEOPLE_TORCH, PEOPLE_ONE, PEOPLE_MANY = "PyTorch, 1 seed", "kd_jax, 1 seed", "kd_jax, 20 seeds"
ADAM = 7 * 4  # bytes per parameter and step: p, m, v and the gradient read, p, m, v written
# (work, our row, theirs, how many times as fast we mean to be)
AIMS = [
    (PEOPLE, PEOPLE_ONE, PEOPLE_TORCH, 6.0),
    (PEOPLE, PEOPLE_MANY, PEOPLE_TORCH, 35.0),
    (work.SMALL.name, OURS, "PyTorch, resident", 5.0),
    (work.SMALL.name, OURS, "Keras on JAX", 2.0),
    (work.MANY.name, OURS, "PyTorch, resident", 12.0),
    (work.MANY.name, OURS, "Keras on JAX", 6.0),
    (work.MANY.name, OURS, "PyTorch, torch.func.vmap", 3.0),
    (work.TEACHER.name, OURS, "PyTorch, resident", 1.0),
    (work.CONVNET.name, OURS, "PyTorch, resident", 1.0),
]


def table(folder):
    """The Markdown of a run folder: every work, the aims, the limits."""
    parts = tables.by("part", record.read(folder))
    (machine,) = parts.pop(MACHINE)
    text = [
        "Seconds per epoch of MNIST and network (people demo: per seed, whole process), median "
        "[least, most];\ncontenders take turns. Where one process trains many networks, the time "
        "is divided by their number."
    ]
    for part, records in parts.items():
        text += [part[0].upper() + part[1:], seconds_table(records)]
    text += ["What was aimed at", aims_table(parts)]
    text += ["How near to the limits of the machine", limits(parts, machine)]
    return "\n\n".join(text)


def median(r):
    """The median seconds of a record."""
    return statistics.median(r["seconds"])


def seconds_table(records):
    """One line per contender, the fastest first."""
    lines = []
    for r in sorted(records, key=median):
        spread = f"{median(r):.3f} [{min(r['seconds']):.3f}, {max(r['seconds']):.3f}]"
        accuracy = f"{r['accuracy']:.2%}" if "accuracy" in r else "–"
        lines.append([r["row"], spread, accuracy])
    return tables.markdown(["contender", "seconds", "test accuracy"], lines)


def best(parts, part, name):
    """Median seconds of the fastest contender of that name; many networks one by one cost as
    much each as one alone does."""
    of = [r for r in parts[part] if r["row"].startswith(name)]
    if not of and part == work.MANY.name:
        of = [r for r in parts[work.SMALL.name] if r["row"].startswith(name)]
    return min(median(r) for r in of)


def aims_table(parts):
    """One line per ratio that was aimed at."""
    lines = []
    for part, ours, theirs, aim in AIMS:
        if part in parts:
            ratio = best(parts, part, theirs) / best(parts, part, ours)
            verdict = "REACHED" if ratio >= aim else "FALLS SHORT"
            lines.append([part, ours, theirs, f"{ratio:.1f}×", f"{aim:g}×", verdict])
    header = ["work", "we", "against", "times as fast", "aim", "verdict"]
    return tables.markdown(header, lines)


def limits(parts, machine):
    """One line per work: what it needs, and the least time in which this machine could do it."""
    lines = []
    for name, task in work.WORKS.items():
        steps = 60_000 // task.batch
        flops = 6 * task.multiply_adds() * steps * task.batch
        parameters = task.multiply_adds()  # of dense layers, one each; biases left out
        traffic = steps * (ADAM * parameters + task.batch * 784 * 4 / task.networks)
        least = max(flops / machine["flops"], traffic / machine["bytes"])
        lines.append([
            name,
            f"{flops / 1e9:.1f}",
            f"{traffic / 1e9:.2f}",
            "operations" if least * machine["flops"] <= flops * 1.0001 else "memory",
            f"{least:.4f}",
            f"{least / best(parts, name, OURS):.0%}",
        ])  # fmt: skip
    rates = f"{machine['flops'] / 1e9:.0f} GFLOP/s in a product of matrices, "
    rates += f"{machine['bytes'] / 1e9:.0f} GB/s in a copy"
    header = ["work", "GFLOP", "GB", "bound by", "least seconds", "reached"]
    return f"Measured: {rates}.\n\n" + tables.markdown(header, lines)
