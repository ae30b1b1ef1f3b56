"""The rotary embedding that a config.json asks for, of older and newer spelling: its base alone."""

from kd_jax.errors import require
from kd_jax.pretrained.settings import Settings, shown

NEUTRAL: dict[str, tuple] = {
    "partial_rotary_factor": (1,),
    "factor": (1,),
    "attention_factor": (1,),
}
KINDS = "rope_type", "type"
# where a config has an object of settings: newer and older libraries
OBJECTS = "rope_parameters", "rope_scaling"


def theta(found: Settings, default: float) -> float:
    """The base of the rotations' frequencies.

    Args:
        found: of config.json.
        default: where it says none.

    Raises:
        InputError: positions are scaled, or two bases are given.
    """
    found.neutral({"partial_rotary_factor": (1,)})
    given = {"rope_theta": found.positive("rope_theta", default)} if found.has("rope_theta") else {}
    for name in OBJECTS:
        rope = found.get(name) or {}
        require(
            isinstance(rope, dict), f"{found.source}: {name} is {shown(rope)}, expected an object"
        )
        parts = Settings(rope, f"{found.source}: {name}")
        _unscaled(parts)
        if parts.has("rope_theta"):
            given[f"{name}.rope_theta"] = parts.positive("rope_theta", default)
    several = ", ".join(f"{name} = {value:g}" for name, value in given.items())
    require(
        len(set(given.values())) <= 1,
        f"{found.source}: {several}: libraries differ on which of them counts; keep one",
    )
    return next(iter(given.values()), default)


def _unscaled(parts):
    """InputError unless these settings of rotations leave positions as they are."""
    kinds = [parts.get(name) for name in KINDS if parts.has(name)]
    linear = all(kind == "linear" for kind in kinds) and parts.get("factor") == 1
    for kind in kinds:
        require(
            kind == "default" or linear,
            f"{parts.source}: rotations are scaled by '{shown(kind)}', expected default: such "
            "positions are not implemented, choose a model without them",
        )
    parts.neutral(NEUTRAL)
    parts.get("rope_theta")
    parts.accounted(["original_max_position_embeddings"])  # of scaled ones only
