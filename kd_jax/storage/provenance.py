"""Provenance of results: versions and device."""

import os
import pathlib
import platform

import jax

from kd_jax import __version__, fingerprint
from kd_jax.storage import commits

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def of_results() -> dict:
    """What a manifest says of where its results are computed, and with which packages."""
    return {
        "versions": fingerprint.versions(PACKAGES),
        "python": platform.python_version(),
        "device": device(),
    }


def version() -> str:
    """What --version prints: version, commit, packages, devices."""
    about = of_results()
    packages = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    code = commits.of_code()
    changed = ", with uncommitted changes" if code["clean"] is False else ""
    first = f"kd_jax {__version__} ({code['commit'] or 'no clone'}{changed})"
    return f"{first}\n{packages}, Python {about['python']}\n{about['device']}"


def device() -> str:
    """What computed this, in words: kind, number, and the processor's name for a CPU."""
    devices = jax.devices()
    name = devices[0].device_kind
    if devices[0].platform == "cpu":
        return f"{_processor()}, {os.cpu_count()} cores"  # which are its devices
    return f"{len(devices)} × {name}" if len(devices) > 1 else name


def _processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "cpu"
