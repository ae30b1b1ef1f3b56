"""Publishing keeps what everybody can look up, and refuses in one line what nobody can."""

import contextlib
import errno
import json
import pathlib
import subprocess
import sys

import pytest
from small_repository import (
    MANIFEST,
    TABLE,
    committed,
    finished,
    git,
    process,
    with_headings,
)

from kd_jax.errors import InputError
from kd_jax.report import commands
from kd_jax.report.publishing import modules, publish
from kd_jax.storage import commits, jsonl, manifest, whole_file

ROOT = pathlib.Path(__file__).parents[3]
RECORDS = publish.all_records()
SVG = '<svg xmlns="http://www.w3.org/2000/svg">'


def test_publishing_copies_a_finished_run_and_renews_the_pages(root):
    folder, run = root / "experiments" / "small", finished(root)
    assert publish.publish(run, root=root) == folder / "records"
    assert (folder / "records/records.jsonl").read_bytes() == (run / "records.jsonl").read_bytes()
    page = (folder / "README.md").read_text()
    assert f"## Results\n\n    ./run.sh small\n\n{with_headings(TABLE)}" in page
    assert "./run.sh small" in (root / "README.md").read_text()
    wide = finished(root, preset="wide", flags="--preset=wide", name="two")
    assert publish.publish(wide, root=root) == folder / "records_wide"  # though the first is new
    page = (folder / "README.md").read_text()
    assert "## Results, --preset=wide\n\n    ./run.sh small --preset=wide\n" in page


def test_no_place_on_the_user_s_disk_is_published(root):
    flags = "--data_dir '/home/me/my data' --preset=wide --noretrain --out=/home/me --base_seed 3"
    again = process(root, command=f"./run.sh small {flags} --workdir /home/me", seconds=60.0)
    run = finished(root, preset="wide", flags=flags, processes=[again])
    settings = {"preset": "wide", "seeds": 5, "base_seed": 3}
    (run / "config.json").write_text(json.dumps(settings))
    target = publish.publish(run, root=root)
    command = "./run.sh small --preset=wide --base_seed=3"
    assert (target / "command.txt").read_text() == command + "\n"
    said = manifest.read(target)
    assert said["command"] == command
    assert [one["command"] for one in said["processes"]] == [command, command]
    assert not [path for path in target.iterdir() if b"/home" in path.read_bytes()]
    kept = manifest.read(run)
    assert {**said, "command": 0, "processes": 0} == {**kept, "command": 0, "processes": 0}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("--seeds=3 --workdir=x", ["--seeds=3"]),
        ("-seeds 3 -workdir x", ["-seeds=3"]),
        ("--quick --seeds 3 --retrain --shift -1", ["--quick", "--seeds=3", "--shift=-1"]),
        ("--noquick --noretrain --retrain --seeds=3", ["--noquick", "--seeds=3"]),
        ("--quick=false --workdir --retrain --note 'a b'", ["--quick=false", "--note=a b"]),
        ("--workdir 'my --seeds=4' --note=--seeds=4 --node=1", ["--note=--seeds=4", "--node=1"]),
        ("", []),
    ],
)
def test_flags_of_places_are_dropped_whatever_way_they_are_given(given, kept):
    settings = {"seeds": 3, "quick": True, "shift": -1, "note": "", "node": 1}
    found = commands.settings_of(f"./run.sh small {given}", settings)
    assert [flag for _, flag in found] == kept


def damaged(run, name):
    """The run folder after one kind of damage."""
    said = json.loads((run / "manifest.json").read_text())
    other = {"foreign": "../../victim", "unknown": "nosuch"}
    if name in other:
        (run / "manifest.json").write_text(json.dumps(said | {"experiment": other[name]}))
    elif name == "preset":
        (run / "config.json").write_text('{"preset": "../x"}')
    elif name == "records":
        text = (run / "records.jsonl").read_text()
        (run / "records.jsonl").write_text(text.replace('"seed": 0', '"seed": 7'))
    elif name == "table":
        (run / "table.md").write_bytes(b"\xff\xfe")
    elif name == "manifest":
        (run / "manifest.json").write_text("")
    elif name == "command":
        (run / "command.txt").write_text("./run.sh small 'not closed")
    elif name == "unfinished":
        del said["finished"]
        (run / "manifest.json").write_text(json.dumps(said))
    else:
        (run / name).unlink()


