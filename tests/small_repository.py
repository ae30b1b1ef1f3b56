"""A repository of small experiments with records, for the pages that are made of them."""

import json
import subprocess

from kd_jax.storage import jsonl

DOCSTRING = '''"""Black-box distillation: what a teacher answers.

Command:  ./run.sh small [--width=10]
          and more
Takes:    {takes}
Found:    Three of four rows
          beat the labels. The fourth is inconclusive

Posteriors cut short (arXiv
1812.02766) are targets.
"""
'''
TABLE = """Errors, mean over 5 seeds.

All digits

| row                        | test errors | difference | verdict | NLL |
|----------------------------|-------------|------------|---------|-----|
| teacher                    | 1           | –          | –       | 0.1 |
| labels only                | 3           | –          | –       | 0.2 |
| soft targets, T=1          | 2           | −1         | BEATS   | 0.3 |
| soft targets, T=2 (chosen) | 1           | −2         | BEATS   | 0.4 |
| permuted teacher, T=2      | 4           | +1         | WORSE   | 0.5 |

Special classes

- 1, 2
"""
MANIFEST = {
    "experiment": "small",
    "finished": "2026-11-22T01:52:47+00:00",
    "seconds": {"total": 90.0},
    "versions": {"jax": "0.10.2"},
    "device": "a CPU",
    "commit": "0123456789abcdef",
}


def record(folder, **changes):
    """A folder with table and manifest, as it was published."""
    folder.mkdir(parents=True)
    (folder / "table.md").write_text(TABLE)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | changes))


def tree(root, name="small", takes="1 minute on 2 CPU cores"):
    """The folder of an experiment, with a docstring."""
    folder = root / "experiments" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(DOCSTRING.format(takes=takes))
    return folder


def with_headings(text):
    """What a page makes of `TABLE`."""
    for title in ("All digits", "Special classes"):
        text = text.replace(f"\n{title}\n", f"\n### {title}\n")
    return text


def git(root, *arguments):
    """What git says in a repository, whatever the user's settings are."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, "-C", root, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def committed(root):
    """The commit of all files of a folder, which becomes a repository if it is none."""
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "--allow-empty", "-m", "a commit")
    return git(root, "rev-parse", "HEAD")


def repository(root):
    """A repository of one experiment, in a folder that it makes."""
    tree(root)
    (root / "README.md").write_text("<!-- experiments -->\n<!-- end -->\n")
    (root / ".gitignore").write_text("runs/")
    committed(root)
    return root


def process(root, **changes):
    """What a manifest says of a process."""
    found = {"began": "2026-11-22T01:50:00+00:00", "commit": git(root, "rev-parse", "HEAD")}
    found |= {"clean": True, "command": "./run.sh small --seeds=2", "device": "a CPU"}
    return {**found, "seconds": 90.0, **changes}


def finished(
    root, preset="default", flags="--workdir=/home/me/runs", processes=(), name="one", **changes
):
    """The folder of a finished run of the newest commit, with two settings."""
    run = root / "runs" / name
    command = f"./run.sh small {flags}"
    said = {**process(root, command=command), **changes}
    record(run, **{**said, "seconds": {"total": 90.0}, "processes": [said, *processes]})
    (run / "config.json").write_text(json.dumps({"preset": preset, "seeds": 5, "quick": False}))
    (run / "records.jsonl").write_text(jsonl.text([{"row": "a", "seed": 0}]))
    last = processes[-1]["command"] if processes else command
    (run / "command.txt").write_text(last + "\n")
    return run
