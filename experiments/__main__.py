"""The experiments with one line and their time each; needs nothing but Python's own library."""

import ast
import difflib
import pathlib
import sys


def experiments():
    """{name: (first line, 'Takes:' line)} of every experiment beside this file."""
    found = {}
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        takes = [line[6:].strip() for line in text.splitlines() if line.startswith("Takes:")]
        if takes:
            found[path.stem] = (text.splitlines()[0], takes[0])
    return found


def main(arguments):
    """Print the list; after --unknown NAME say on standard error what was meant."""
    found = experiments()
    if arguments[:1] == ["--unknown"]:
        name = arguments[1]
        near = difflib.get_close_matches(name, [*found, "test", "list", "report", "publish"], 1)
        guess = f"did you mean {near[0]}?" if near else "there are: " + ", ".join(found)
        print(f"error: no experiment is called '{name}'; {guess}", file=sys.stderr)
        return
    print("./run.sh NAME --flag=value …   (./run.sh NAME --help shows the flags)\n")
    for name, (first, takes) in found.items():
        print(f"  {name:<18}{first}\n  {'':<18}{takes}")
    print(f"  {'test':<18}Run the tests.")
    print(f"  {'list':<18}Show the runs, their state, how to go on with or delete each.")
    print(f"  {'report':<18}Make one page of the runs below a folder, or of the committed records.")
    print(f"  {'publish':<18}Keep a finished run under experiments/records and renew the README.")


if __name__ == "__main__":
    main(sys.argv[1:])
