"""The peak learning rate of each objective, chosen on validation."""

import math


def validation_kl(records):
    """KL(t‖s) on validation of the first student of a row at one rate; infinite if it diverged."""
    first = next((r for r in records if r["seed"] == 0), {})
    return first.get("validation_kl", math.inf)


def chosen(records, row):
    """The recorded rate of a row that is best on validation; of equal ones the first recorded."""
    first = [r for r in records if r["row"] == row and r["seed"] == 0]
    return min(first, key=lambda r: validation_kl([r]))["rate"]