@pytest.mark.parametrize(
    "name",
    [
        "foreign", "unknown", "preset", "records", "table", "manifest", "command", "unfinished",
        "records.jsonl", "table.md", "manifest.json", "command.txt",
    ],
)  # fmt: skip
def test_a_run_that_is_not_whole_is_not_published_and_nothing_is_touched(root, name):
    run, victim = finished(root), root.parent / "victim"
    folder = publish.publish(run, root=root)
    before = contents(root, run)
    damaged(run, name)
    with pytest.raises(InputError) as refused:
        publish.publish(run, root=root)
    assert "\n" not in str(refused.value) and not victim.exists()
    assert contents(root, run) == before
    with pytest.raises(InputError, match="is published already"):
        publish.publish(folder, root=root)


def contents(root, run):
    """The bytes of every file that is not git's or the run's."""
    files = [path for path in root.rglob("*") if path.is_file() and run not in path.parents]
    return {path: path.read_bytes() for path in files if ".git" not in path.parts}


def refused(root, run):
    """The line that says why a run is not published; nothing is touched."""
    before = contents(root, run)
    with pytest.raises(InputError) as error:
        publish.publish(run, root=root)
    assert contents(root, run) == before and "\n" not in str(error.value)
    return str(error.value)


def test_a_run_that_was_not_clean_is_refused(root):
    changed = {"clean": False, "changed": ["a.py", "b.py", "c.py", "d.py"]}
    line = refused(root, finished(root, **changed))
    expected = "with uncommitted changes (a.py, b.py, c.py, …): commit them and run it again"
    assert line.endswith(expected)


def test_a_run_whose_manifest_contradicts_itself_is_refused(root):
    again = process(root, clean=False, changed=["a.py"])
    assert "uncommitted changes" in refused(root, finished(root, processes=[again]))


def test_a_run_that_does_not_tell_its_device_is_refused(root):
    assert "does not tell what device" in refused(root, finished(root, device=""))


def test_a_run_without_a_commit_is_refused(root):
    line = refused(root, finished(root, commit=None, clean=None))
    assert "names no commit of its code" in line and line.endswith("run it again in a clone")


def test_a_run_that_went_on_without_a_commit_is_refused(root):
    again = process(root, commit=None, clean=None)
    assert "names no commit" in refused(root, finished(root, clean=None, processes=[again]))


def test_a_run_of_an_older_version_is_refused(root):
    run = finished(root)
    (run / "manifest.json").write_text(json.dumps(MANIFEST))
    assert "does not tell what code ran: run it again" in refused(root, run)


def test_a_commit_that_is_not_in_the_history_is_refused(root):
    """Of another branch, and in a clone that lacks the beginning of its history."""
    first, run = git(root, "rev-parse", "HEAD"), finished(root)
    committed(root)
    publish.publish(run, root=root)
    git(root, "add", ".")
    git(root, "checkout", "-q", "--orphan", "other")
    committed(root)
    line = refused(root, run)
    assert f"is of commit {first[:10]}, which is not in the history of HEAD" in line
    assert "shallow" not in line
    git(root.parent, "clone", "-q", "--depth=1", root.as_uri(), "shallow")
    assert "git fetch --unshallow: this clone is shallow" in refused(root.parent / "shallow", run)


def test_a_repository_with_uncommitted_changes_is_refused(root):
    run = finished(root)
    (root / "experiments" / "small" / "new.py").touch()
    line = refused(root, run)
    assert (
        line == f"{root} has uncommitted changes (experiments/small/new.py): commit or stash them"
    )
    (root / "experiments" / "small" / "new.py").unlink()
    (root / "experiments" / "small" / "findings.md").write_text("prose")
    publish.publish(run, root=root)


@pytest.mark.parametrize("flags", ["--seeds=3", "--base_seed=1 --seeds 3 --workdir=x"])
def test_a_run_of_other_settings_than_its_preset_s_is_refused(root, flags):
    line = refused(root, finished(root, flags=flags))
    assert "is of --preset=default with --seeds=3: a record is of a preset alone" in line


@pytest.mark.parametrize("left", [".records.new", ".records.old", ".records_wide.new"])
def test_what_a_killed_publish_left_is_no_change(root, left):
    (root / "experiments" / "small" / left).mkdir()
    (root / "experiments" / "small" / left / "costs.json").write_text("{}")
    assert publish.publish(finished(root), root=root).name == "records"


def test_records_over_which_a_publish_was_killed_come_back(root):
    """Between its two renames the old records lie beside, and the new ones are not there yet."""
    folder = publish.publish(finished(root), root=root)
    before = contents(root, root / "runs")
    folder.rename(folder.with_name(".records.old"))
    assert publish.renew(root) == []
    assert contents(root, root / "runs") == before


@pytest.mark.parametrize("name", ["analysis.md", "build/notes.txt"])
def test_what_is_no_record_is_not_lost(root, name):
    run = finished(root)
    path = publish.publish(run, root=root) / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    line = refused(root, run)
    assert f"holds {name.split('/')[0]}, which is no record: move it away" in line


