"""The manifest: what a run is of, what it ran on and how long, from its beginning to its end.

manifest.json says of the run's first process when it began, at which commit, whether the files
were those of the commit, the command, versions and device; of each process of the run, in
"processes", the same and its seconds; and, once the run is complete, when it "finished" and how
many "records" it has. Nothing here needs jax.
"""

import contextlib
import datetime
import json
import math
import pathlib
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from kd_jax.errors import DAMAGED, DamagedFile, InputError, brief
from kd_jax.storage import jsonl

NAME, FAILED = "manifest.json", "failed.txt"
EVERY = 5.0  # seconds between two updates of a process's seconds
OF_PROCESS = "began", "commit", "clean", "changed", "command", "device"
# of a run whose manifest was lost, or that began before manifests told this
UNKNOWN = {"began": None, "commit": None, "clean": None}
COMPUTED = "clean", "changed", "processes", "finished", "records", "seconds"


def read(folder: pathlib.Path) -> dict[str, Any]:
    """What the manifest of a run folder says; {} without one.

    Raises:
        DamagedFile: it is damaged.
    """
    path = folder / NAME
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no file")  # a pipe would be waited for
        found = json.loads(path.read_text(encoding="utf-8"))
        _check(found)
    except FileNotFoundError:
        return {}
    except DAMAGED as error:
        what = f"is damaged ({brief(error)})"
        raise DamagedFile(path, what, "the same command goes on and writes another") from None
    return found


def _check(found):
    """ValueError where a field that is read here is no such."""
    _expect(isinstance(found, dict), "it is no object")
    processes = found.get("processes", [])
    objects = isinstance(processes, list) and all(isinstance(x, dict) for x in processes)
    _expect(objects, "processes are no list of objects")
    _expect("finished" not in found or _is_time(found["finished"]), "finished is no time with zone")
    for said in (found, *processes):
        clean = said.get("clean")
        _expect(any(clean is x for x in (None, True, False)), f"clean is {clean!r}")
        for name in ("commit", "device", "experiment", "command"):
            _expect(isinstance(said.get(name), str | None), f"{name} is {said.get(name)!r}")
    _expect(all("clean" in process for process in processes), "a process does not tell clean")
    total = [found["seconds"]] if "seconds" in found else []
    _expect(all(isinstance(x, dict) for x in total), f"seconds are {total[:1]}")
    spent = [process.get("seconds") for process in processes] + [x.get("total") for x in total]
    _expect(all(map(_is_spent, spent)), "seconds are no numbers from 0 on")
    _expect(_is_spent(found.get("records", 0)), f"records are {found.get('records')!r}")


def _expect(condition, otherwise):
    """ValueError(otherwise) unless the condition holds."""
    if not condition:
        raise ValueError(otherwise)


def _is_time(value):
    """Whether it is a time with its zone, as a text."""
    try:
        return datetime.datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_spent(value):
    """Whether it is a number from 0 on."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0


def sound(folder: pathlib.Path) -> dict[str, Any]:
    """What the manifest of a run folder says; {} without one that is sound."""
    try:
        return read(folder)
    except InputError:
        return {}


def finished(folder: pathlib.Path) -> bool:
    """Whether a run is complete."""
    return "finished" in sound(folder)


def seconds(said: dict[str, Any]) -> float:
    """What all processes of a run took, by its manifest."""
    return float(said["seconds"]["total"])


def ready_seconds(said: dict[str, Any]) -> float:
    """What had been spent on a run's teachers when it first asked for them, by its manifest.

    0 of older manifests, which do not tell.
    """
    found = said.get("teachers")
    teachers = found.values() if isinstance(found, dict) else ()
    return sum(float(one.get("ready", 0.0)) for one in teachers if isinstance(one, dict))


def now() -> str:
    """This second, in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def joined(first: Any, later: Any) -> Any:
    """Two JSON objects as one, and so the objects in them: what is first said stays."""
    if not (isinstance(first, dict) and isinstance(later, dict)):
        return first
    both = {name: joined(value, later.get(name)) for name, value in first.items()}
    return {**both, **{name: value for name, value in later.items() if name not in first}}


