"""Provenance of results: versions, device, commit."""

import os
import pathlib
import platform
import subprocess

import jax

from kd_jax import __version__, fingerprint

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def of_results() -> dict:
    """What a manifest says of where its results were computed, and by which code."""
    return {
        "versions": fingerprint.versions(PACKAGES),
        "python": platform.python_version(),
        "device": device(),
        "commit": commit(),
    }


def version() -> str:
    """What --version prints: version, commit, packages, devices."""
    about = of_results()
    packages = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    first = f"kd_jax {__version__} ({about['commit'] or 'no clone'})"
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


def commit() -> str | None:
    """The commit of the code, with + when files differ from it; None outside a clone."""
    here = pathlib.Path(__file__).parent

    def git(*arguments):
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
