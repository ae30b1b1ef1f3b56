"""The experiments: `python -m experiments NAME --flag=value`; without a NAME, what there are.

The folder's name is the experiment. Listing them and --help need nothing but Python's own library.
"""

import ast
import difflib
import importlib
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).parent
TOOLS = {
    "test": "Run the tests.",
    "check": "Lint, format and types of the code.",
    "list": "Show the runs, their state, how to go on with or delete each.",
    "install": "Install extras of pyproject.toml, like text, without running anything.",
    "report": "Make one page of the runs below a folder, or of the committed records.",
    "publish": "Keep a finished run as the experiment's records and renew the pages.",
}


def docstring(name):
    """What an experiment says of itself."""
    return ast.get_docstring(ast.parse((HERE / name / "__init__.py").read_text("utf-8"))) or ""


def experiments():
    """The names of all experiments."""
    return sorted(path.parent.name for path in HERE.glob("*/run.py"))


def listing():
    """Every experiment and tool with a line, the experiments with the time they take."""
    lines = ["./run.sh NAME --flag=value …   (./run.sh NAME --help shows the flags)", ""]
    for name in experiments():
        first, *rest = docstring(name).splitlines()
        takes = next(line[6:].strip() for line in rest if line.startswith("Takes:"))
        lines += [f"  {name:<18}{first}", f"  {'':<18}{takes}"]
    return "\n".join([*lines, *(f"  {name:<18}{first}" for name, first in TOOLS.items())])


def unknown(name):
    """The line that says that no experiment has this name, and which was meant."""
    near = difflib.get_close_matches(name, [*experiments(), *TOOLS], 1)
    guess = f"did you mean {near[0]}?" if near else "there are: " + ", ".join(experiments())
    return f"error: no experiment is called '{name}'; {guess}"


def program(name):
    """(run, table, draw) of an experiment; one without tables and figures has no report."""
    run = importlib.import_module(f"experiments.{name}.run").run
    if not (HERE / name / "report.py").exists():
        return run, None, None
    report = importlib.import_module(f"experiments.{name}.report")
    return run, report.table, report.draw


def main(arguments):
    """Run the experiment that the first argument names; the exit code of anything else."""
    if hasattr(signal, "SIGPIPE") and {"-h", "--help"} & set(arguments):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `--help | head` is no fault
    if not arguments or arguments[0] in ("-h", "--help"):
        print(listing())
        return 0
    name, *flags = arguments
    if name not in experiments():
        print(unknown(name), file=sys.stderr)
        return 2
    from kd_jax import experiment

    config = importlib.import_module(f"experiments.{name}.config").Config
    if {"-h", "--help"} & set(flags):
        print(experiment.usage(config, docstring(name)))
        return 0
    if "--version" in flags:
        from kd_jax.storage import provenance

        print(provenance.version())
        return 0
    experiment.launch(name, config, lambda: program(name), [name, *flags])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
