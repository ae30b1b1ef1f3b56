"""Federated learning as an experiment: who has which rows, its settings, records and table."""

import functools
import itertools
import json

import matplotlib.colors
import numpy as np
import optax
import pytest
from in_process import drawn_by_numpy

from experiments.federated import report
from experiments.federated import rows as names
from experiments.federated import run as federation
from experiments.federated.config import Config
from kd_jax import experiment
from kd_jax.data import Split, partition
from kd_jax.errors import InputError
from kd_jax.report import figures, grouped, roles
from kd_jax.storage import jsonl, run_folder


def test_parts_of_the_training_rows_are_disjoint():
    config = Config(client_rows=100, public_rows=30, validation=20)
    inputs = np.arange(160.0)
    parts = federation.split(config, Split(inputs, np.arange(160) % 10), np.zeros(50))
    found = [parts.clients.inputs, parts.public["public"], parts.validation.inputs]
    assert [len(x) for x in found] == [100, 30, 20] and len(parts.public["out-of-domain"]) == 30
    assert len(np.unique(np.concatenate(found))) == 150
    assert all((x.inputs % 10 == x.labels).all() for x in (parts.clients, parts.validation))


def test_a_base_seed_changes_who_has_which_rows_and_skews_share_them():
    split = Split(np.arange(400.0), np.arange(400) % 10)
    smoke = dict(client_rows=200, public_rows=30, validation=20, clients=3, byzantine=1)
    method = federation.methods(Config())[0]

    def drawn(base, alpha=1.0):
        config = Config(**smoke, seeds=2, least_rows=1, base_seed=base)
        parts = federation.split(config, split, np.zeros(50))
        clients = federation.client_data(config, method, alpha, parts)
        assert not np.array_equal(*clients.rows)  # of the two seeds
        return parts.clients.inputs, parts.validation.inputs, clients.rows

    for one, same, other in zip(drawn(0), drawn(0), drawn(1)):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)
    np.testing.assert_array_equal(drawn(0)[0], drawn(0, alpha=100.0)[0])


def test_centralized_steps_are_of_as_many_rows_as_those_of_all_clients():
    config = Config(batch_size=7, clients=4, byzantine=1)
    local, *_, central = (federation.federation(config, x) for x in federation.methods(config))
    assert (local.batch_size, central.batch_size) == (7, 28)
    assert local.optimizer is central.optimizer  # so that programs are shared


@pytest.mark.parametrize(
    "flag, text",
    [
        ("--alphas=1,0", "--alphas=0: expected a finite number above 0"),
        ("--alphas=1,1", "--alphas=1,1: the same value stands there twice"),
        ("--byzantine=2", "--byzantine=2: expected at least 1 and fewer than half of 4"),
        ("--byzantine=0", "--byzantine=0: expected at least 1"),
        ("--clients=2", "--clients=2: expected at least 3"),
        ("--client_rows=2900", "are 3100 rows in all: there are 3000"),
        ("--public_rows=1799", "--public_rows=1799: there are 1797 out-of-domain images"),
        ("--least_rows=900", "one always has fewer than 900; take more rows, fewer clients"),
        ("--rounds=0", "--rounds=0: expected at least 1"),
    ],
)
def test_bad_settings_are_one_line(tmp_path, monkeypatch, flag, text):
    monkeypatch.setattr(partition, "DRAWS", 20)  # of shares, none of which gives enough rows
    command = ["federated", "--preset=smoke", f"--workdir={tmp_path}", "--client_rows=1000", flag]
    with pytest.raises(InputError) as error:
        config = experiment.parse(Config, command)
        federation.run(config, run_folder.Run(tmp_path, "federated", config.results_key()))
    assert text in str(error.value) and "\n" not in str(error.value)


def test_a_small_run_records_what_was_reached_and_sent(tmp_path, monkeypatch):
    """One row of each kind: weights or logits are sent, or nothing, as there are no clients."""
    drawn_by_numpy(monkeypatch)
    monkeypatch.setattr(federation, "optimizer", functools.cache(optax.sgd))
    chosen = (names.FEDAVG, names.FEDDF_STOPPED, names.ATTACKED_MEDIAN, names.CENTRAL)
    every = federation.methods(Config(**Config.PRESETS["smoke"]))
    some = [method for method in every if method.row in chosen]
    monkeypatch.setattr(federation, "methods", lambda config: some)
    config = Config(**Config.PRESETS["smoke"], preset="smoke")
    run = run_folder.Run(tmp_path, "federated", config.results_key())
    federation.run(config, run)
    records = [json.loads(x) for x in run.path("records.jsonl").read_text().splitlines()]
    found = {(r["part"], r["row"], r["seed"]): r for r in records}
    assert len(found) == len(records)
    assert set(found) == {("0.5", row, seed) for row in chosen for seed in (0, 1)}
    for (_, row, _), r in found.items():
        assert len(r["validation_curve"]) == config.rounds
        assert 0 <= r["worst_accuracy"] <= r["test_accuracy"] <= 1
        assert 0 <= r["drifted_accuracy"] <= 1 and 0 <= r["drift_agreement"] <= 1
        assert r["client_drift"] > 0
        assert ("server_epochs" in r) == (row == names.FEDDF_STOPPED)
        assert all(x in range(config.server_epochs + 1) for x in r.get("server_epochs", ()))
        if row == names.CENTRAL:  # nothing is aggregated
            assert r["client_accuracy"] == r["test_accuracy"] and r["bytes"] == 0
    sent = {r["row"]: r["bytes"] for r in records}
    assert sent[names.FEDAVG] == 2 * 4 * 4 * (784 * 16 + 16 + 16 * 10 + 10)
    assert sent[names.ATTACKED_MEDIAN] == 2 * 4 * 4 * 100 * 10
    every_client = [found["0.5", names.FEDAVG, seed] for seed in (0, 1)]
    assert all(r["worst_accuracy"] == r["test_accuracy"] for r in every_client)  # one network


