"""The encoder experiment: its texts, its bad input, and a run on the smallest encoder there is."""

import json
import types

import jax
import numpy as np
import pytest
from in_process import drawn_by_numpy, finished
from published import DATA, needed

from kd_jax.storage import jsonl

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from tiny_bert import random_params
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from experiments.encoder import data, report, rows
from experiments.encoder import run as encoder
from experiments.encoder.config import Config
from kd_jax import experiment
from kd_jax.data import banking77
from kd_jax.data.banking77 import Questions
from kd_jax.errors import InputError
from kd_jax.language.encoder import reading, students
from kd_jax.models import bert
from kd_jax.pretrained import bert as bert_files
from kd_jax.pretrained import encoder as encoders
from kd_jax.pretrained import layer_selection, sentence_embeddings

NET = bert.Bert(120, width=16, layers=2, heads=2, intermediate_size=16, max_position_embeddings=128)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a random encoder, whose words are frequent ones of BANKING77."""
    folder = tmp_path_factory.mktemp("encoder")
    (questions, _, _) = banking77.load(manual_dir=str(needed(DATA / "banking77").parent))
    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]"]
    trainer = trainers.WordLevelTrainer(vocab_size=NET.vocabulary, special_tokens=special)
    words.train_from_iterator(questions.texts, trainer)
    params = random_params(NET, 0)
    params["layers"] = layers = jax.tree.map(lambda x: x / 2, params["layers"])
    for norm in (params["embeddings"]["norm"], layers["attention_norm"], layers["norm"]):
        norm |= {"scale": np.ones_like(norm["scale"]), "bias": np.zeros_like(norm["bias"])}
    bert_files.save(folder, NET, params)
    words.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def teacher(folder):
    return encoder.load(Config(teacher=str(folder), layers=(1,)))


def test_the_first_questions_of_each_intent():
    questions = Questions(list("abcdef"), np.array([1, 0, 1, 1, 0, 2], np.int32))
    few = data.first_of_each(questions, 2)
    assert few.texts == list("abcef") and few.labels.tolist() == [1, 0, 1, 0, 2]
    assert data.first_of_each(questions, 0).texts == list("abcdef")


def test_alternate_layers_end_with_the_last():
    assert layer_selection.alternate(6, 3) == [1, 3, 5]
    assert layer_selection.alternate(6, 2) == [2, 5] and layer_selection.alternate(6, 1) == [5]


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--layers=0"], "--layers=0: expected at least 1"),
        (["--layers=2,2"], "--layers=2,2: the same value stands there twice"),
        (["--learning_rate=-1"], "--learning_rate=-1: expected a finite number above 0"),
        (["--gram_weight=-1"], "--gram_weight=-1: expected at least 0"),
        (["--few_labels=0"], "--few_labels=0: expected at least 1"),
        (["--batch_size=0"], "--batch_size=0: expected at least 1"),
        (["--widths=24,16"], "--widths=24,16: expected ascending numbers"),
        (["--draws=0"], "--draws=0: expected at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(flags, said):
    with pytest.raises(InputError, match=said):
        experiment.parse(Config, ["x", *flags])


def test_texts_of_a_file_join_and_other_encodings_are_refused(tmp_path):
    file = tmp_path / "texts.txt"
    where = {
        "manual_dir": str(needed(DATA / "banking77").parent),
        "sentences": 5,
        "text": str(file),
    }
    file.write_text("Ein Satz.\n\n  ein zweiter \n", encoding="utf-8")
    texts = data.unlabeled_texts(Config(**where))
    assert len(texts) == 7 and texts[5:] == ["Ein Satz.", "ein zweiter"]
    file.write_bytes("für".encode("latin-1"))
    with pytest.raises(InputError, match="expected UTF-8") as caught:
        data.unlabeled_texts(Config(**where))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="is no file"):
        data.unlabeled_texts(Config(**where | {"text": str(tmp_path / "absent")}))


def test_another_base_seed_draws_other_sentences_labels_and_layers(teacher, monkeypatch):
    where = {"manual_dir": str(DATA), "layers": (1,), "sentences": 20, "questions": 5}
    zero, one = (Config(**where, base_seed=n) for n in (0, 1))
    drawn = [set(data.unlabeled_texts(config)) for config in (zero, one)]
    assert len(drawn[0]) == 20 and drawn[0] != drawn[1]
    few = [data.intents(config, teacher).few for config in (zero, one)]
    assert few[0].seed != few[1].seed
    trained = [encoder.EncoderStudents(config, teacher, None, None, None) for config in (zero, one)]
    first_layers = lambda key: {"params": {"layers": jax.random.key_data(key)}}  # noqa: E731
    drawn = types.SimpleNamespace(init=first_layers)
    monkeypatch.setattr(students, "sentence_encoder", lambda net: drawn)

    def first(trainer, seed):
        return trainer.first(1, rows.RANDOM, seed).params["layers"].tolist()

    firsts = [first(students, seed) for students in trained for seed in (0, 1)]
    assert all(firsts.count(each) == 1 for each in firsts)
    assert first(trained[0], 1) == firsts[1]


def test_more_labels_than_an_intent_has_questions_are_one_line(teacher):
    where = {"manual_dir": str(DATA), "questions": 4}
    with pytest.raises(InputError, match="--few_labels=5: a class has 4 training texts"):
        data.intents(Config(**where), teacher)


def test_settings_that_do_not_fit_the_teacher_are_one_line(folder, teacher):
    with pytest.raises(InputError, match="--layers=2: expected fewer than the teacher's 2"):
        encoder.load(Config(teacher=str(folder), layers=(1, 2)))
    with pytest.raises(InputError, match="up to 129 tokens: expected 128 at most"):
        reading.read(teacher, ["a text"], 129)


@pytest.mark.parametrize("copies", [1, 3])  # older records have as many of a cut as seeds
def test_a_cut_has_no_seed_and_every_student_is_compared_with_it(tmp_path, copies):
    names = "probe_accuracy", "few_accuracy", "nearest_accuracy", "nearest_agreement"

    def record(arm, seed, right):
        known = {"row": rows.row_name(1, arm), "arm": arm, "layers": 1, "seed": seed}
        return known | dict.fromkeys(names, right)

    cost = {"parameters": 8, "layer_parameters": 4, "bytes": 32, "sentences_per_second": 9.0}
    costs = [cost | {"layers": layers} for layers in (2, 1)]
    more = {"layers": 2, "tests": 100, "costs": costs}
    teacher = {"row": rows.TEACHER, "seed": 0, **dict.fromkeys(names[:-1], 0.8), **more}
    written = [teacher, *(record(rows.CUT, seed, 0.4) for seed in range(copies))]
    for arm in rows.TRAINED:
        written += [record(arm, seed, 0.5 + 0.01 * seed) for seed in range(3)]
    (tmp_path / "records.jsonl").write_text(jsonl.text(written))
    (tmp_path / "config.json").write_text('{"seeds": 3, "few_labels": 5}')
    cells = [[x.strip() for x in line.split("|")] for line in report.table(tmp_path).splitlines()]
    (cut,) = (x[1:-1] for x in cells if x[1:2] == ["1 layer, cut"])
    assert cut == ["1 layer, cut", "40.0", "40.0", "40.0", "40.0", "50.0"]
    # 50, 51 and 52 % are 10, 11 and 12 points above 40: mean 11, s.d. 1, 4.3027 · 1/√3 = 2.48
    found = [x[2:-1] for x in cells if len(x) == 6 and x[1] == "1 layer, distilled from the cut"]
    assert [x[1:] for x in found] == [["+11.00 [+8.52, +13.48]", "BEATS"]] * 4
    report.draw(tmp_path)
    assert (tmp_path / "accuracy_by_speed.svg").stat().st_size > 5000


def has_every_arm(folder, depths, printed):
    """Check what a run with students of one depth wrote; depths: the teacher's and theirs."""
    first, *found = jsonl.records(folder)
    assert first["row"] == rows.TEACHER and first["layers"] == depths[0]
    arms = [rows.CUT, *rows.TRAINED]
    seen = [(r["row"], r["seed"]) for r in found]
    expected = [(rows.row_name(depths[1], arm), s) for arm in rows.TRAINED for s in (0, 1)]
    assert sorted(seen) == sorted([(rows.row_name(depths[1], rows.CUT), 0), *expected])
    mean = {
        arm: np.mean([r["nearest_agreement"] for r in found if r["arm"] == arm]) for arm in arms
    }
    # the same start: what the teacher says of the texts brings a student nearer to it
    assert mean[rows.CUT] < mean[rows.EMBEDDINGS] and mean[rows.CUT] < mean[rows.DISTILLED]
    assert len({r["train_loss"] for r in found if r["arm"] != rows.CUT}) == 6
    assert [cost["layers"] for cost in first["costs"]] == depths
    teacher, student = (cost["layer_parameters"] for cost in first["costs"])
    assert student * depths[0] == teacher * depths[1]
    assert all(cost["sentences_per_second"] > 0 for cost in first["costs"])
    assert (folder / "accuracy_by_speed.svg").stat().st_size > 5000
    assert json.loads((folder / "manifest.json").read_text())["teacher"]
    assert report.table(folder) in printed + "\n"


def test_a_run_has_every_arm_of_every_seed(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(encoders, "_longest", lambda said: 8)  # one width for all texts
    drawn_by_numpy(monkeypatch)
    config = Config(
        seeds=2, layers=(1,), epochs=20, sentences=32, questions=2, few_labels=2, draws=1,
        max_length=8, widths=(8,), batch_size=8, learning_rate=1e-2, teacher=str(folder),
        manual_dir=str(DATA), workdir=str(tmp_path),
    )  # fmt: skip
    has_every_arm(finished("encoder", config), [2, 1], capsys.readouterr().out)


@pytest.mark.slow
def test_a_run_on_the_packaged_encoder(tmp_path, capsys):
    pytest.importorskip(sentence_embeddings.PACKAGE, reason="needs a package of weights")
    config = Config(
        seeds=2, layers=(2,), epochs=1, sentences=64, questions=2, max_length=24, few_labels=1,
        draws=2, manual_dir=str(needed(DATA / "banking77").parent), workdir=str(tmp_path),
    )  # fmt: skip
    has_every_arm(finished("encoder", config), [6, 2], capsys.readouterr().out)
