"""The folder of --out: model card, table, records, figure and the student in its formats."""

import importlib.util
import pathlib
import re
import shlex
from collections.abc import Sequence
from typing import Any

from kd_jax import fingerprint
from kd_jax.command import card, out_folder, source_files
from kd_jax.command.problem import Problem
from kd_jax.data import preprocessing
from kd_jax.distill.driver.result import Result
from kd_jax.distill.methods import Method
from kd_jax.errors import InputError, require, require_extra
from kd_jax.export import folders, quantize, student_files
from kd_jax.export.network import Network
from kd_jax.report import compared_run, comparison_figure
from kd_jax.report.comparison import Comparison, lost, score
from kd_jax.storage import jsonl, run_folder

FACTORY = re.compile(r":[A-Za-z_]\w*$")  # the end of a place of a function


def check(config: Any) -> None:
    """InputError unless --out can be written in the end: nothing else is lost by it.

    Args:
        config: The flags.
    """
    if not config.out:
        return
    read = [(name, getattr(config, name)) for name in ("data", "validation_data", "test_data")]
    teachers = [name.rpartition(".py:")[0] or name for name in config.teacher]
    others = [("workdir", config.workdir), ("plugin", config.plugin)]
    out_folder.check(config.out, read, [*others, *(("teacher", name) for name in teachers)])
    if "safetensors" in config.formats:
        require_extra("export", "safetensors")
    if "onnx" in config.formats:
        advice = "pip install --no-deps jax2onnx, or leave ONNX out with --formats=stablehlo"
        require(importlib.util.find_spec("jax2onnx"), f"jax2onnx is not installed: {advice}")


def check_row(config: Any, wanted: Sequence[Method]) -> None:
    """InputError unless --keep names a row of the table.

    Args:
        config: The flags.
        wanted: A method for each row.
    """
    rows = [method.row for method in wanted]
    known = not config.keep or config.keep in rows
    require(known, f"--keep={config.keep}: {preprocessing.near(config.keep, rows, 'rows')}")


def formats(config: Any) -> tuple[str, ...]:
    """The formats of the student in --out: those of --formats, by default what can be had.

    Args:
        config: The flags.
    """
    usual = ("onnx", "stablehlo") if importlib.util.find_spec("jax2onnx") else ("stablehlo",)
    return config.formats or usual


def check_formats(config: Any, network: Network) -> list[str]:
    """What is to be said, before anything is trained, of formats that cannot be written.

    Args:
        config: The flags.
        network: A student that is not trained.

    Returns:
        A line for each that was not asked for.

    Raises:
        InputError: One of --formats cannot be, or the network cannot be exported at all.
    """
    if not config.out:
        return []
    faults = student_files.faults(network, formats(config))
    rest = [name for name in config.formats if name not in faults] or ["stablehlo"]
    for name, why in faults.items() if config.formats else ():
        others = f"take others, as --formats={','.join(rest)}"
        raise InputError(f"--formats: {name} of --student={config.student}: {why}: {others}")
    return [f"{name} will not be in --out: {why}" for name, why in faults.items()]


def sources(config: Any) -> dict[str, str]:
    """{flag: digest} of the user's Python files that decide the results, besides teachers asked.

    Args:
        config: The flags.
    """
    named = {"plugin_code": f"{config.plugin}:METHODS" if config.plugin else ""}
    networks = [config.student, *(name for name in config.teacher if name.startswith("train:"))]
    for number, name in enumerate(networks):
        if FACTORY.search(name):
            named[f"network_code_{number}"] = name.removeprefix("train:")
    return {name: source_files.digest(where) for name, where in named.items() if where}


def plain(name: str) -> str:
    """A name as one of a file, which no other name has."""
    words = re.sub(r"\W+", "_", name).strip("_")
    return f"{words[:60]}-{fingerprint.of(name)[:8]}"


def table(path: pathlib.Path) -> str:
    """The Markdown of a run folder.

    Args:
        path: Of the run.
    """
    return compared_run.read(path).markdown()


def draw(path: pathlib.Path) -> None:
    """The figure of a run folder.

    Args:
        path: Of the run.
    """
    comparison_figure.save(compared_run.read(path), path / "comparison.svg")


def write(
    config: Any, run: run_folder.Run, result: Result, problem: Problem, teachers: dict[str, str]
) -> None:
    """Write --out, whole or not at all.

    Args:
        config: The flags.
        run: That it is of.
        result: What was found.
        problem: What it was found on.
        teachers: {name: digest}.
    """
    check(config)
    run.notes(chosen=result.comparison.best)  # and the seconds until now
    row = config.keep or result.comparison.best
    best = result.best_of(row)
    with folders.written_whole(pathlib.Path(config.out).expanduser()) as path:
        (path / "table.md").write_text(result.comparison.markdown(), encoding="utf-8")
        (path / "records.jsonl").write_text(jsonl.text(result.records), encoding="utf-8")
        comparison_figure.save(result.comparison, path / "comparison.png")
        files = best.export(path / "student", *formats(config))
        shares = rounding(best, problem) if "int8" in config.formats else None
        about = card.About(config, run, result, row, problem, teachers, files, shares)
        (path / "README.md").write_text(card.text(about), encoding="utf-8")
    print(f"model card, table and student ({row}): {config.out}")
    second = runner_up(result.comparison)
    if row == result.comparison.baseline and second:
        print(
            f"it learned by {row}, which did best on validation: --keep={shlex.quote(second)} "
            "keeps the best student of another row"
        )


def runner_up(comparison: Comparison) -> str:
    """The row that did best on validation but for the baseline, or "".

    Args:
        comparison: Of all rows.
    """
    others = {r: of for r, of in comparison.methods().items() if r != comparison.baseline}
    found = max(others, key=lambda row: score(others[row]), default="")
    return found if found and not all(map(lost, others[found])) else ""


def rounding(best: Network, problem: Problem) -> tuple[float, float] | None:
    """The shares of test rows that a student is right on, exact and with int8 kernels.

    Args:
        best: The student.
        problem: Whose test rows count.

    Returns:
        The shares, or None without labels.
    """
    test = problem.test
    if test.labels is None:
        return None
    rounded = quantize.dequantized(quantize.quantized(best.variables))
    both = best, best._replace(variables=rounded)
    exact, int8 = (float((x.predict(test.inputs) == test.labels).mean()) for x in both)
    return exact, int8
