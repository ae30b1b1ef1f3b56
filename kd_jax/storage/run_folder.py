"""The run folder: settings, manifest, one JSON line per trained model, table and figures.

    runs/<experiment>/<id>/  config.json  manifest.json  records.jsonl  table.md  *.png

The id is the fingerprint of everything that decides the results, and a number. A command whose
last such run is unfinished goes on in its folder; after a finished one a new number is taken.
"""

import contextlib
import datetime
import itertools
import json
import pathlib
import shlex
import shutil
import sys
import time

import filelock

from kd_jax import fingerprint
from kd_jax.errors import InputError
from kd_jax.runtime import hosts, tensorboard
from kd_jax.storage import jsonl, provenance

_open = []  # the runs of this process


class Run:
    """One run's folder, open for writing and locked until the process ends."""

    def __init__(self, workdir, experiment, settings, facts=()):
        """Open the unfinished run of these settings and facts, or begin a new one.

        Raises: InputError when the folder cannot be written or another process writes it.
        """
        self.experiment, self.began = experiment, time.monotonic()
        self.settings, self.facts = settings, dict(facts)
        parent, name = _place(workdir, experiment, settings, self.facts)
        try:
            number, self._lock = _claim(parent, name) if hosts.first_host() else (0, None)
            self.folder = parent / f"{name}-{hosts.agreed(number)}"
            self.write("config.json", json.dumps(settings, indent=2) + "\n")
            self.write("command.txt", shlex.join(["./run.sh", experiment, *sys.argv[1:]]) + "\n")
            self.path("failed.txt").unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"--workdir={workdir}: cannot write there ({error.strerror}); "
                "choose a folder that you can write to"
            ) from None
        if hosts.first_host():
            tensorboard.begin(self.folder)
        _open.append(self)

    def path(self, name):
        """The path of a file of this run."""
        return self.folder / name

    def write(self, name, text):
        """Write a text file whole: it is never seen half-written. The first host writes."""
        if hosts.first_host():
            jsonl.write_whole(self.path(name), text)

    def append(self, records):
        """Append one JSON line per trained model: all of them or, if the process dies, none."""
        name = "records.jsonl"
        kept, _ = jsonl.read(self.path(name))
        found = [{"experiment": self.experiment, **r} for r in records]
        self.write(name, kept + jsonl.text(found))
        tensorboard.of_records(found)
        hosts.wait("append")

    def has(self, **wanted):
        """Whether there is a record with all the wanted values."""
        return any(wanted.items() <= r.items() for r in self.records())

    def records(self):
        """The records written so far."""
        return jsonl.every_record(self.folder)

    def conclude(self, table, draw=lambda folder: None):
        """Write table and figures, then the manifest; from now on the run is complete.

        Args: table: folder -> Markdown, which is printed too; draw: (folder) draws the figures.
        """
        if not hosts.first_host():
            return
        text = _with_notes(table, self.folder)
        self.write("table.md", text)
        draw(self.folder)
        for left in self.folder.glob("training*"):  # snapshots of what is recorded, after a kill
            shutil.rmtree(left)
        self._finish()
        print(f"\n{text}\nrecords, table and figures: {self.folder}")

    def _finish(self):
        manifest = {
            "experiment": self.experiment,
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": {"total": round(time.monotonic() - self.began, 2)},
            **provenance.of_results(),
            **self.facts,
        }
        self.write("manifest.json", json.dumps(manifest, indent=2) + "\n")


def _with_notes(table, folder):
    """What table(folder) says, and which networks it has to leave out."""
    lost = jsonl.diverged(folder)
    notes = [
        f"- {r['row']}, seed {r['seed']}"
        + ("" if r["diverged"] is None else f", at step {r['diverged']:,}")
        for r in lost
    ]
    try:
        text = table(folder)
    except (LookupError, ValueError) as error:
        if not lost:
            raise
        raise InputError(
            f"{len(lost)} networks diverged, too many for a table ({notes[0][2:]}, …): "
            "give settings that train, like a smaller learning rate"
        ) from error
    if not lost:
        return text
    return "\n".join([text, "Diverged, and left out above:", "", *notes, ""])


def failed(line):
    """Say in the unfinished runs of this process why it ends."""
    for run in _open:
        if not run.path("manifest.json").exists():
            with contextlib.suppress(OSError):
                run.write("failed.txt", line + "\n")


def finished(workdir, experiment, settings, facts=()):
    """The folder of the newest finished run of these settings and facts, or None."""
    parent, name = _place(workdir, experiment, settings, dict(facts))
    found = [path.parent for path in parent.glob(f"{name}-*/manifest.json")]
    return max(found, key=lambda folder: int(folder.name.split("-")[-1]), default=None)


def _place(workdir, experiment, settings, facts):
    """(the folder of an experiment's runs, what the names of those of such settings begin with)."""
    name = fingerprint.of({"settings": settings, "facts": facts})[:8]
    return pathlib.Path(workdir) / experiment, name


def _claim(parent, name):
    """The first number of name-1, name-2, … that is not finished, and its lock.

    The lock is the kernel's, so a process that died cannot hold it.
    """
    for number in itertools.count(1):
        folder = parent / f"{name}-{number}"
        if (folder / "manifest.json").exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise InputError(
                f"{folder} is being written by another process: wait for it to end, or give "
                "another --workdir"
            ) from None
        if not (folder / "manifest.json").exists():  # finished while we were asking
            return number, lock
        lock.release()
