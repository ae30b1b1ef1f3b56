"""What users run is what is tested: a named set of tests once more, with the options they get.

The other tests compile without XLA's optimizations, which changes the last digits of a number.
"""

import os
import subprocess
import sys

import pytest
from published import ROOT

NAMED = {
    "losses": (
        "losses/test_golden.py::test_entry",
        "losses/test_scales.py::test_a_compiled_loss_of_huge_features_is_the_eager_one",
    ),
    "records, resume": (
        "experiments/test_quickstart.py::test_a_run_has_every_record_table_and_figure",
        "training/test_resumed.py::test_a_resumed_run_is_bitwise_the_uninterrupted_one",
    ),
    "replay": (
        "experiments/test_people.py::"
        "test_the_replay_prints_the_published_figures_and_opens_no_run_folder",
    ),
    "export": ("export/test_export.py::test_the_report_counts_what_the_record_counts",),
}
NARROW = "--xla_cpu_max_isa=SSE4_2"  # vectors of four numbers, and no fused multiply-add


def passes(name, **options):
    """Run the tests of a name with some options of the environment."""
    given = ["-p", "no:cacheprovider", "--no-cov", "-k", "not float64 and not nhwc"]
    tests = [f"tests/{each}" for each in NAMED[name]]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *given, *tests],
        cwd=ROOT, env=os.environ | options, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


@pytest.mark.slow  # which CI always runs
@pytest.mark.parametrize("name", NAMED)
def test_the_named_set_passes_with_optimizations(name):
    if name == "export":
        pytest.importorskip("onnxruntime", reason="needs the extra export")
    passes(name, JAX_DISABLE_MOST_OPTIMIZATIONS="0", XLA_FLAGS="")


@pytest.mark.slow
def test_the_replay_prints_the_same_on_a_lesser_processor_without_optimizations():
    passes("replay", JAX_DISABLE_MOST_OPTIMIZATIONS="1", XLA_FLAGS=NARROW)