class Manifest:
    """The manifest of a run that this process works on; a thread keeps its seconds current.

    So also a process that is killed has told how long it worked, but for the last few seconds.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        since: float,
        said: dict[str, Any],
        notes: dict[str, Any],
        held: Callable[[], bool],
    ):
        """Begin the manifest of a run, or go on with that of its earlier processes.

        Args:
            folder: of the run.
            since: time.monotonic() when this process began with it.
            said: what is known at the beginning, among it that of `OF_PROCESS`.
            notes: what else it says, see `note`.
            held: () -> whether this process still has the run's lock.

        Raises:
            OSError: it cannot be written.
        """
        self.path, self.since, self.held = folder / NAME, since, held
        process = {name: said[name] for name in OF_PROCESS if name in said}
        before, lost = sound(folder), (folder / "config.json").exists()
        if before.get("processes"):
            self.processes = [*before["processes"], process]
            self.first = {name: before[name] for name in said if name in before}
            kept = {name: x for name, x in before.items() if name not in (*said, *COMPUTED)}
        else:
            self.processes = [*([{**UNKNOWN, "seconds": 0.0}] if lost else []), process]
            self.first, kept = {**said, **(UNKNOWN if lost else {})}, {}
        self.notes = joined(kept, notes)
        self.mutex, self.stopped = threading.Lock(), threading.Event()
        self.update()
        (folder / FAILED).unlink(missing_ok=True)
        of_this = weakref.ref(self), self.stopped  # it ends with the run
        threading.Thread(target=_keep_current, args=of_this, daemon=True).start()

    def note(self, facts: dict[str, Any]) -> None:
        """Add facts and write them: JSON objects of one name are joined, what was first said stays.

        What was known at the beginning is not changed.
        """
        with self.mutex:
            self.notes = joined(self.notes, facts)
        self.update()

    def update(self) -> None:
        """Write what is known by now.

        Raises:
            OSError: it cannot be written.
        """
        with self.mutex:
            if not self.stopped.is_set() and self.held():
                self._write()

    def finish(self, **counted: int) -> None:
        """Write that the run is complete, the last that is written.

        Args:
            counted: {"records": how many the run has}.
        """
        with self.mutex:
            self._write(finished=now(), **counted)
            self.stopped.set()

    def leave(self, why: str | None) -> None:
        """Write the seconds of this process, which ends before the run is complete.

        Args:
            why: for failed.txt, where the next process would end alike; None of an interruption.
        """
        with contextlib.suppress(OSError):
            self.update()
            if why and not self.stopped.is_set():
                jsonl.write_whole(self.path.with_name(FAILED), why + "\n")
        self.stopped.set()

    def _write(self, **ended):
        self.processes[-1]["seconds"] = round(time.monotonic() - self.since, 2)
        notes = {name: value for name, value in self.notes.items() if name not in self.first}
        total = round(sum(process["seconds"] for process in self.processes), 2)
        about = {**self.first, **cleanness(self.processes), **notes}
        about |= {"processes": self.processes, **ended, "seconds": {"total": total}}
        jsonl.write_whole(self.path, json.dumps(about, indent=2) + "\n")


def _keep_current(reference, stopped):
    while not stopped.wait(EVERY):
        manifest = reference()
        if manifest is None:
            return
        with contextlib.suppress(OSError):
            manifest.update()
        del manifest


def cleanness(processes: list[dict[str, Any]]) -> dict[str, Any]:
    """{"clean"} of several processes, with all that had "changed": no, if not of any of them.

    None where it is not known of one.
    """
    found = [process["clean"] for process in processes]
    if False not in found:
        return {"clean": None if None in found else True}
    changed = {path for process in processes for path in process.get("changed", ())}
    return {"clean": False, "changed": sorted(changed)}
