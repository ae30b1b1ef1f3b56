"""Whether a run may be published: it is whole, and of code that everybody can look up.

A record is what one commit of the history gives with one preset, and nothing else. So a run is
refused that was made with uncommitted changes, outside a clone or at a commit that is not in the
history, or with settings beyond its preset; and one whose files contradict each other.
"""

import contextlib
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from kd_jax.errors import DAMAGED, DamagedFile, InputError, brief, require
from kd_jax.report import commands
from kd_jax.report.publishing import contradictions, experiment_page, whole
from kd_jax.storage import commits, jsonl, manifest

NEEDED = *whole.NEEDED, whole.TABLE, commands.NAME
FREE = "preset", "base_seed"  # settings that a record may have been given
OPTIONS = {"jax_enable_x64", "jax_default_matmul_precision", "jax_default_prng_impl"}  # may not


def checked(source: pathlib.Path, root: pathlib.Path) -> tuple[str, str]:
    """The experiment and the preset of a finished run that may be published.

    Args:
        source: its folder.
        root: the folder of the repository.

    Raises:
        InputError: it may not, or there is no such experiment or preset.
    """
    require(not source.is_relative_to(root / "experiments"), f"{source} is published already")
    for name in NEEDED:
        require((source / name).exists(), f"{source} is not a finished run: it has no {name}")
    with _in_words(source):
        said = manifest.read(source)
        advice = "give its command again, it goes on"
        require("finished" in said, f"{source} is not a finished run: {advice} ({commands.NAME})")
        require(said.get("device"), f"{source} does not tell what device it ran on: run it again")
        whole.check(source)
        experiment, preset = experiment_and_preset(source)
        beyond = beyond_preset(source)
        folder = root / "experiments" / experiment
        known = folder in experiment_page.folders(root)
        require(known, f"{source} is of '{experiment}', which is no experiment here")
        named = re.fullmatch(r"\w+", preset)
        require(named, f"{source} is of the preset '{preset}': expected a name")
        _of_the_history(source, said, root)
        differs = contradictions.found(source, folder)
    require(not differs, f"{source} contradicts itself: {differs}; run it again")
    require(
        not beyond,
        f"{source} is of --preset={preset} with {' '.join(beyond)}: a record is of a preset alone; "
        f"run it without, or make that a preset of its own in experiments/{experiment}/config.py",
    )
    return experiment, preset


@contextlib.contextmanager
def _in_words(source):
    """In this block a run is read: what is damaged is said with what to do."""
    try:
        yield
    except DamagedFile as error:
        raise DamagedFile(error.path, error.what, jsonl.AGAIN) from None
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(f"{source} is damaged ({brief(error)}): run it again") from None


def experiment_and_preset(folder: pathlib.Path) -> tuple[str, str]:
    """The experiment and the preset of a run folder."""
    preset = commands.settings(folder).get("preset")
    if not isinstance(preset, str):
        raise DamagedFile(folder / commands.SETTINGS, "has no preset", jsonl.AGAIN)
    return manifest.read(folder)["experiment"], preset


def beyond_preset(folder: pathlib.Path) -> list[str]:
    """The flags of a run's command that a record may not have been given."""
    given = commands.settings_of(commands.read(folder), commands.settings(folder))
    return [flag for name, flag in given if name not in FREE]


def _of_the_history(source: pathlib.Path, said: dict[str, Any], root: pathlib.Path) -> None:
    """InputError unless every process of a run was of a commit before HEAD, which is clean."""
    now = commits.of(root)
    require(now["commit"], f"{root} is no clone that git can read: publish in one")
    processes = said.get("processes", [])
    require(processes, f"{source}/{manifest.NAME} does not tell what code ran: run it again")
    options = said.get("numerics", {})
    require(
        isinstance(options, dict), f"{source}/{manifest.NAME} is damaged (numerics): run it again"
    )
    other = sorted(OPTIONS & set(options))
    require(not other, f"{source} was run with {', '.join(other)}: run it without, as others will")
    for process in processes:
        commit = process["commit"]
        require(
            commit and re.fullmatch(r"[0-9a-f]{40,64}", str(commit)),
            f"{source} names no commit of its code, which was no clone, or the beginning of its "
            "manifest was lost: run it again in a clone",
        )
        require(
            commits.in_history(root, commit),
            f"{source} is of commit {commit[:10]}, which is not in the history of HEAD: check out "
            "the branch that has it, or run it again"
            + (
                ", or git fetch --unshallow: this clone is shallow" if commits.shallow(root) else ""
            ),
        )
    require(
        said["clean"] is True and manifest.cleanness(processes)["clean"] is True,
        f"{source} was run with uncommitted changes{_named(said)}: commit them and run it again",
    )
    require(now["clean"], f"{root} has uncommitted changes{_named(now)}: commit or stash them")


def _named(state: dict[str, Any], shown: int = 3) -> str:
    """' (a.py, b.py, …)': the first files that are not as they were committed."""
    files: Sequence[str] = state.get("changed", ())
    return f" ({', '.join([*files[:shown], *(['…'] if files[shown:] else [])])})" if files else ""
