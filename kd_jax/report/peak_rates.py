"""Rows that were trained at several peak learning rates, each shown at the one chosen for it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kd_jax.report import chosen_numbers, grouped
from kd_jax.report.published import DASH


def at_best(
    records: Iterable[grouped.Record], measure: Callable[[list[grouped.Record]], float]
) -> list[grouped.Record]:
    """The records of each row at the rate that is best for it; of equal ones the lowest.

    A rate at which more students diverged than at another, and left no record, is not chosen.

    Args:
        records: Of all rows, those without a "rate" of one that nobody chose.
        measure: Of the records of a row at one rate, ordered by seed; low is good.

    Returns:
        Records that know their "rate", None where they have none, and which "rates" were tried.
    """
    known = [*records]
    rates = sorted({r["rate"] for r in known if "rate" in r})
    found: list[grouped.Record] = []
    for row in grouped.by_row(known).values():
        by_rate = grouped.by("rate", [{"rate": None, **r} for r in row])
        whole = max(map(len, by_rate.values()))
        rising = [by_rate[rate] for rate in sorted(by_rate, key=lambda x: x or 0)]
        best = min([of for of in rising if len(of) == whole], key=measure)
        found += best
    return [{**r, "rates": rates} for r in found]


def cell(record: dict[str, Any]) -> str:
    """The rate of a row, with a star at the edge of what was tried; a dash without one.

    Args:
        record: One of its records, of `at_best`.
    """
    rate, rates = record["rate"], record["rates"]
    return DASH if rate is None else f"{rate:g}" + "*" * chosen_numbers.is_edge(rate, rates)


def tried(rates: Sequence[float]) -> str:
    """The rates that were tried, and what the star of a `cell` means.

    Args:
        rates: In the order in which they are shown.
    """
    return f"{', '.join(f'{rate:g}' for rate in rates)} (*: at the edge of these)"
