"""Tables of students of several widths: errors, where T_opt lies, and whether it grows."""

from experiments.temperature_grid import optimum
from experiments.temperature_grid import rows as names
from experiments.temperature_grid.curves import of
from kd_jax.report import contrasts, grouped, tables


def optima(records: list[dict]) -> dict[str, dict[int, optimum.Optimum]]:
    """{data set: {width, ascending: Optimum}}, corrected for all of them."""
    parts = {
        name: grouped.by("width", found) for name, found in grouped.by("dataset", records).items()
    }
    count = sum(map(len, parts.values()))
    return {
        name: {width: optimum.find(found[width], count) for width in sorted(found)}
        for name, found in parts.items()
    }


def by_width(records: list[dict], at: float) -> str:
    """One line per data set and width; the temperature `at` against labels, and T_opt."""
    one = f"{names.SOFT}, T={at:g}"
    kept = [r for r in records if r["row"] in (names.LABELS, one)]
    parts = {
        (r["dataset"], r["width"]): contrasts.Contrast(
            of(kept, dataset=r["dataset"], width=r["width"]), names.LABELS
        )
        for r in kept
    }
    compared = contrasts.compare_each(parts)
    rows = []
    for name, by_size in optima(records).items():
        for width, found in by_size.items():
            lines = {line.row: line for line in compared[name, width]}
            taught = of(records, dataset=name, width=width, row=names.TEACHER)
            rows.append([
                name,
                width,
                tables.mean_and_sd(grouped.values(taught, "test_errors")),
                parts[name, width].records[0]["epochs"],
                tables.spread(lines[names.LABELS]),
                tables.spread(lines[one]),
                tables.difference(lines[one]),
                tables.verdict(lines[one]),
                *found.cells(),
            ])  # fmt: skip
    header = [
        "data set", "units per layer", names.TEACHER, "epochs", names.LABELS, f"T={at:g}",
        "vs. labels only [95 %]", "verdict", "T_opt", "not beaten", "curve",
    ]  # fmt: skip
    every = [line for lines in compared.values() for line in lines]
    return tables.markdown(header, rows) + tables.power(every, "test errors")


def growth(records: list[dict]) -> str:
    """Whether T_opt grows with the student's width: of all widths, and without the narrowest."""
    rows = [
        [name, optimum.grows([*found.values()]), optimum.grows([*found.values()][1:])]
        for name, found in optima(records).items()
    ]
    header = ["data set", "T_opt grows with width", "without the narrowest students"]
    return tables.markdown(header, rows)
