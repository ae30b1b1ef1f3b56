"""What every test process needs before its first import."""

# To show a ResourceWarning, Python imports tracemalloc. When the warning comes while
# tensorflow-datasets imports lazily, that import fails, and with it whatever test was importing.
import gc
import os
import subprocess
import tempfile
import time
import tracemalloc  # noqa: F401

# Tracing makes many small objects that live for long: looking through them all at Python's usual
# pace takes an eighth of the suite.
gc.set_threshold(200_000, 50, 100)

PARTS = 20  # of the slow tests; CI runs one

# Programs are kept for all processes of these tests, away from the user's own.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    programs = tempfile.TemporaryDirectory(prefix="kd_jax-programs-", ignore_cleanup_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = programs.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # of a hook that runs the tests
    os.environ.pop(name, None)


def pytest_addoption(parser):
    """Which tests are run: those marked slow are left to calls of their own."""
    parser.addoption("--slow", action="store_true", help="run the slow tests and no others")
    parser.addoption(
        "--today",
        action="store_true",
        help="of the slow tests run the twentieth that the day of the last commit chooses",
    )


def pytest_collection_modifyitems(config, items):
    """Keep the slow tests, a part of them, or all others; and all that are asked for by name.

    Those marked as_users run in test_as_users_run.py, which asks for them by name.
    """
    slow = config.getoption("--slow")
    if any("::" in name for name in config.args):
        return
    marks = {item: {mark.name for mark in item.iter_markers()} for item in items}
    kept = [
        item for item in items if ("slow" in marks[item]) == slow and "as_users" not in marks[item]
    ]
    if config.getoption("--today"):
        kept = sorted(kept, key=lambda item: item.nodeid)[_day() % PARTS :: PARTS]
    left = set(items) - set(kept)
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]


def _day():
    """The day of the last commit, counted from 1970; of today where there is no commit."""
    command = ["git", "-C", os.path.dirname(__file__), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout.strip() or time.time()) // 86400
