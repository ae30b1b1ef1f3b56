"""What a manifest says, in words."""

from typing import Any

from kd_jax.storage import manifest


def commit(said: dict[str, Any], digits: int | None = None) -> str:
    """The commit that a run began at, or so many digits of it, and whether it ran with changes."""
    changes = " with uncommitted changes" if said.get("clean") is False else ""
    return (said["commit"] or "unknown")[:digits] + changes


def whole(said: dict[str, Any]) -> float:
    """The seconds of a run and those spent before it on teachers that it found."""
    return manifest.seconds(said) + manifest.ready_seconds(said)


def duration(said: dict[str, Any]) -> str:
    """'5.4 minutes (and 29.6 for teachers that stood ready)'."""
    run, ready = manifest.seconds(said) / 60, manifest.ready_seconds(said) / 60
    more = f" (and {ready:.1f} for teachers that stood ready)" if ready >= 0.05 else ""
    return f"{run:.1f} minutes{more}"
