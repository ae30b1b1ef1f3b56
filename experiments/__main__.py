"""The experiments: `python -m experiments NAME --flag=value`; without a NAME, what there are.

Listing them needs nothing but Python's own library.
"""

import ast
import difflib
import pathlib
import runpy
import sys

TOOLS = {
    "test": "Run the tests.",
    "list": "Show the runs, their state, how to go on with or delete each.",
    "report": "Make one page of the runs below a folder, or of the committed records.",
    "publish": "Keep a finished run as the experiment's records and renew the pages.",
}


def experiments():
    """{name: (first line, 'Takes:' line)} of every experiment beside this file."""
    found = {}
    for path in sorted(pathlib.Path(__file__).parent.glob("*/__init__.py")):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        takes = [line[6:].strip() for line in text.splitlines() if line.startswith("Takes:")]
        if takes:
            found[path.parent.name] = (text.splitlines()[0], takes[0])
    return found


def unknown(name, known):
    """Say on standard error that no experiment has this name, and which was meant."""
    near = difflib.get_close_matches(name, [*known, *TOOLS], 1)
    guess = f"did you mean {near[0]}?" if near else "there are: " + ", ".join(known)
    print(f"error: no experiment is called '{name}'; {guess}", file=sys.stderr)
    return 2


def listing(known):
    """Print every experiment and tool."""
    print("./run.sh NAME --flag=value …   (./run.sh NAME --help shows the flags)\n")
    for name, (first, takes) in known.items():
        print(f"  {name:<18}{first}\n  {'':<18}{takes}")
    for name, first in TOOLS.items():
        print(f"  {name:<18}{first}")
    return 0


def main(arguments):
    """Run the experiment that the first argument names; the exit code of anything else."""
    known = experiments()
    if not arguments or arguments[0] in ("-h", "--help"):
        return listing(known)
    name, *flags = arguments
    if name not in known:
        return unknown(name, known)
    sys.argv = [name, *flags]
    runpy.run_module(f"experiments.{name}.run", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
