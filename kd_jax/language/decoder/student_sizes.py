"""Sizes of a new student, as a command line has them: known before JAX is."""

from collections.abc import Sequence

from kd_jax.errors import require

SIZES = {  # of a new student: what each is called in a Llama
    "hidden": "width",
    "layers": "layers",
    "heads": "heads",
    "kv_heads": "num_kv_heads",
    "head_dim": "head_dim",
    "intermediate": "intermediate_size",
}


def sizes(flags: Sequence[str]) -> dict[str, int]:
    """Sizes of a new student from texts like "hidden:256".

    Args:
        flags: Of them.

    Raises:
        InputError: One is none, or hidden or layers is missing.
    """
    found: dict[str, int] = {}
    for flag in flags:
        name, _, number = flag.strip().partition(":")
        right = name in SIZES and number.isascii() and number.isdigit() and 0 < int(number) < 10**6
        require(
            right, f"--random={flag}: expected sizes like hidden:256,layers:6, of "
            f"{', '.join(SIZES)}",
        )  # fmt: skip
        require(name not in found, f"--random={','.join(flags)}: {name} stands there twice")
        found[name] = int(number)
    require(
        {"hidden", "layers"} <= found.keys(),
        f"--random={','.join(flags)}: expected hidden and layers, like hidden:256,layers:6",
    )
    return found
