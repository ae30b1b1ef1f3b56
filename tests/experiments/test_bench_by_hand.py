"""The benchmark's numbers: operations, bytes, rates and ratios are those by hand."""

import pytest

from experiments.bench import machine, report, rows, scaling, workloads
from kd_jax.report import figure_files
from kd_jax.storage import jsonl


def test_multiply_adds_by_hand():
    assert workloads.SMALL.multiply_adds() == 784 * 20 + 20 * 20 + 20 * 10
    assert workloads.TEACHER.multiply_adds() == 784 * 1200 + 1200 * 1200 + 1200 * 10
    # 28² places of 9 products for 4 channels, 14² of 36 for 8, then 7² · 8 inputs of 10 classes
    assert workloads.CONVNET.multiply_adds() == 784 * 9 * 4 + 196 * 9 * 4 * 8 + 392 * 10
    assert workloads.GRID_STUDENTS.multiply_adds() == 100 * 50 + 50 * 50 + 50 * 10
    assert (workloads.SMALL.networks, workloads.MANY.networks, workloads.TEACHER.networks) == (
        1,
        32,
        1,
    )


def test_operations_and_traffic_by_hand():
    # forwards, and backwards twice, but once in the first layer; 468 batches of 128 make 59,904
    each = 2 * (3 * (784 * 20 + 20 * 20 + 20 * 10) - 784 * 20)
    assert workloads.SMALL.operations() == each * 59_904
    # a parameter is moved 7 times, of 4 bytes; the batch is read and written, here for 32 alike
    parameters, batch = 784 * 20 + 20 * 20 + 20 * 10, 128 * 784
    assert workloads.SMALL.traffic() == 468 * (28 * parameters + 8 * batch)
    assert workloads.MANY.traffic() == 468 * (28 * parameters + 8 * batch / 32)
    # a convolution has few parameters and is applied at many places: 784 of 9 · 4, 196 of 36 · 8
    parameters = 9 * 4 + 36 * 8 + 392 * 10
    assert workloads.CONVNET.traffic() == 468 * (28 * parameters + 8 * batch)
    each = 2 * (3 * (784 * 36 + 196 * 288 + 3920) - 784 * 36)
    assert workloads.CONVNET.operations() == each * 59_904


def test_what_devices_hold_and_send_by_hand():
    small, large = 784 * 1200 + 1200 * 10 + 1200 + 1200 + 10, 1200 * 1200  # 2^20 is 1,048,576
    assert scaling.state_bytes(workloads.TEACHER, 1, 4) == 12 * (small + large / 4)
    assert scaling.sent_bytes(workloads.TEACHER, 1, 4) == 4 * (small + large + large)
    assert scaling.sent_bytes(workloads.MANY, 8, 1) == 0
    assert scaling.state_bytes(workloads.MANY, 8, 1) == 12 * (784 * 20 + 400 + 200 + 50) * 32 / 8


def test_bytes_of_collectives_are_read_off_a_program():
    text = """
      %all-reduce.2 = (f32[1,8,20]{2,1,0}, /*index=1*/f32[3]{0}) all-reduce(%a, %b), channel_id=1
      %all-gather = s32[4,4]{1,0} all-gather(%c), channel_id=8, dimensions={1}
      %all-gather-start.1 = (f32[2]{0}) all-gather-start(%c), dimensions={1}
      %fusion = f32[100]{0} fusion(%all-reduce.2), kind=kLoop
    """
    assert scaling.collectives(text) == {"all-reduce": 4 * 163, "all-gather": 64 + 8}


def test_the_grid_is_the_sum_of_its_networks_and_epochs():
    parts = {
        workloads.GRID_TEACHERS.name: [record(workloads.GRID_TEACHERS.name, rows.OURS, [0.2])],
        workloads.GRID_STUDENTS.name: [record(workloads.GRID_STUDENTS.name, rows.OURS, [0.01])],
    }
    # 9 data sets, 50 epochs, 5 seeds: one teacher and 12 students each
    assert report.best(parts, rows.GRID, rows.OURS) == pytest.approx(2250 * (0.2 + 0.12))


def record(part, row, seconds, **more):
    return {"part": part, "row": row, "seed": 0, "seconds": seconds, **more}


def test_ratios_are_of_medians_and_of_the_fastest_of_a_kind():
    parts = {
        workloads.SMALL.name: [
            record(workloads.SMALL.name, rows.OURS, [0.3, 0.1, 0.2]),
            record(workloads.SMALL.name, "PyTorch, resident, 1 thread", [0.8, 0.9, 1.6]),
            record(workloads.SMALL.name, "PyTorch, resident, 2 threads", [1.0, 1.0, 2.0]),
            record(workloads.SMALL.name, "Keras on JAX", [0.3, 0.3, 9.0]),
        ],
    }
    lines = report.targets_table(parts).splitlines()
    assert [[cell.strip() for cell in line.split("|")[4:7]] for line in lines[2:]] == [
        ["4.5×", "5×", "FALLS SHORT"],  # 0.9/0.2
        ["1.5×", "2×", "FALLS SHORT"],
    ]


def test_chunks_are_compared_with_all_logits_at_once():
    found = [
        record(rows.LOGITS, rows.CHUNKED, [1.1, 9.0, 1.0], temporary_bytes=3e8),
        record(rows.LOGITS, rows.WHOLE, [1.0, 0.5, 2.0], temporary_bytes=1e9),
    ]
    lines = report.chunked_table(found).splitlines()
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]] == [
        ["all logits at once", "1.00", "1000"],
        ["in chunks of tokens", "1.10", "300"],
        ["ratio", "1.100", "0.300"],
        ["at most", "1.15", "0.125"],
        ["verdict", "REACHED", "FALLS SHORT"],
    ]


def test_the_highest_rates_count():
    found = report.best_rates([{"flops": 2.0, "bytes": 5.0}, {"flops": 3.0, "bytes": 4.0}])
    assert found == {"flops": 3.0, "bytes": 5.0}


def test_rates_are_work_over_the_least_time(monkeypatch):
    monkeypatch.setattr(machine, "least", lambda job: 0.5 + (job() is NotImplemented))
    monkeypatch.setattr(machine, "SIDE", 64)
    monkeypatch.setattr(machine, "BYTES", 2**20)
    assert machine.matmul_rate() == 4 * 64**3
    assert machine.copy_rate() == 4 * 2**20  # twice a MiB moved in half a second


def test_the_least_time_counts(monkeypatch):
    moments = iter([0, 5, 10, 12, 20, 29, 30, 39, 40, 49, 50, 59, 60, 69])
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(moments))
    assert machine.least(lambda: None) == 2


def test_the_figure_has_a_panel_for_each_training_that_several_did(tmp_path):
    records = [
        {"part": part, "row": row, "seconds": [1.0, 2.0, 4.0]}
        for part, names in {
            workloads.SMALL.name: (rows.OURS, "Keras on JAX"),
            workloads.TEACHER.name: (rows.OURS,),
            rows.PEOPLE: (rows.PEOPLE_ONE, rows.PEOPLE_TORCH),
        }.items()
        for row in names
    ]
    (tmp_path / "records.jsonl").write_text(jsonl.text(records))
    report.draw(tmp_path)
    found = figure_files.read(tmp_path / "seconds.svg")
    text = (tmp_path / "seconds.svg").read_text()
    assert "medians, lines from the least to the most" in found.caption
    assert found.table.lower() == workloads.SMALL.name and text.count(f">{rows.OURS}</text>") == 1
    assert "Keras on JAX" in text and workloads.TEACHER.name not in text