@pytest.mark.parametrize("changes", [{"command": 5}, {"command": './run.sh "x'}, {"numerics": 5}])
def test_an_odd_manifest_is_one_line_and_leaves_nothing(root, changes):
    run = finished(root)
    said = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**said, **changes}))
    assert "is damaged" in refused(root, run)
    assert not list(root.glob("experiments/*/.records*"))


def test_without_room_for_the_pages_nothing_changes(root, monkeypatch):
    run = finished(root)
    publish.publish(run, root=root)
    (run / "table.md").write_text(TABLE.replace("BEATS", "WORSE"))
    written = whole_file.written

    @contextlib.contextmanager
    def full(path, **options):
        with written(path, **options) as file:
            if path.parent.name == "small":  # the second page of two
                file.write("half of it")
                raise OSError(errno.ENOSPC, "No space left on device")
            yield file

    monkeypatch.setattr(whole_file, "written", full)
    assert "records cannot be written (No space left on device): make room" in refused(root, run)


def test_a_run_with_options_that_nobody_else_sets_is_refused(root):
    run = finished(root, numerics={"jax_enable_x64": True})
    assert "was run with jax_enable_x64: run it without" in refused(root, run)


@pytest.mark.parametrize("commit", ["5", "HEAD", "--help", ""])
def test_what_is_no_commit_is_refused(root, commit):
    assert "names no commit" in refused(root, finished(root, commit=commit))


def test_a_run_that_does_not_tell_its_command_is_refused(root):
    run = finished(root)
    (run / "command.txt").write_text("\n")
    assert "command.txt is empty: run it again" in refused(root, run)


def test_the_command_ends_with_code_2_and_one_line(tmp_path):
    command = [sys.executable, "-m", "kd_jax.report.publishing.publish", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: {tmp_path} is not a finished run: it has no ")


@pytest.mark.parametrize("name", RECORDS)
def test_the_commit_of_a_committed_record_is_in_the_history(name):
    if commits.of(ROOT)["commit"] is None or commits.shallow(ROOT):
        pytest.skip("needs a whole clone")
    commit = manifest.read(RECORDS[name])["commit"]
    assert commit is None or commits.in_history(ROOT, commit)


def test_figures_are_drawn_again_and_a_file_that_a_record_lacks_is_one_line(
    root, monkeypatch, capsys
):
    drawn = []

    def lost(folder):
        raise FileNotFoundError(errno.ENOENT, "no such file", str(folder / "digit.npz"))

    def older(folder):
        raise KeyError("test_curve")

    records = [root / name for name in ("records", "records_older", "records_wide")]
    each = [*zip((lost, older, drawn.append), records)]
    monkeypatch.setattr(publish.readmes, "drawn", lambda root: each)
    publish.redraw(root)
    assert drawn == records[2:]
    assert capsys.readouterr().err == (
        f"{records[0]} has no digit.npz: what needs it is not drawn again\n"
        f"{records[1]} has no test_curve: what needs it is not drawn again\n"
    )


def test_figures_are_drawn_from_the_records_also_where_the_run_lacks_them(root, monkeypatch):
    """The run has one of two figures, and of another day; both are as the report draws them now."""

    class Report:
        def table(folder):
            return TABLE

        def draw(folder):
            for name in ("curve", "bars"):
                (folder / f"{name}.svg").write_text(f"{SVG} <!-- {name} --></svg>")

    monkeypatch.setattr(modules, "of", lambda folder, name: Report if name == "report" else None)
    run = finished(root)
    (run / "curve.svg").write_text("of another day")
    folder = publish.publish(run, root=root)
    found = {path.name: path.read_text() for path in folder.glob("*.svg")}
    assert found == {f"{x}.svg": f"{SVG} <!-- {x} --></svg>" for x in ("curve", "bars")}
    assert "![bars](records/bars.svg)" in (folder.parent / "README.md").read_text()


def test_a_figure_that_needs_a_file_which_the_run_lacks_names_it(root, monkeypatch):
    class Report:
        def table(folder):
            return TABLE

        def draw(folder):
            (folder / "digits.npz").read_bytes()

    monkeypatch.setattr(modules, "of", lambda folder, name: Report if name == "report" else None)
    run = finished(root)
    assert refused(root, run) == f"{run}/digits.npz is missing: run it again"


def test_a_run_of_an_earlier_version_is_published_with_the_digits_that_its_numbers_need(root):
    run = finished(root)
    (run / "records.jsonl").write_text(
        jsonl.text([{"row": "a", "seed": 0, "test_nll": 0.10000000149011612}])
    )
    (record,) = jsonl.records(publish.publish(run, root=root))
    assert record["test_nll"] == 0.1
