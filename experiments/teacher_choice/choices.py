"""Records as tables show them, with the errors of their teachers, at the chosen temperatures."""

from collections.abc import Sequence

from experiments.teacher_choice import rows as named
from kd_jax.report import chosen_numbers, grouped

Records = list[grouped.Record]


def prepared(records: Records, choosing: Records) -> dict[str, Records]:
    """{part: records}, with the errors of their teachers and what was chosen.

    Args:
        records: Of a run.
        choosing: Those on which temperatures are chosen.
    """
    found = {part: [r for r in records if r["part"] == part] for part in named.PARTS}
    chosen_on = grouped.by("part", choosing)
    found[named.TRANSFER_SET] = [in_points(r) for r in found[named.TRANSFER_SET]]
    return {
        part: with_choices(
            with_teachers(of), chosen_on.get(part, of), *named.CONTROLS.get(part, ())
        )
        for part, of in found.items()
        if any(r["row"] == named.LABELS for r in of)
    }


def in_points(record: grouped.Record) -> grouped.Record:
    """A record with its agreement in percent, on the test and on what it learned from."""
    names = {"agreement": "test_agreement", "seen": "train_agreement"}
    return record | {name: 100 * record[x] for name, x in names.items() if x in record}


def with_teachers(records: Records) -> Records:
    """The records of students, with the errors of the teacher that is said to have taught each."""
    errors = {
        (row, r["teacher_seed"]): r["test_errors"] for r in records for row in r.get("students", ())
    }
    return [
        r | ({"teacher_errors": errors[key]} if key in errors else {})
        for r in records
        for key in [(r["row"], r["teacher_seed"])]
    ]


def with_choices(
    records: Records, choosing: Records, family: str = "", controls: Sequence[str] = ()
) -> Records:
    """The records, those of the row that validation chose of a family marked as "chosen".

    Args:
        records: Of a part.
        choosing: On which it is chosen.
        family: At whose temperature controls are kept; of these nothing is chosen.
        controls: Their families.
    """
    if controls:
        records = chosen_numbers.controlled(records, choosing, family, controls)
    families: dict[str, set] = {}
    for r in records:
        if r.get("family", r["row"]) not in (r["row"], *controls):
            families.setdefault(r["family"], set()).add(r["temperature"])
    best = {chosen_numbers.chosen(choosing, family): family for family in families}
    return [
        r | ({"chosen": family, "temperatures": sorted(families[family])} if family else {})
        for r in records
        for family in [best.get(r["row"])]
    ]


def students(records: Records) -> Records:
    """The rows of a table: each family at its chosen temperature and by its name alone."""
    swept = {r["chosen"] for r in records if "chosen" in r}
    return [
        {**r, "row": r.get("chosen", r["row"])}
        for r in records
        if "students" not in r and (r.get("family") not in swept or "chosen" in r)
    ]


def named_rows(part: str, records: Records) -> Records:
    """The records under the names that are compared."""
    if part == named.PATIENCE:
        return [{**r, "row": named.at_length(r["row"], r["epochs"])} for r in records]
    if part == named.TRANSFER_SET:
        return [{**r, "row": named.of_size(r["row"], r["size"])} for r in records]
    return students(records)
