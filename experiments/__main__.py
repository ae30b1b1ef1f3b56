"""The experiments: `python -m experiments NAME --flag=value`; without a NAME, what there are.

The folder's name is the experiment. Listing them and --help need nothing but Python's own library.
"""

import difflib
import importlib
import os
import signal
import sys

from experiments import listing
from kd_jax.streams import one_line, open_streams


def unknown(name):
    """The line that says that no experiment has this name, and which was meant."""
    near = difflib.get_close_matches(name, [*listing.experiments(), *listing.TOOLS], 1)
    guess = f"did you mean {near[0]}?" if near else "there are: " + ", ".join(listing.experiments())
    return f"error: no experiment is called {name[:60]!r}; {guess}"


def program(name):
    """(run, table, draw) of an experiment; one without tables and figures has no report."""
    run = importlib.import_module(f"experiments.{name}.run").run
    if not (listing.HERE / name / "report.py").exists():
        return run, None, None
    report = importlib.import_module(f"experiments.{name}.report")
    return run, report.table, report.draw


def shown(markdown):
    """A table as the terminal has it."""
    from kd_jax.report import terminal_page

    return terminal_page.shown(markdown)


def interrupted(signum, frame):
    """End at once: nothing was begun yet. A run takes signals of its own."""
    print("\ninterrupted before it began", file=sys.stderr)
    os._exit(128 + signum)


def printed(text):
    """Print a text and give the exit code 0; that `| head` closes the pipe is no fault."""
    with one_line():
        print(text)
    return 0


def reproduce(arguments):
    """Run the command of a committed record again and say what of it holds; the exit code.

    arguments: NAME, perhaps --preset=NAME of another record, and flags beyond the command's, such
    as --base_seed=7 and where files lie.
    """
    from kd_jax.report.publishing import reproduced_page, reproducible

    name, *flags = arguments or [""]
    if name not in listing.experiments():
        print(unknown(name), file=sys.stderr)
        return 2
    with one_line():
        record = reproducible.record_of(listing.HERE.parent, name, flags)
        given = reproducible.flags(record)

    def compare(run):
        """Print what the folder of a run says of the record; the exit code."""
        if run is None:
            line = "error: these flags make no table: nothing is compared with the record"
            print(line, file=sys.stderr)
            return 2
        return printed(shown(reproduced_page.page(record, run)))

    return main([name, *given, *flags], done=compare)


def main(arguments, done=lambda run: 0):
    """Run the experiment that the first argument names; the exit code.

    done: folder of the run, or None where it has none -> the exit code of a run that ended well.
    """
    signal.signal(signal.SIGINT, interrupted)
    open_streams()
    if not arguments or arguments[0] in ("-h", "--help"):
        return printed(listing.help_text())
    name, *flags = arguments
    if name in listing.COMMANDS:  # of the library, which need no clone
        return importlib.import_module("kd_jax.command.__main__").main(arguments)
    if name == "reproduce" and not {"-h", "--help"} & set(flags):
        return reproduce(flags)
    if name == "completion" and not flags:
        return printed(listing.completion())
    if name in listing.TOOLS:
        return printed(listing.USAGES.get(name, f"./run.sh {name}: {listing.TOOLS[name]}"))
    if name not in listing.experiments():
        print(unknown(name), file=sys.stderr)
        return 2
    from kd_jax import experiment

    config = importlib.import_module(f"experiments.{name}.config").Config
    if {"-h", "--help"} & set(flags):
        return printed(experiment.usage(config, listing.docstring(name)))
    if "--version" in flags:
        with one_line():
            from kd_jax.runtime import environment

            environment.check()
            from kd_jax.storage import provenance

            print(provenance.version())
        return 0
    run = experiment.launch(name, config, lambda: program(name), [name, *flags], shown)
    return done(run.folder if run.is_open else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
