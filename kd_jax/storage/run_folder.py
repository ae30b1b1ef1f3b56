"""The run folder: settings, manifest, one JSON line per trained model, table and figures.

    runs/<experiment>/<id>/  config.json  manifest.json  records.jsonl  table.md  *.svg

The id is the fingerprint of all that decides the results, and a number: a command goes on in the
folder of an unfinished run, and takes a new number after a finished one.
"""

import functools
import json
import pathlib
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_jax import fingerprint
from kd_jax.errors import InputError, require
from kd_jax.runtime import ending, hosts, parallel
from kd_jax.runtime.events import Events
from kd_jax.runtime.execution import DEFAULT, Execution
from kd_jax.storage import (
    checkpoint,
    commits,
    digits,
    jsonl,
    locks,
    manifest,
    model_store,
    no_verdicts,
    provenance,
)
from kd_jax.storage.whole_file import written

RECORDS = "records.jsonl"
IDENTITY = "row", "seed", "teacher_seed", "teacher", "part"  # what tells records of a run apart


class Task(NamedTuple):
    """What a unit of work is given: its run, the fields that name it, and how to train.

    execution: of its trainings, with snapshots of this unit alone.
    """

    run: "Run"
    known: dict
    execution: Execution


class Run:
    """An experiment's run: a folder that is opened when all that decides the results is known.

    Until then `uses` adds to what names it. Open, it is locked until it or the process ends.
    """

    def __init__(
        self, workdir, experiment, settings, facts=(), *,
        program=None, retrain=False, saved_seeds=1, flags=(), execution=DEFAULT,
        log=(),
    ):  # fmt: skip
        """A run that is not open yet.

        Args:
            workdir: the folder of all runs and teachers.
            experiment: its name.
            settings: JSON-like, those that decide the results.
            facts: JSON-like, all else that does; see `uses`.
            program: what trains and records: its code, and all that it reaches, are facts.
            retrain: whether teachers are trained even if they are stored.
            saved_seeds: of how many seeds of each row the networks are saved for export.
            flags: of the command line, by which the run is resumed.
            execution: how its trainings are carried out.
            log: where curves and records go besides, names of runtime.events.WRITERS.
        """
        self.experiment, self.since = experiment, time.monotonic()
        self.workdir, self.settings, self.facts = workdir, settings, dict(facts)
        self.retrain, self.saved_seeds, self.noted = retrain, saved_seeds, {}
        self.execution, self.log = execution, log
        self._manifest: manifest.Manifest | None = None  # of the first host, once open
        self.shown = ""  # what is printed at the end in place of the table
        caller = "kd-jax" if pathlib.Path(sys.argv[0]).name == "kd-jax" else "./run.sh"
        self.command = shlex.join([caller, experiment, *flags])
        self.about = {"experiment": experiment, "began": manifest.now(), **commits.of_code()}
        if program:
            code = fingerprint.code(program, model_store.outputs)
            self.facts |= {"code": code, **fingerprint.surroundings()}
            self.facts["fast_compile"] = execution.fast_compile

    def uses(self, **facts: Any) -> None:
        """Add what decides the results: digests of data, of code, of a teacher that is given."""
        require(not self.is_open, f"the run {self.experiment} is open: its facts are settled")
        self.facts |= facts

    def notes(self, **facts: Any) -> None:
        """Add what its manifest says too: dicts of one name are joined, what was said stays."""
        self.noted = manifest.joined(self.noted, facts)
        if self._manifest:
            self._manifest.note(facts)

    @property
    def is_open(self) -> bool:
        """Whether the folder was opened."""
        return "folder" in self.__dict__

    @property
    def unjudged(self) -> str:
        """Why there are no verdicts, of whatever seeds; "" where there may be some."""
        return no_verdicts.why(self.settings)

    @functools.cached_property
    def folder(self) -> pathlib.Path:
        """The folder of the unfinished run of these settings and facts, or of a new one.

        Raises:
            InputError: it cannot be written or another process writes it.
        """
        parent, name = _place(self.workdir, self.experiment, self.settings, self.facts)
        try:
            number, self._lock = locks.claim(parent, name) if hosts.first_host() else (0, None)
            folder = parent / f"{name}-{hosts.agreed(number)}"
            if hosts.first_host():
                self._begin(folder, self._lock)
        except OSError as error:
            raise InputError(
                f"--workdir={self.workdir}: cannot write there ({error.strerror}); "
                "choose a folder that you can write to"
            ) from None
        return folder

    def _begin(self, folder, lock):
        """Write what is known; the manifest first, which tells of each process."""
        about = {**self.about, "command": self.command, **provenance.of_results()}
        said = {**about, **self.facts, **about}  # whatever facts are called
        self._manifest = manifest.Manifest(
            folder, self.since, said, self.noted, lambda: lock.is_locked
        )
        jsonl.write_whole(folder / "config.json", json.dumps(self.settings, indent=2) + "\n")
        jsonl.write_whole(folder / "command.txt", self.command + "\n")
        if self.log:
            events = Events(folder, self.log, self.settings)
            self.execution = self.execution._replace(events=events)

    def open(self) -> None:
        """Open `folder` now: before long work, so that it fails at once if it cannot be written."""
        self.folder  # noqa: B018 - opens it

    def path(self, name: str) -> pathlib.Path:
        """The path of a file of this run."""
        return self.folder / name

    def write(self, name: str, text: str) -> None:
        """Write a text file whole: it is never seen half-written. The first host writes."""
        path = self.path(name)
        if hosts.first_host():
            jsonl.write_whole(path, text)

    def save(self, name: str, **arrays: np.ndarray) -> None:
        """Write arrays as an .npz file, for figures. The first host writes."""
        path = self.path(name)
        if hosts.first_host():
            with written(path, binary=True) as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    def append(self, records: Sequence[dict], by: Sequence[str] = ()) -> None:
        """Append one JSON line per trained model: all of them or, if the process dies, none.

        Args:
            records: JSON-like dicts.
            by: fields that tell these records apart, beside `IDENTITY`.

        Raises:
            InputError: a record of the same row, seeds, teacher and part is there already.
        """
        base = {name: x for name, x in self.settings.items() if name == "base_seed"}
        about, path = {"experiment": self.experiment, **base}, self.path(RECORDS)
        found = [digits.single_precision({**about, **r}) for r in records]
        if hosts.first_host():  # the others may come when these records are written
            before, known = jsonl.read(path)
            jsonl.refuse_twice(known, found, dict.fromkeys([*IDENTITY, *by]), path)
            jsonl.write_whole(path, before + jsonl.text(found))
            if self._manifest:
                self._manifest.update()
        if self.execution.events:
            self.execution.events.of_records(found)
        hosts.wait("append")

    def records(self) -> list[dict]:
        """The records written so far."""
        return jsonl.every_record(self.folder)

    def snapshots(self, **known: Any) -> checkpoint.Snapshots:
        """The Snapshots of the training that these fields name."""
        facts = {**self.facts, "of": known}
        return checkpoint.Snapshots(self.path(f"training {fingerprint.of(facts)}"), facts)

    def each(
        self,
        units: Iterable[tuple[dict, Callable[[Task], list[dict]]]],
        *,
        workers: int = 1,
        by: tuple[str, ...] = (),
    ) -> None:
        """Do every unit of work that is not recorded yet, and record it whole.

        Args:
            units: (known, work) pairs: the fields that name the unit and that its records share,
                and what trains and measures its networks. work(task) resumes from the snapshots
                of task.execution and returns its records, to which the known fields are added.
            workers: units at a time, in threads.
            by: as for `append`.
        """
        recorded = self.records()
        short = [(digits.single_precision(known), work) for known, work in units]
        plain = [(json.loads(json.dumps(known)), work) for known, work in short]  # as it is read
        left = [(known, work) for known, work in plain if not jsonl.among(recorded, known)]

        def one(unit):
            known, work = unit
            snapshots = self.snapshots(**known)
            execution = self.execution._replace(snapshots=snapshots)
            return known, snapshots, work(Task(self, known, execution))

        for known, snapshots, records in parallel.results(one, left, workers):
            self.append([{**known, **record} for record in records], by=(*known, *by))
            snapshots.clear()

    def conclude(
        self, table: Callable, draw: Callable = lambda folder: None, show: Callable = str
    ) -> None:
        """Write table and figures, and into the manifest that the run is complete.

        Args:
            table: folder -> Markdown, which is printed too.
            draw: (folder) draws the figures.
            show: what is printed of the Markdown; "" for nothing.
        """
        self.open()
        if not self._manifest:
            return
        whole = jsonl.with_notes(table, self.folder)
        text = no_verdicts.without(whole) if self.unjudged else whole
        self.write("table.md", text)
        draw(self.folder)
        for left in self.folder.glob("training *"):  # snapshots of what is recorded, after a kill
            shutil.rmtree(left, ignore_errors=True)
        self._manifest.finish(records=len(self.records()))
        why = no_verdicts.unsaid(self.settings, whole)
        said = self.shown or show(text)
        said, why = f"\n{said}\n" if said else "", f"{why}\n" if why else ""
        print(f"{said}{why}records, table and figures: {self.folder}")

    def leave(self, error: BaseException) -> None:
        """End this process's part in a run: write why, unless it was interrupted, and unlock it."""
        if self._manifest:
            fault = isinstance(error, Exception)
            line = ending.of(error)[0] or f"{type(error).__name__}: {error}"
            self._manifest.leave(line if fault else None)
            self._lock.release()


def finished(run: Run) -> pathlib.Path | None:
    """The folder of the newest finished run of the same settings and facts, or None."""
    parent, name = _place(run.workdir, run.experiment, run.settings, run.facts)
    found = [folder for folder in parent.glob(f"{name}-*") if manifest.finished(folder)]
    return max(found, key=lambda folder: int(folder.name.split("-")[-1]), default=None)


def _place(workdir, experiment, settings, facts):
    """(the folder of an experiment's runs, what the names of those of such settings begin with)."""
    name = fingerprint.of({"settings": settings, "facts": facts})[:8]
    return pathlib.Path(workdir) / experiment, name
