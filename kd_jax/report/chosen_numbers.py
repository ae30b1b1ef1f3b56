"""The row, weight and temperature that validation chose for a method, as cells of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kd_jax.report import grouped
from kd_jax.report.published import DASH

EDGE = " (edge)"
ABOUT = {  # what is said below a table with these columns
    "weight": "weight: chosen on validation, as a multiple of the method's own: 9 = 0.1 × 90.",
    "T": "T: the temperature, chosen on validation.",
}
OF_EDGES = f"{EDGE.strip()}: the smallest or the largest that was tried; others may do better."


def chosen(records: Sequence[grouped.Record], family: str) -> str:
    """The row of a family with the fewest validation errors; on a tie, the lower NLL there.

    Args:
        records: With "family", "validation_errors" and "validation_nll" where they are of it.
        family: Its name.
    """
    rows = grouped.by_row(r for r in records if r.get("family") == family)

    def score(row):
        return tuple(
            np.mean(grouped.values(rows[row], f"validation_{m}")) for m in ("errors", "nll")
        )

    return min(rows, key=score)


def controlled(
    records: Sequence[grouped.Record],
    choosing: Sequence[grouped.Record],
    family: str,
    controls: Sequence[str],
) -> list[grouped.Record]:
    """The records, of each control those alone at the temperature that was chosen for a family.

    Args:
        records: Of all rows.
        choosing: On which the temperature is chosen, as for `chosen`.
        family: What the controls are compared with.
        controls: Their families; one that was not trained at that temperature keeps its records.
    """
    row = chosen(choosing, family)
    (at,) = {r["temperature"] for r in choosing if r["row"] == row}
    there = {r.get("family") for r in records if r.get("temperature") == at} & set(controls)
    return [r for r in records if r.get("family") not in there or r["temperature"] == at]


def weight(record: Mapping[str, Any]) -> str:
    """The weight of a row and, where it is known, which multiple of the method's own it is.

    Args:
        record: Of one of its students.
    """
    if not any(record.get("weights", ())):
        return DASH
    found, own = record["weight"], record.get("own_weight")
    known = f"{rounded(found)} = {rounded(found / own)} × {rounded(own)}" if own else rounded(found)
    return known + EDGE * is_edge(found, record["weights"])


def rounded(number: float) -> str:
    """A number to three digits, 1000 as such and not as 1e+03.

    Args:
        number: Any.
    """
    return f"{float(f'{number:.3g}'):g}"


def temperature(record: Mapping[str, Any]) -> str:
    """The temperature of a row, of which several were tried.

    Args:
        record: Of one of its students.
    """
    tried = record.get("temperatures", ())
    if len(tried) < 2:
        return DASH
    return f"{record['temperature']:g}" + EDGE * is_edge(record["temperature"], tried)


def is_edge(found: float, tried: Sequence[float]) -> bool:
    """Whether a number is the smallest or the largest of several.

    Args:
        found: Of `tried`.
        tried: One or more.
    """
    return len(tried) > 1 and found in (min(tried), max(tried))


def columns(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """{title: (record) -> its cell} of the numbers of which a method had several to choose from.

    Args:
        records: Of all rows.
    """
    every = {"weight": ("weights", weight), "T": ("temperatures", temperature)}
    return {
        title: cell
        for title, (name, cell) in every.items()
        if any(len(r.get(name, ())) > 1 for r in records)
    }
