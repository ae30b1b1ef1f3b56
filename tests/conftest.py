"""What every test process needs before its first import."""

# To show a ResourceWarning, Python imports tracemalloc. When the warning comes while
# tensorflow-datasets imports lazily, that import fails, and with it whatever test was importing.
import functools
import gc
import os
import sys
import tempfile
import time
import tracemalloc  # noqa: F401

import pytest
import slow_tests

# Tracing makes many small objects that live for long: looking through them all at Python's usual
# pace takes an eighth of the suite.
gc.set_threshold(200_000, 50, 100)

BEGAN = time.monotonic()
today = functools.cache(slow_tests.today)  # what --today chooses

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
        help="of the slow tests run the twentieth that the day of the last commit chooses, and of "
        "those of its touched experiments, rooms and test files as many as two minutes allow",
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
        names = today().of([item.nodeid for item in kept])
        kept = [item for item in kept if item.nodeid in names]
    left = set(items) - set(kept)
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]


def pytest_collection_finish(session):
    """Lower all programs in one context of MLIR: to make one takes a fifth of a small program."""
    mlir = sys.modules.get("jax._src.interpreters.mlir")
    known = hasattr(mlir, "make_ir_context")  # no version of JAX promises it
    if known and os.environ.get("JAX_DISABLE_MOST_OPTIMIZATIONS") == "1":
        mlir.make_ir_context = functools.cache(mlir.make_ir_context)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a file to one process, and the losses' files, which share programs, all to one."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid):
            folder, file = os.path.split(super()._split_scope(nodeid))
            return folder if folder.endswith("losses") else f"{folder}/{file}"

    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_sessionstart(session):
    """Say what --today chooses, at -q too."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")  # workers have none
    if reporter and session.config.getoption("--today"):
        for line in today().header():
            reporter.write_line(line)


def pytest_runtest_setup(item):
    """Leave what was touched where it would take too long."""
    late = time.monotonic() - BEGAN > slow_tests.BEGUN_BY
    if late and item.config.getoption("--today") and today().is_touched(item.nodeid):
        pytest.skip(f"touched, but not begun within {slow_tests.BEGUN_BY:.0f} seconds")
