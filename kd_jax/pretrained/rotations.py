"""The rotations that a config.json asks for, in older and newer spelling, and back."""

import math
from typing import Any

from kd_jax.errors import require
from kd_jax.models.rotations import Linear, Llama3, Rotation, Yarn
from kd_jax.pretrained.settings import Settings, shown

# where a config has an object of settings: newer and older libraries
OBJECTS = "rope_parameters", "rope_scaling"
NAMES = "rope_type", "type"  # of the kind of scaling, likewise
ORIGINAL = "original_max_position_embeddings"
FULL, SLIDING = "full_attention", "sliding_attention"


def read(found: Settings, default: float, positions: int | None) -> Rotation:
    """The Rotation of a model whose layers all have the same.

    Args:
        found: of config.json.
        default: the base of the frequencies where it says none.
        positions: tokens of the longest text, if it says them.

    Raises:
        InputError: a setting is wrong, is not implemented, or contradicts another.
    """
    found.neutral({"partial_rotary_factor": (1,)})
    stated = [_part(found, name, found.get(name)) for name in OBJECTS]
    return _agreed(found, [part for part in stated if part.found], default, positions)


def read_two(
    found: Settings, default: float, local: float, positions: int | None
) -> tuple[Rotation, Rotation]:
    """The Rotations of layers that see all tokens, and of those that see a window of them.

    Args:
        found: of config.json.
        default: the base of the former where it says none.
        local: the base of the latter, likewise.
        positions: tokens of the longest text, if it says them.

    Raises:
        InputError: a setting is wrong, is not implemented, or contradicts another.
    """
    found.neutral({"partial_rotary_factor": (1,)})
    newer, older = (_part(found, name, found.get(name)) for name in OBJECTS)
    base = found.theta("rope_local_base_freq", local)
    if not {FULL, SLIDING} & newer.found.keys():
        stated = [part for part in (newer, older) if part.found]
        return _agreed(found, stated, default, positions), Rotation(base)
    whole = _part(found, f"{OBJECTS[0]}: {FULL}", newer.get(FULL))
    part = _part(found, f"{OBJECTS[0]}: {SLIDING}", newer.get(SLIDING))
    newer.accounted([])
    near = _agreed(Settings({}, found.source), [part], base, positions)
    require(
        near.scaling is None, f"{part.source}: rotations within a window are scaled, expected "
        "default: nothing else is implemented; choose a model without it",
    )  # fmt: skip
    require(
        not found.has("rope_local_base_freq") or near.theta == base,
        f"{found.source}: rope_local_base_freq = {base:g}, {part.source.rpartition(': ')[2]} has "
        f"{near.theta:g}: libraries differ on which of them counts; keep one",
    )
    both = [each for each in (whole, older) if each.found]
    return _agreed(found, both, default, positions), near


def _part(found, name, value):
    """The Settings of an object within a config.json, none where it is missing."""
    value = {} if value is None else value
    require(
        isinstance(value, dict), f"{found.source}: {name} is {shown(value)}, expected an object"
    )
    return Settings(value, f"{found.source}: {name}")


def _agreed(found, parts, default, positions):
    """The one Rotation that several objects, and the config itself, all state."""
    thetas = {"rope_theta": found.theta("rope_theta")} if found.has("rope_theta") else {}
    original, scalings = found.get(ORIGINAL), []
    for part in parts:
        if part.has("rope_theta"):
            name = part.source.rpartition(": ")[2]
            thetas[f"{name}.rope_theta"] = part.theta("rope_theta")
        scalings.append(_scaling(part, original, positions))
    several = ", ".join(f"{name} = {value:g}" for name, value in thetas.items())
    require(
        len(set(thetas.values())) <= 1 and len(set(scalings)) <= 1,
        f"{found.source}: {several if len(set(thetas.values())) > 1 else ' and '.join(OBJECTS)}: "
        "libraries differ on which of them counts; keep one",
    )
    rotation = Rotation(next(iter(thetas.values()), default), next(iter(scalings), None))
    require(
        not isinstance(rotation.scaling, Yarn) or rotation.theta > 1,
        f"{found.source}: rope_theta is {rotation.theta:g}, expected more than 1 with yarn",
    )
    return rotation


