"""What there is to run: `./run.sh --help`, in groups and 80 columns, help of tools, completion."""

import ast
import pathlib
import re
import textwrap

HERE = pathlib.Path(__file__).parent
WIDTH = 80
# An experiment that stands in no group is listed in a last one, so that a new folder needs no line.
GROUPS = {
    "Start here": ["quickstart", "people"],
    "Your own data": ["distill", "distill_encoder", "distill_lm", "export"],
    "Papers": [
        "mnist_2015", "equations_2015", "speech_ensemble", "specialists", "mnist_tutorial",
        "temperature_grid", "hyperparameters", "teacher_choice",
    ],
    "Methods": ["compare_methods", "black_box", "cross_modal", "federated"],
    "Text": ["encoder", "language_model", "across_tokenizers", "reasoning"],
    "Runs and records": ["list", "clean", "report", "reproduce", "publish"],
    "The code": ["install", "test", "check", "docs", "bench", "completion"],
}  # fmt: skip
TOOLS = {
    "distill": "Distill your teacher into your student on your data.",
    "distill_encoder": "Distill a sentence encoder into a smaller one on your texts.",
    "distill_lm": "Distill a decoder into a smaller one on your texts.",
    "list": "Show the runs: state, settings, size, finding.",
    "clean": "Show what runs keep for later ones; remove it if wished.",
    "report": "Make one page of the runs of a folder, or of the records.",
    "reproduce": "Run a record's command again: do its intervals hold?",
    "publish": "Keep a finished run as a record and renew the pages.",
    "install": "Install extras, like text, without running anything.",
    "test": "Run the tests.",
    "check": "Lint, format and types of the code.",
    "docs": "Make the site of docs/, in build/site.",
    "completion": 'Complete names by tab: eval "$(./run.sh completion)"',
}
# what --help prints of the tools that have more to say than a line
REPRODUCE = """\
./run.sh reproduce NAME [--preset=NAME] [--base_seed=NUMBER] [--flag=value …]

Runs the command of a committed record again, and says row by row whether what
is found lies inside the intervals that the record printed.

  NAME                 an experiment with a record, in experiments/NAME/records/
  --preset=NAME        take the record of this preset, records_NAME/
  --base_seed=NUMBER   draw everything anew, to see whether the intervals hold;
                       without it rows should be identical, or nearly so on
                       another processor
  --workdir=FOLDER     where the run and its teachers are kept (runs)
  --flag=value         any other flag of ./run.sh NAME --help. One that decides
                       results, as --teachers=2, makes another experiment

It prints the table of the run, and then for each table of the record its rows:
identical, inside, OUTSIDE (a mean lies beyond the printed interval), or no
interval (the run has no number there, as of too few students), each with the
intervals of the record and of this run. Below stands how many rows and
intervals hold, how many would where nothing changed but seeds, and which rows
are further apart than both intervals allow.

The run is kept as any other: ./run.sh publish RUN_FOLDER --repeats adds what
held at another base seed to the experiment's page.

Exit code: 0 whatever holds, 2 where there is no record, where a file of it is
damaged, or where flags like --replay make no table to compare."""

REPORT = """\
./run.sh report [WORKDIR]

Makes one page, which needs no network and no file beside it, of all runs below
a folder: for each its finding, command, settings, tables and figures; runs of
one experiment side by side by the settings in which they differ; published
numbers beside ours; and which runs are unfinished or failed, and why.

  WORKDIR   the --workdir of the runs; the page is WORKDIR/report.html.
            Without it the page is of the committed records of this clone, and
            is runs/records/report.html in the folder where you are

It has no flags. It prints the path of the page, which a browser opens.

Exit code: 0, or 2 where no run is finished or the page cannot be written."""

PUBLISH = """\
./run.sh publish RUN_FOLDER [--why="REASON"]
./run.sh publish RUN_FOLDER --repeats
./run.sh publish --readmes
./run.sh publish --figures

Keeps a finished run as the record of its experiment and preset, with tables and
figures of its records, and renews the pages. A run of --base_seed=0 is kept as
the exploration, on which settings are chosen.

  RUN_FOLDER        runs/EXPERIMENT/ID, of committed code and a preset alone
  --why="REASON"    where a record with other tables stands there already: why
                    the new one takes its place, in a line; the other's tables
                    are kept with it
  --repeats         leave the record, and keep what of its intervals held in
                    this run of another base seed
  --readmes         renew the pages and the records' tables, without a run
  --figures         draw the figures of all records again before that

It prints what it has written.

Exit code: 0, or 2 where a run is refused, a committed record is damaged, or
another publish is at work; all stays as it was then."""

USAGES = {"reproduce": REPRODUCE, "report": REPORT, "publish": PUBLISH}
COMMANDS = "distill", "distill_encoder", "distill_lm"
# Of bash; zsh understands it after `autoload bashcompinit && bashcompinit`.
COMPLETION = """\
_kd_jax() {
  local word="${COMP_WORDS[COMP_CWORD]}" run="${COMP_WORDS[0]}" name="${COMP_WORDS[1]}"
  if [ "${word#-}" != "$word" ]; then
    [ "${name#-}" = "$name" ] || name=quickstart
    COMPREPLY=($(compgen -W "$("$run" "$name" --help 2>/dev/null |
      sed -n 's/^  \\(--[a-z_]*=*\\).*/\\1/p')" -- "$word"))
    [ "${COMPREPLY[0]%=}" = "${COMPREPLY[0]}" ] || compopt -o nospace
  elif [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "NAMES" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _kd_jax ./run.sh
"""


def docstring(name):
    """What an experiment says of itself."""
    path = HERE / name / "__init__.py"
    return (ast.get_docstring(ast.parse(path.read_bytes())) or "") if path.is_file() else ""


def experiments():
    """The names of all experiments."""
    found = sorted(path.parent.name for path in HERE.glob("*/config.py"))
    return [name for name in found if re.fullmatch(r"[a-z][a-z0-9_]*", name)]


def help_text():
    """Every experiment and tool with a line, the experiments with the time they take."""
    lines = ["./run.sh NAME --flag=value …   (./run.sh NAME --help shows the flags)"]
    rest = [name for name in experiments() if not any(name in x for x in GROUPS.values())]
    for title, names in {**GROUPS, "More": rest}.items():
        if names:
            lines += ["", title, *map(_entry, names)]
    return "\n".join(lines)


def completion():
    """The shell code that completes `./run.sh`."""
    return COMPLETION.replace("NAMES", " ".join([*experiments(), *TOOLS]))


def _entry(name):
    """A name with its first line, and the minutes that it takes."""
    text = TOOLS.get(name) or _about(name)
    return textwrap.fill(f"{name:<17} {text}", WIDTH, initial_indent="  ",
                         subsequent_indent=" " * 20)  # fmt: skip


def _about(name):
    first, *rest = docstring(name).splitlines() or [""]
    takes = next((line[6:].strip() for line in rest if line.startswith("Takes:")), "")
    time = re.match(r"[\d to]+(second|minute|hour)s?", takes)
    return f"{first} ({time[0]})" if time else first
