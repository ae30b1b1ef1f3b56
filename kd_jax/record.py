"""The run folder: settings, manifest, one JSON line per trained model, table and figures.

    runs/<experiment>/<id>/  config.json  manifest.json  records.jsonl  table.md  *.png

The id is the fingerprint of everything that decides the results, and a number. A command whose
last such run is unfinished goes on in its folder; after a finished one a new number is taken.
"""

import datetime
import fcntl
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import time

import jax

from kd_jax import fingerprint, hosts
from kd_jax.errors import InputError

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


class Run:
    """One run's folder, open for writing and locked until the process ends."""

    def __init__(self, workdir, experiment, settings, facts=()):
        """Open the unfinished run of these settings and facts, or begin a new one.

        Raises: InputError when the folder cannot be written.
        """
        self.experiment, self.began = experiment, time.monotonic()
        self.settings, self.facts = settings, dict(facts)
        parent, name = _place(workdir, experiment, settings, self.facts)
        try:
            number, self._lock = _claim(parent, name) if hosts.first_host() else (0, None)
            self.folder = parent / f"{name}-{hosts.agreed(number)}"
            self.write("config.json", json.dumps(settings, indent=2) + "\n")
        except OSError as error:
            raise InputError(
                f"--workdir={workdir}: cannot write there ({error.strerror}); "
                "choose a folder that you can write to"
            ) from None

    def path(self, name):
        """The path of a file of this run."""
        return self.folder / name

    def write(self, name, text):
        """Write a text file whole: it is never seen half-written. The first host writes."""
        if not hosts.first_host():
            return
        partial = self.path(name + ".partial")
        with open(partial, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path(name))

    def append(self, records):
        """Append one JSON line per trained model: all of them or, if the process dies, none."""
        path = self.path("records.jsonl")
        lines = [json.dumps({"experiment": self.experiment, **r}) + "\n" for r in records]
        self.write(path.name, (path.read_text() if path.exists() else "") + "".join(lines))
        hosts.wait("append")

    def has(self, **wanted):
        """Whether there is a record with all the wanted values."""
        return any(wanted.items() <= r.items() for r in self.records())

    def records(self):
        """The records written so far."""
        return read(self.folder)

    def conclude(self, table, draw=lambda folder: None):
        """Write table and figures, then the manifest; from now on the run is complete.

        Args: table: folder -> Markdown, which is printed too; draw: (folder) draws the figures.
        """
        if not hosts.first_host():
            return
        text = table(self.folder)
        self.write("table.md", text)
        draw(self.folder)
        self._finish()
        print(f"\n{text}\nrecords, table and figures: {self.folder}")

    def _finish(self):
        manifest = {
            "experiment": self.experiment,
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": {"total": round(time.monotonic() - self.began, 2)},
            "versions": {p: importlib.metadata.version(p) for p in PACKAGES},
            "python": platform.python_version(),
            "device": device(),
            "commit": _commit(),
            **self.facts,
        }
        self.write("manifest.json", json.dumps(manifest, indent=2) + "\n")


def finished(workdir, experiment, settings, facts=()):
    """The folder of the newest finished run of these settings and facts, or None."""
    parent, name = _place(workdir, experiment, settings, dict(facts))
    found = [path.parent for path in parent.glob(f"{name}-*/manifest.json")]
    return max(found, key=lambda folder: int(folder.name.split("-")[-1]), default=None)


def _place(workdir, experiment, settings, facts):
    """(the folder of an experiment's runs, what the names of those of such settings begin with)."""
    name = fingerprint.of({"settings": settings, "facts": facts})[:8]
    return pathlib.Path(workdir) / experiment, name


def of_metrics(row, metrics, **more):
    """One record per seed of a row. Args: metrics {name: [S, …]}; more: what all seeds share."""
    seeds = len(next(iter(metrics.values())))
    return [
        {"row": row, **more, "seed": s, **{name: v[s].tolist() for name, v in metrics.items()}}
        for s in range(seeds)
    ]


def read(folder):
    """The records of a run folder, oldest first; [] when there are none yet.

    Raises: InputError naming file and line when a line is not a JSON object.
    """
    path = pathlib.Path(folder) / "records.jsonl"
    if not path.exists():
        return []
    records = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("not an object")
        except ValueError as error:
            raise InputError(
                f"{path} line {number} is damaged ({error}): delete that run folder"
            ) from None
        records.append(record)
    return records


def device():
    """What computed this, in words: kind, number, and the processor's name for a CPU."""
    devices = jax.devices()
    name = devices[0].device_kind
    if devices[0].platform == "cpu":
        name = f"{_processor()}, {os.cpu_count()} cores"
        return name  # its devices are its cores
    return f"{len(devices)} × {name}" if len(devices) > 1 else name


def _processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "cpu"


def _commit():
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


def _claim(parent, name):
    """The first number of name-1, name-2, … that is neither finished nor in use, and its lock.

    The lock is the kernel's, so a process that died cannot hold it.
    """
    number = 0
    while True:
        number += 1
        folder = parent / f"{name}-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        if not (folder / "manifest.json").exists():
            return number, lock
        lock.close()