def _scaling(part, original, positions):
    """What an object says of the scaling: each of its settings is read or refused."""
    kinds = [part.get(name) for name in NAMES if part.has(name)] or ["default"]
    require(
        kinds[0] == kinds[-1], f"{part.source}: rope_type is {shown(kinds[0])}, type is "
        f"{shown(kinds[-1])}: libraries differ on which of them counts; keep one",
    )  # fmt: skip
    known = isinstance(kinds[0], str) and kinds[0] in READERS
    require(
        known, f"{part.source}: rotations are scaled by '{shown(kinds[0])}', expected "
        f"{', '.join(READERS)}: such positions are not implemented, choose a model without them",
    )  # fmt: skip
    part.neutral({"partial_rotary_factor": (1,)})
    part.get("rope_theta")
    return READERS[kinds[0]](part, original, positions)


def _plain(part, original, positions):
    part.neutral({"factor": (1,), "attention_factor": (1,)})
    part.accounted([ORIGINAL])  # of scaled ones only


def _linear(part, original, positions):
    factor = _factor(part)
    part.neutral({"attention_factor": (1,)})
    part.accounted([ORIGINAL])
    return Linear(factor) if factor != 1 else None


def _llama3(part, original, positions):
    factor, low, high = _factor(part), *map(part.positive, ("low_freq_factor", "high_freq_factor"))
    require(low < high, f"{part.source}: high_freq_factor is {high:g}, expected more than {low:g}")
    part.neutral({"attention_factor": (1,)})
    first = _original(part, original, None)
    part.accounted([])
    return Llama3(factor, low, high, first)


def _yarn(part, original, positions):
    factor = _factor(part)
    fast, slow = part.positive("beta_fast", 32.0), part.positive("beta_slow", 1.0)
    require(slow < fast, f"{part.source}: beta_fast is {fast:g}, expected more than {slow:g}")
    both = [part.positive(x, 0) for x in ("mscale", "mscale_all_dim") if part.has(x)]
    require(len(both) != 1, f"{part.source}: mscale and mscale_all_dim are to stand there together")
    one = [0.1 * weight * math.log(factor) + 1 for weight in (both or [1.0])]
    magnitude = part.positive("attention_factor", one[0] / one[1] if both else one[0])
    first = _original(part, original, positions)
    truncate = part.truth("truncate", True)
    part.accounted([])
    return Yarn(factor, first, fast, slow, magnitude, truncate)


def _factor(part):
    factor = part.positive("factor")
    require(factor >= 1, f"{part.source}: factor is {factor:g}, expected 1 or more")
    return factor


def _original(part, above, default):
    """The tokens of the longest text before the scaling, which may stand in two places."""
    given = part.get(ORIGINAL)
    require(
        above is None or given is None or above == given,
        f"{part.source}: {ORIGINAL} is {shown(given)}, and {shown(above)} outside: libraries "
        "differ on which of them counts; keep one",
    )
    stated = next((x for x in (given, above) if x is not None), default)
    return Settings({ORIGINAL: stated}, part.source).whole(ORIGINAL)


READERS = {"default": _plain, "linear": _linear, "llama3": _llama3, "yarn": _yarn}


def settings(rotation: Rotation) -> dict[str, Any]:
    """What config.json says of a Rotation, as older and newer libraries read it."""
    found = {"rope_theta": rotation.theta}
    scaling = rotation.scaling
    return found if scaling is None else found | {"rope_scaling": WRITERS[type(scaling)](scaling)}


def _write_linear(scaling):
    return {"rope_type": "linear", "factor": scaling.factor}


def _write_llama3(scaling):
    return {
        "rope_type": "llama3", "factor": scaling.factor, "low_freq_factor": scaling.low,
        "high_freq_factor": scaling.high, ORIGINAL: scaling.original,
    }  # fmt: skip


def _write_yarn(scaling):
    found = {
        "rope_type": "yarn", "factor": scaling.factor, ORIGINAL: scaling.original,
        "beta_fast": scaling.fast, "beta_slow": scaling.slow,
        "attention_factor": scaling.magnitude,
    }  # fmt: skip
    return found if scaling.truncate else found | {"truncate": False}


WRITERS: dict[type, Any] = {Linear: _write_linear, Llama3: _write_llama3, Yarn: _write_yarn}
