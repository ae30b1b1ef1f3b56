"""Losses of an encoder's student by name, as a command line has them: known before JAX is."""

import difflib

from kd_jax.errors import require

WEIGHTS = {  # of all terms, in their order
    "cosine": 1.0, "mse": 1.0, "hidden": 1.0, "gram": 10.0, "margin_mse": 1.0, "listwise_kl": 1.0,
}  # fmt: skip
OF_SCORES = "margin_mse", "listwise_kl"


def named(row: str, *, ranked: bool = False) -> tuple[str, ...]:
    """The terms of a row's name, such as cosine+hidden+gram.

    Args:
        row: Terms with + between them.
        ranked: Whether there are scores, of which OF_SCORES are.

    Raises:
        InputError: One is not known, or stands there twice.
    """
    found, said = tuple(row.split("+")), f"--{'ranking_' * ranked}losses={row}"
    known = [name for name in WEIGHTS if ranked or name not in OF_SCORES]
    for name in found:
        other = f"{name} is of scores: give it to --ranking_losses, with --ranking=FILE"
        require(name in known or name not in WEIGHTS, f"{said}: {other}")
        near = difflib.get_close_matches(name.lower(), known, 1)
        guess = f"; did you mean {near[0]}?" if near else ""
        listed = ", ".join(known)
        require(
            name in WEIGHTS, f"{said}: there is no loss '{name:.40}'; there are {listed}{guess}"
        )
    require(len(set(found)) == len(found), f"{said}: expected each loss once")
    return found
