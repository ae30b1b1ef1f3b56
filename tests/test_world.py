"""Whatever the world around: a run works, or one line says why not, with exit code 2 (141: a pipe).

Slow: every case is a process of its own.
"""

import os
import pathlib
import resource
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
ROOT = pathlib.Path(__file__).parents[1]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SMOKE = ["people", "--preset=smoke"]


def limited(limit, most):
    """A function that limits the process that calls it."""
    return lambda: resource.setrlimit(limit, (most, most))


def command(tmp_path, *arguments, module="experiments", before=None, cwd=None, out=None, **more):
    """The ended process of a command in a world like ours but for `more` of its environment."""
    world = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_", "LC_"))}
    world |= {"PYTHONPATH": str(ROOT), "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "programs")}
    world = {k: v for k, v in {**world, **more}.items() if v is not None}
    workdir = [f"--workdir={tmp_path / 'runs'}"] if module == "experiments" else []
    return subprocess.run(
        [sys.executable, "-m", module, *arguments, *workdir], cwd=cwd or tmp_path, env=world,
        preexec_fn=before, stdout=out or subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        encoding="utf-8", errors="replace", timeout=300,
    )  # fmt: skip


def table(tmp_path):
    (path,) = tmp_path.glob("runs/people/*/table.md")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "world",
    [
        ASCII, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"},
        {"HOME": "/nowhere", "XDG_CACHE_HOME": None}, {"XDG_CACHE_HOME": "/proc/x"},
        {"COLUMNS": "no number", "TERM": "nonsense"}, {"COLUMNS": "20"},
        {"MPLBACKEND": "nonsense"}, {"MPLCONFIGDIR": "/proc/x"},
        {"HOME": "/tmp/\udcff", "XDG_CACHE_HOME": None, "JAX_COMPILATION_CACHE_DIR": None},
        {"JAX_COMPILATION_CACHE_DIR": "/nowhere"}, {"JAX_COMPILATION_CACHE_DIR": ""},
    ],
    ids=lambda world: ",".join(world) + "=" + list(world.values())[0],
)  # fmt: skip
def test_a_run_has_its_table(tmp_path, world):
    ended = command(tmp_path, *SMOKE, **world)
    assert ended.returncode == 0 and "Traceback" not in ended.stderr, ended.stderr
    assert "±" in table(tmp_path)
    for module, arguments in [
        ("kd_jax.report.list_runs", [str(tmp_path / "runs")]),
        ("kd_jax.report.page", [str(tmp_path / "runs")]),
        ("experiments", ["people", "--help"]),
    ]:
        ended = command(tmp_path, *arguments, module=module, **world)
        assert ended.returncode == 0 and ended.stderr == "", (module, ended.stderr)


@pytest.mark.parametrize(
    "flags, world, line",
    [
        ([], {"JAX_PLATFORMS": "cuda"}, "JAX_PLATFORMS=cuda: JAX finds no such device"),
        ([], {"JAX_PLATFORMS": "nonsense"}, "JAX_PLATFORMS=nonsense: JAX finds no such device"),
        ([], {"before": limited(resource.RLIMIT_AS, 2**30)}, "ulimit -v: 1.0 GiB"),
        ([], {"JAX_NUM_CPU_DEVICES": "x"}, "JAX cannot begin"),
        ([], {"JAX_ENABLE_X64": "maybe"}, "JAX cannot begin"),
        ([], {"JAX_DEFAULT_MATMUL_PRECISION": "foo"}, "JAX cannot begin"),
        ([], {"JAX_DISABLE_JIT": "1"}, "JAX_DISABLE_JIT=True"),
        ([], {"XLA_FLAGS": "--xla_nonsense=1"}, "XLA refuses it (Unknown flag"),
        ([], {"XLA_FLAGS": "--xla_backend_optimization_level=x"}, "Couldn't interpret value x"),
        ([], {"JAX_COMPILATION_CACHE_DIR": "\udcff"}, "is not UTF-8"),
        (["--workdir=w\udcff"], {}, "is not UTF-8"),
        ([], {"before": limited(resource.RLIMIT_DATA, 2**29)}, "ulimit -d: 0.5 GiB"),
        ([], {"before": limited(resource.RLIMIT_NOFILE, 20)}, "ulimit -n: 20 open files"),
        (["--flagfile=/bin/sh"], {}, "--flagfile=/bin/sh"),
        (["--coordinator_address=nonsense"], {}, "expected address:port"),
        (["--seeds=99999999999999999999"], {}, "--seeds=9999999999"),
        (["--epochs=-1"], {}, "--epochs is no flag"),
        (["--mesh=members:0"], {}, "--mesh=members:0"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, flags, world, line):
    ended = command(tmp_path, *SMOKE, *flags, **world)
    assert ended.returncode == 2 and ended.stdout == "", ended
    assert ended.stderr.startswith("error: ") and ended.stderr.count("\n") == 1, ended.stderr
    assert line in ended.stderr
    assert not list(tmp_path.glob("runs/people/*/records.jsonl"))


@pytest.mark.parametrize("module, arguments", [
    ("experiments", SMOKE), ("experiments", ["--help"]), ("experiments", ["people", "--help"]),
    ("kd_jax.report.list_runs", ["."]), ("kd_jax.command", ["distill", "--help"]),
])  # fmt: skip
def test_a_full_or_closed_output_is_a_code_and_at_most_a_line(tmp_path, module, arguments):
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = command(tmp_path, *arguments, module=module, out=full)
    assert ended.returncode == 2 and ended.stderr.splitlines()[-1].startswith("error: cannot write")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = command(tmp_path, *arguments, module=module, out=writer)
    finally:
        os.close(writer)
    assert ended.returncode == 141 and "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments, code", [(SMOKE, 0), ([*SMOKE, "--seeds=0"], 2)])
def test_a_full_or_closed_standard_error_loses_what_is_said_there_and_nothing_else(
    tmp_path, arguments, code
):
    for ending in ("2>/dev/full", "2>&-", "2>&- <&-"):
        line = [sys.executable, "-m", "experiments", *arguments, f"--workdir={tmp_path / 'runs'}"]
        world = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            ["sh", "-c", f'"$@" {ending}', "sh", *line], cwd=tmp_path, env=world, timeout=120,
            stdout=subprocess.PIPE, check=False,
        )  # fmt: skip
        assert ended.returncode == code, ending
        assert code or b"records, table and figures" in ended.stdout


def test_a_deleted_folder_is_one_line(tmp_path):
    (tmp_path / "gone").mkdir()
    lost = command(tmp_path, *SMOKE, cwd=tmp_path / "gone", before=(tmp_path / "gone").rmdir)
    assert lost.returncode in (0, 2) and "Traceback" not in lost.stderr
