"""What users run is what is tested: a named set of tests once more, with the options they get.

The other tests compile without XLA's optimizations, which changes the last digits of a number.
"""

import os
import subprocess
import sys

import pytest
from published import ROOT

NAMED = {
    "losses": ("losses/test_golden.py::test_entry",),
    "replay, records, resume": (
        "experiments/test_people.py::"
        "test_the_replay_prints_the_published_figures_and_opens_no_run_folder",
        "experiments/test_quickstart.py::test_a_run_has_every_record_table_and_figure",
        "training/test_resumed.py::test_a_resumed_run_is_bitwise_the_uninterrupted_one",
    ),
    "export": ("export/test_export.py::test_the_report_counts_what_the_record_counts",),
}


@pytest.mark.slow  # which CI always runs
@pytest.mark.parametrize("name", NAMED)
def test_the_named_set_passes_with_optimizations(name):
    if name == "export":
        pytest.importorskip("onnxruntime", reason="needs the extra export")
    known = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "0", "XLA_FLAGS": ""}
    options = ["-p", "no:cacheprovider", "--no-cov", "-k", "not float64 and not nhwc"]
    tests = [f"tests/{each}" for each in NAMED[name]]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=ROOT, env=known, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
