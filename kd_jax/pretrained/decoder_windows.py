"""Which tokens each layer of a decoder sees, as config.json says it: all before, or a window."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kd_jax.errors import require
from kd_jax.pretrained.rotations import FULL, SLIDING
from kd_jax.pretrained.settings import Settings, shown


class Unlimited(NamedTuple):
    """Every layer sees all tokens before; windows that nothing uses may be mentioned.

    settings, here and below, is given the window of every layer, 0 where it sees all.
    """

    def read(self, found: Settings, rotated: Sequence[bool], positions: int) -> tuple[int, ...]:
        """No window of any layer.

        Args:
            found: of config.json.
            rotated: of every layer, whether its queries and keys turn.
            positions: tokens of the longest text.

        Raises:
            InputError: a setting asks for one.
        """
        found.neutral({"use_sliding_window": (False,)})
        width = found.get("sliding_window")
        wide = isinstance(width, int) and not isinstance(width, bool) and 0 < positions <= width
        if found.get("use_sliding_window") is False:
            found.get("max_window_layers")  # of windows that are not used
        else:
            found.neutral({"sliding_window": (width,) if wide else (None,)})
        _types(found, [False] * len(rotated), 0, fixed=True)
        return ()

    def settings(self, windows: tuple[int, ...]) -> dict[str, Any]:
        """What config.json says of it."""
        return {}


class Everywhere(NamedTuple):
    """Every layer has the window `sliding_window`.

    default: its width where nothing is said; 0: there is none.
    """

    default: int

    def read(self, found: Settings, rotated: Sequence[bool], positions: int) -> tuple[int, ...]:
        """The window of every layer; see Unlimited."""
        width = _width(found, self.default)
        _types(found, [width > 0] * len(rotated), width, fixed=True)
        return (width,) * len(rotated) if width else ()

    def settings(self, windows: tuple[int, ...]) -> dict[str, Any]:
        """What config.json says of them."""
        return {"sliding_window": max(windows, default=0) or None}


class Upper(NamedTuple):
    """With `use_sliding_window`: the layers from number `max_window_layers` on have a window."""

    def read(self, found: Settings, rotated: Sequence[bool], positions: int) -> tuple[int, ...]:
        """The window of every layer; see Unlimited."""
        width = _switched(found)
        first = found.whole("max_window_layers", 28, least=0)
        return _types(found, [width > 0 and n >= first for n in range(len(rotated))], width)

    def settings(self, windows: tuple[int, ...]) -> dict[str, Any]:
        """What config.json says of them."""
        return _switch(windows)


class Unturned(NamedTuple):
    """With `use_sliding_window`: the layers whose queries and keys do not turn have a window."""

    def read(self, found: Settings, rotated: Sequence[bool], positions: int) -> tuple[int, ...]:
        """The window of every layer; see Unlimited."""
        width = _switched(found)
        found.get("max_window_layers")  # nothing reads it
        return _types(found, [width > 0 and not turned for turned in rotated], width)

    def settings(self, windows: tuple[int, ...]) -> dict[str, Any]:
        """What config.json says of them."""
        return _switch(windows)


class Alternating(NamedTuple):
    """All layers but every n-th have a window.

    every: n where nothing is said. default: the width, likewise. named: what n is called.
    """

    every: int
    default: int = 4096
    named: tuple[str, ...] = ()

    def read(self, found: Settings, rotated: Sequence[bool], positions: int) -> tuple[int, ...]:
        """The window of every layer; see Unlimited."""
        width = _width(found, self.default)
        require(width, f"{found.source}: sliding_window is None, expected 1 or more")
        found.neutral({"sliding_window_size": (width,)})  # nothing reads it
        stated = [found.whole(name) for name in self.named if found.has(name)]
        every = stated[0] if stated else self.every
        return _types(found, [(n + 1) % every > 0 for n in range(len(rotated))], width)

    def settings(self, windows: tuple[int, ...]) -> dict[str, Any]:
        """What config.json says of them."""
        width = max(windows, default=0) or self.default
        return {"sliding_window": width} | _layer_types(windows)


def _width(found, default):
    """The width of windows; 0: none, which null says."""
    if "sliding_window" not in found.found:
        return default
    return found.whole("sliding_window") if found.has("sliding_window") else 0


def _switched(found):
    """The width of windows that a second setting turns on; 0: none."""
    on = found.truth("use_sliding_window", False)
    width = found.get("sliding_window")
    require(
        not on or width is not None,
        f"{found.source}: use_sliding_window is True, and sliding_window is missing",
    )
    return found.whole("sliding_window") if on else 0


def _types(found, sliding, width, fixed=False):
    """The window of every layer: as `layer_types` says, else where `sliding` is true.

    fixed: the architecture does not read `layer_types`, which may only say what is so anyhow.
    """
    each = found.get("layer_types")
    if each is not None:
        right = isinstance(each, list) and len(each) == len(sliding)
        require(
            right and all(one in ([FULL, SLIDING] if width else [FULL]) for one in each),
            f"{found.source}: layer_types is {shown(each)}, expected {len(sliding)} times {FULL}"
            + f" or {SLIDING}" * (width > 0),
        )
        stated = [one == SLIDING for one in each]
        require(
            not fixed or stated == sliding,
            f"{found.source}: layer_types is {shown(each)}, expected {len(sliding)} times "
            f"{SLIDING if width else FULL}: this architecture has layers of one kind",
        )
        sliding = stated
    return tuple(width if one else 0 for one in sliding) if any(sliding) else ()


def _switch(windows):
    width = max(windows, default=0)
    if not width:
        return {"use_sliding_window": False}
    return {"use_sliding_window": True, "sliding_window": width} | _layer_types(windows)


def _layer_types(windows):
    return {"layer_types": [SLIDING if width else FULL for width in windows]}