def by_hand(folder, rows, new=False):
    """Write records whose accuracy is 2 points higher with every row; their tables' cells."""
    written = []
    for (a, alpha), (n, row) in itertools.product(enumerate(("0.5", "100")), enumerate(rows)):
        for seed in (0, 1, 2):
            right = 0.5 + 0.2 * a + 0.01 * n + 0.02 * seed
            reached = dict.fromkeys(("test_accuracy", "worst_accuracy"), right)
            reached |= {"client_accuracy": right - 0.1, "ensemble_accuracy": right + 0.05}
            sent = 0 if row in (names.LOCAL, names.CENTRAL) else 1000 * n
            more = {"validation_curve": [0.4, right], "bytes": sent}
            if new:
                more |= {"drifted_accuracy": right - 0.03, "drift_agreement": 0.75}
                more |= {"client_drift": 2.0 + n}
            if row == names.FEDDF_STOPPED:
                more["server_epochs"] = [0.0, 3.0]
            written.append({"part": alpha, "row": row, "seed": seed, **reached, **more})
    (folder / "records.jsonl").write_text(jsonl.text(written))
    settings = Config(**Config.PRESETS["smoke"]).results_key()
    (folder / "config.json").write_text(json.dumps(settings))
    text = report.table(folder)
    return text, [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


OLD = [row for row in names.ROWS if row not in (names.FEDDF_STOPPED, names.FEDMD_COUNTS)]


def test_the_tables_of_drift_and_of_the_server_that_stops_early(tmp_path):
    text, cells = by_hand(tmp_path, names.ROWS, new=True)
    assert "Client drift: 5 more steps on own rows after the last aggregation" in text
    # 3 points are lost by all, 75 % of the test inputs keep their class
    (found,) = (x for x in cells if x[:2] == ["100", names.FEDAVG] and len(x) == 7)
    n = names.ROWS.index(names.FEDAVG)
    assert found[2:] == [
        f"{69 + n}.00 ± 2.00",
        "−3.00 [−3.00, −3.00]",
        "WORSE",
        "75.0",
        f"{2 + n}.00",
    ]
    # a round with no epoch and one with all three in each seed
    assert [x for x in cells if x[1:] == ["1.5 ± 0.0", "50", "50"]] == [
        [alpha, "1.5 ± 0.0", "50", "50"] for alpha in ("0.5", "100")
    ]
    pairs = {tuple(x[1:3]) for x in cells if len(x) == 6}
    assert {(names.FEDDF_STOPPED, names.FEDDF), (names.FEDMD_COUNTS, names.FEDMD)} <= pairs


def test_the_table_and_both_figures_of_records_by_hand(tmp_path):
    text, cells = by_hand(tmp_path, OLD)  # as older records are
    assert "Client drift" not in text and "Early stopping" not in text
    # FedDF is the third row: 52, 54, 56 % at alpha 0.5, 2 points above local training in each seed
    (line, *_) = (x for x in cells if x[0] == names.FEDDF)
    assert line[1] == "54.00 ± 2.00" and line[2].startswith("+2.00 [") and line[3] == "BEATS"
    assert line[4:] == ["54.0", "44.0", "59.0", "2,000"]
    # the server is 10 points above a client before, 5 below the ensemble
    (server,) = (x for x in cells if x[0] == "100" and x[1].startswith("+10.00"))
    assert server[2] == "BEATS" and server[3].startswith("−5.00") and server[4] == "WORSE"
    # the attacked mean is 4 rows below FedMD, the attacked median 2 below the median
    lost = [x[1:3] for x in cells if x[0] == "0.5" and len(x) == 4]
    assert lost == [["−4.00 ± 0.00", "−2.00 ± 0.00"]]
    report.draw(tmp_path)
    for name in ("by_round.svg", "label_shift_attack.svg"):
        assert (tmp_path / name).stat().st_size > 5000
    with figures.figure(tmp_path / "bars.svg") as axes:
        report.bars(axes, grouped.by("part", report.ordered(tmp_path)))
        found = matplotlib.colors.to_hex(axes.patches[0].get_facecolor())
    assert found == roles.styles(report.SHOWN)[names.FEDMD].color  # as in the curves


@pytest.mark.slow
def test_a_smoke_run_has_every_row_of_every_skew(tmp_path):
    config = Config(**Config.PRESETS["smoke"], preset="smoke")
    run = run_folder.Run(tmp_path, "federated", config.results_key())
    federation.run(config, run)
    run.conclude(report.table, report.draw)
    records = [json.loads(x) for x in run.path("records.jsonl").read_text().splitlines()]
    found = {(r["part"], r["row"], r["seed"]) for r in records}
    assert found == {("0.5", row, s) for row in names.ROWS for s in (0, 1)}
    assert len(records) == len(found)
    for r in records:
        if r["row"] in (names.LOCAL, names.CENTRAL):  # nothing is aggregated
            assert r["client_accuracy"] == r["test_accuracy"] and r["bytes"] == 0
    sent = {r["row"]: r["bytes"] for r in records}
    assert sent[names.FEDAVG] == 2 * 4 * 4 * (784 * 16 + 16 + 16 * 10 + 10)
    assert sent[names.FEDMD] == 2 * 4 * 4 * 100 * 10
    figures = {path.name for path in run.folder.glob("*.svg")}
    assert figures == {"by_round.svg", "label_shift_attack.svg"}
