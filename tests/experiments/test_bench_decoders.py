"""The benchmark of decoders: each job does its task on a folder; both take turns; the table."""

import io
import json
import sys

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import jax

from experiments.bench import decoders, implementations, ours_decoder, report, rows
from kd_jax.language import tiny_teacher
from kd_jax.pretrained import decoder_folder
from kd_jax.storage import run_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny")
    model = tiny_teacher.chat_model(jax.random.key(0), [])
    decoder_folder.save(path, model.net, model.params, model)
    return str(path)


def test_ours_takes_steps_writes_and_loads(folder):
    step = ours_decoder.step(folder, 0)
    under_way = step.__closure__[0].cell_contents
    step()
    first = under_way.whole_curves()["loss"][0].item()
    for _ in range(3):
        step()
    assert under_way.done == 4 and under_way.whole_curves()["loss"][3].item() < first
    written = ours_decoder.generate(folder, 0)()
    assert [len(ids) for ids in written] == [32] * 4
    assert np.isfinite(ours_decoder.load(folder, 0)())  # the sum of all that was read


@pytest.mark.parametrize("task", decoders.OF_STUDENT)
def test_transformers_does_the_same_tasks(folder, task):
    pytest.importorskip("transformers", reason="is of the extra bench")
    pytest.importorskip("torch", reason="is of the extra bench")
    from experiments.bench import torch_decoder

    getattr(torch_decoder, task)(folder, 0)()


def test_a_process_answers_every_turn_and_with_its_memory(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 3))
    decoders.main("ours_decoder", "load", folder, "3", "0")
    first, *turns, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"seconds": "ready"} and last["peak_bytes"] > 1e7
    assert len(turns) == 2 and all(0 < turn["processor"] for turn in turns)


def test_both_take_turns_and_the_table_has_their_medians(tmp_path, monkeypatch):
    """3 and 6 seconds, of which the first turn is not told."""
    order = []

    class Process:
        def __init__(self, module, task, *rest):
            self.module, self.task = module, task

        def communicate(self):
            order.append(f"{self.module} ends")

    def next_epoch(process):
        order.append(process.module)
        if order.count(process.module) % 3 == 0:
            return {"peak_bytes": 1e8}
        seconds = 3.0 if process.module == "ours_decoder" else 6.0
        seconds *= 5 if process.task == "step" else 1  # steps of a turn
        return {"seconds": seconds, "processor": 2 * seconds}

    monkeypatch.setattr(
        implementations, "spawned", lambda module, arguments, environment: Process(*arguments)
    )
    monkeypatch.setattr(implementations, "next_epoch", next_epoch)
    model = tiny_teacher.chat_model(jax.random.key(0), [])
    monkeypatch.setattr(decoders.load, "load", lambda: model)
    monkeypatch.setattr(decoders, "LAYERS", 2)
    run = run_folder.Run(str(tmp_path), "bench", {})
    run.uses()
    run.each(decoders.units(2, seed=0))
    found = run.records()
    assert order[:4] == ["ours_decoder", "torch_decoder"] * 2
    assert [r["task"] for r in found] == ["step", "step", "generate", "generate", "load", "load"]
    assert all(r["part"] == rows.DECODERS and len(r["seconds"]) == 2 for r in found)
    assert found[0]["row"] == rows.OURS
    table = report.decoders_table(found)
    assert table.count("3.000 (6.000), 100 MB") == 3 and table.count("2.0×") >= 3
    assert table.count("REACHED") == 3


def test_what_is_given_is_the_seed_s():
    ids, hidden = decoders.given(1, 100, 8)
    assert ids.shape == (20, 112) and hidden.shape == (20, 64, 8) and ids.max() < 100
    np.testing.assert_array_equal(ids, decoders.given(1, 100, 8)[0])
    assert (ids != decoders.given(2, 100, 8)[0]).any()
