"""`distill_encoder` on the smallest encoder: the folder that it writes, and what it refuses."""

import json
import re
import textwrap

import in_process
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_texts
from refusals import refused
from tiny_sentences import sentence_encoder
from verdict_words import check_unjudged

import kd_jax as kd
from kd_jax import experiment
from kd_jax.command import __main__ as command
from kd_jax.command.encoder import folder, run
from kd_jax.command.encoder.config import Config
from kd_jax.report import encoder_run
from kd_jax.storage import jsonl

SMALL = {
    "seeds": 2, "layers": (2, 1), "losses": ("cosine",), "epochs": 1, "batch_size": 16,
    "learning_rate": 1e-2, "max_length": 8, "few_labels": 2, "draws": 1,
    "static": 3,
}  # fmt: skip


def config(place, **given):
    files = {"texts": "texts.jsonl", "teacher": "teacher", "workdir": "runs"}
    usual = {flag: str(place / name) for flag, name in files.items()}
    return Config(**{**SMALL, **usual, "text_column": "q", "label_column": "intent", **given})


def finished(config):
    return in_process.performed("distill_encoder", config, command.encoder_program)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a teacher and texts; two in a hundred texts have more than 8 tokens."""
    found = tmp_path_factory.mktemp("whole")
    sentence_encoder(found / "teacher")
    texts, labels = tiny_texts.drawn(60)
    texts[7] = "how is my card late lost here why"
    rows = [{"q": x, "intent": "ab"[y], "more": []} for x, y in zip(texts, labels)]
    lines = "\n".join(json.dumps(row) for row in [*rows, {"q": " ", "intent": "a"}])
    (found / "texts.jsonl").write_text(lines)
    return found


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        in_process.by_gradient_descent(patch)
        yield


@pytest.fixture(scope="module")
def done(place, quick):
    return place, finished(config(place, out=str(place / "out"), onnx=True))


def test_there_is_a_record_of_the_teacher_each_cut_and_each_student(done):
    records = jsonl.records(done[1])
    rows = ["teacher", "2 layers, cut", *["2 layers, cosine"] * 2, "1 layer, cut"]
    rows += [*["1 layer, cosine"] * 2, "static, 3 numbers"]
    assert [r["row"] for r in records] == rows
    for record in records[1:]:
        assert {"test_probe_accuracy", "test_similarity", "dev_few_accuracy"} < record.keys()
    assert [*records[0]["costs"]] == ["teacher", "2 layers, cut", "1 layer, cut", rows[-1]]


def test_out_is_an_encoder_with_the_others_beside_it(done):
    place, run_folder = done
    comparison = encoder_run.read(run_folder)
    row, seed = comparison.best
    depths = {"2 layers, cosine": 2, "1 layer, cosine": 1}
    best, other = kd.Encoder(place / "out"), 3 - depths[row]
    assert best.network.layers == depths[row] and best.embed("how is my card").shape == (5,)
    name = f"{other}_layer{'s' * (other > 1)}"
    assert kd.Encoder(place / "out" / name).network.layers == other
    assert len([*(place / "out").rglob("onnx/model.onnx")]) == 3
    assert kd.Encoder(place / "out" / "static").embed("how is my card").shape == (3,)
    tests = [r for r in jsonl.records(run_folder) if r["row"] == row and r["seed"] == seed]
    (record,) = tests
    assert comparison.examples[row][seed].mean() == pytest.approx(record["test_probe_accuracy"])
    vectors = best.embed(["how is my card", "late here"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_the_card_says_what_it_is_of_and_how_it_is_used(done):
    place, run_folder = done
    text = (place / "out" / "README.md").read_text(encoding="utf-8")
    table = (place / "out" / "table.md").read_text(encoding="utf-8")
    assert text.startswith("---\nlibrary_name: sentence-transformers\n") and table in text
    assert table == (run_folder / "table.md").read_text(encoding="utf-8")
    assert 'kd.Encoder("FOLDER").embed(' in text and "SentenceTransformer(" in text
    assert "onnx/model.onnx needs neither" in text and "int64, of texts cut at 10 tokens" in text
    assert "pooler is newly initialized" in text and "in a clone of it" in text
    (program,) = re.findall(r"^(    import numpy as np, onnx.*?\n)(?=\S)", text, re.M | re.S)
    names: dict = {}
    exec(textwrap.dedent(program).replace("FOLDER", str(place / "out")), names)
    wanted = kd.Encoder(place / "out").embed(["how is my card", "my card is late"])
    np.testing.assert_allclose(names["vectors"], wanted, atol=1e-5)
    assert "1 line has no text in" in text and "1 of 48 training texts is longer than 8" in text
    assert (place / "out" / "records.jsonl").read_text() and (run_folder / "examples.npz").is_file()


def test_the_same_command_again_replaces_its_own_folder_with_the_same_numbers(done):
    place, first = done
    second = finished(config(place, out=str(place / "out")))
    assert second.name != first.name

    def numbers(folder):
        return [
            {k: v for k, v in r.items() if k not in ("costs", "check")}
            for r in jsonl.records(folder)
        ]

    assert numbers(first) == numbers(second)


def test_a_killed_run_goes_on_with_what_is_recorded(place, monkeypatch):
    given = config(place, base_seed=1)
    trained, whole = [], run.Distiller.train

    def train(self, row, seed, execution):
        trained.append((row.name, seed))
        if len(trained) == 3:
            raise KeyboardInterrupt
        return whole(self, row, seed, execution)

    monkeypatch.setattr(run.Distiller, "train", train)
    with pytest.raises(KeyboardInterrupt):
        finished(given)
    records = jsonl.records(finished(given))
    assert len(records) == 8 and trained[:2] == [("2 layers, cosine", 0), ("2 layers, cosine", 1)]
    assert trained.count(("2 layers, cosine", 0)) == 1 and ("1 layer, cosine", 0) in trained[3:]


def test_a_smoke_judges_nowhere(place, tmp_path, capsys):
    few = {"seeds": 3, "layers": (1,), "static": 0, "preset": "smoke"}
    out = tmp_path / "out"
    run_folder = finished(config(place, **few, out=str(out)))
    check_unjudged(capsys.readouterr().out, run_folder, out)


def test_a_smoke_has_no_static_student_unless_one_is_asked_for():
    """The vectors of all tokens take twice as long as the rest."""
    for more, numbers in (([], 0), (["--static=8"], 8)):
        given = ["distill_encoder", "--texts=a.txt", "--preset=smoke", *more]
        assert experiment.parse(Config, given).static == numbers


def test_bad_input_is_one_line(place, tmp_path):
    def wrong(match, **given):
        given = {name: str(x) if name == "out" else x for name, x in given.items()}
        refused(match, lambda: finished(config(place, **given)))

    wrong("--label_column=intend: .* did you mean 'intent'", label_column="intend")
    wrong("up to 11 tokens: expected 10 at most", max_length=11)
    wrong("--layers=3: expected fewer", layers=(3,))
    wrong("--width=5: expected a multiple of 8", width=5)
    wrong("no loss 'kl'", losses=("kl",))
    wrong("--losses=mse.cosine: the row 2 layers, cosine . mse is the same sum",
          losses=("cosine+mse", "mse+cosine"))  # fmt: skip
    wrong("expected each loss once", losses=("cosine+cosine",))
    wrong("none.jsonl does not exist", ranking=str(tmp_path / "none.jsonl"))
    wrong("is no folder", teacher=str(tmp_path / "none"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    wrong(r"--out=.*mine holds other files \(thesis.txt\)", out=tmp_path / "mine")
    wrong("--out=.* and --teacher=.* overlap", out=place / "teacher" / "student")
    (tmp_path / "runs").mkdir()
    wrong(
        "--out=.* and --workdir=.* overlap", out=tmp_path / "runs", workdir=str(tmp_path / "runs/x")
    )
    refused("--texts is missing", Config)
    refused("--ranking_losses=mse and no --ranking=FILE", config, place, ranking_losses=("mse",))
    refused("--longer=drop: expected one of cut, skip", config, place, longer="drop")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_hidden_states_that_do_not_fit_are_refused_before_any_work(place, monkeypatch):
    monkeypatch.setattr(run.memory, "available", lambda: 1000)
    refused("leave hidden out, as in --losses=cosine.gram", run.prepared,
            config(place, losses=("cosine+hidden",)))  # fmt: skip
    assert run.prepared(config(place)).imitated() == []
    assert folder.SAME == 1e-5
