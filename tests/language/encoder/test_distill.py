"""kd.distill_encoder on the smallest encoder: students learn, and what is measured is theirs."""

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_texts
from refusals import refused
from tiny_sentences import sentence_encoder

import kd_jax as kd
from kd_jax.data import texts as own_texts
from kd_jax.language.encoder import loss, measures, problem, reading, students, training
from kd_jax.language.encoder.distill import Distiller
from kd_jax.language.encoder.outputs import outputs
from kd_jax.language.encoder.training import Recipe


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """3 layers of 32, three poolings, a dense layer to 5 numbers, length 1; texts of 10 tokens."""
    return kd.Encoder(sentence_encoder(tmp_path_factory.mktemp("teacher")))


@pytest.fixture(scope="module")
def result(teacher):
    texts, _ = tiny_texts.drawn(64)
    recipe = Recipe(epochs=12, batch_size=16, learning_rate=1e-2, widths=(10,))
    return kd.distill_encoder(
        teacher, texts[:48], dev=texts[48:54], test=texts[54:], layers=(1,), seeds=2, recipe=recipe
    )


def test_students_come_nearer_to_the_teacher_than_their_cut(result):
    rows = {(r["row"], r["seed"]): r for r in result.records}
    name = "1 layer, cosine + hidden + gram"
    assert [*rows] == [("teacher", 0), ("1 layer, cut", 0), (name, 0), (name, 1)]
    cut = rows["1 layer, cut", 0]
    for seed in (0, 1):
        ours = rows[name, seed]
        assert ours["test_similarity"] > cut["test_similarity"] and ours["cut"] == "1 layer, cut"
        assert 0 < ours["train_cosine"] < 1
    assert rows[name, 0]["train_loss"] != rows[name, 1]["train_loss"]
    costs = rows["teacher", 0]["costs"]
    assert costs["teacher"]["layers"] == 3 and costs["1 layer, cut"]["layers"] == 1
    assert costs["teacher"]["layer_parameters"] == 3 * costs["1 layer, cut"]["layer_parameters"]


def test_what_is_saved_gives_what_the_records_say(result, teacher, tmp_path):
    """The test's rank correlations and neighbors again, by SciPy, of the folder that is read."""
    result.save(tmp_path / "small")
    small = kd.Encoder(tmp_path / "small")
    written = (tmp_path / "small" / "README.md").read_text(encoding="utf-8")
    assert result.comparison.markdown() in written and "seed" in written and "## Use" in written
    assert small.network.layers == 1 and small.prompts == teacher.prompts
    for name, theirs in teacher.params["embeddings"].items():
        ours = small.params["embeddings"][name]
        if name != "norm":
            np.testing.assert_array_equal(ours, theirs)
    parts = result.problem.parts
    held = parts.dev.texts + parts.test.texts
    ours, theirs = (np.float64(encoder.embed(held)) for encoder in (small, teacher))
    np.testing.assert_allclose(ours, result.best.embed(held), atol=1e-5)
    found = []
    for row in range(len(held)):
        others = np.delete(np.arange(len(held)), row)
        pair = [np.round(x[others] @ x[row], 9) for x in (ours, theirs)]
        found.append(stats.spearmanr(*pair).statistic)
    row, seed = result.comparison.best
    (record,) = (r for r in result.records if (r["row"], r["seed"]) == (row, seed))
    assert record["test_similarity"] == pytest.approx(np.mean(found[6:]), abs=1e-4)
    assert record["dev_similarity"] == pytest.approx(np.mean(found[:6]), abs=1e-4)
    known = [np.float64(encoder.embed(parts.train.texts)) for encoder in (small, teacher)]
    same = np.argmax(ours @ known[0].T, 1) == np.argmax(theirs @ known[1].T, 1)
    assert record["test_nearest_agreement"] == pytest.approx(same[6:].mean(), abs=0.11)


def test_the_page_names_verdict_rows_and_speed(result):
    text = str(result)
    assert "(chosen)" in text and "texts/s" in text  # names are folded on a narrow terminal
    assert "fewer than 3 seeds: no verdict. Its similarities agree" in " ".join(text.split())
    assert "times its speed" in text.replace("\n", " ")
    refused("there is no row x: expected one of 1 layer, cosine", result.student, "x")
    refused("seed=2: expected 0 to 1", result.student, "1 layer, cosine + hidden + gram", 2)


def test_with_labels_probes_and_neighbors_are_measured_text_by_text(teacher):
    texts, labels = tiny_texts.drawn(40)
    train, held = (kd.Texts(texts[x], np.array(labels[x])) for x in (slice(30), slice(30, None)))
    task = measures.Task(teacher, train, held, measures.Few(2, 3, 0))
    found = task.examples(task.of_teacher)
    assert {*found} == {"probe_accuracy", "few_accuracy", "nearest_accuracy", "similarity",
                        "nearest_agreement"}  # fmt: skip
    assert all(x.shape == (10,) for x in found.values())
    np.testing.assert_allclose(found["similarity"], 1)
    np.testing.assert_array_equal(found["nearest_agreement"], 1)
    known, ours = teacher.embed(train.texts), teacher.embed(held.texts)
    right = np.array(labels)[np.argmax(ours @ known.T, 1)] == held.labels
    np.testing.assert_array_equal(found["nearest_accuracy"], right)
    few = measures.Few(per_class=20)
    least = int(np.bincount(train.labels).min())
    assert measures.Task(teacher, train, held, few).few.per_class == least < 20
    refused("3 held-out texts", measures.Task, teacher, train, held.take(range(3)))


def test_longer_texts_are_counted_and_cut_or_left_out(teacher):
    texts = ["how is my card", "late", "my card is late lost here"]  # 6, 3 and 8 tokens
    cut = reading.read(teacher, texts, 6)
    assert cut.longer == 1 and cut.tokens.mask.sum(1).tolist() == [6, 3, 6]
    kept = reading.read(teacher, texts, 6, skip=True)
    assert kept.longer == 1 and kept.rows.tolist() == [0, 1] and kept.tokens.ids.shape[1] == 6
    assert reading.read(teacher, texts).max_length == 10
    refused("up to 11 tokens: expected 10 at most", reading.read, teacher, texts, 11)
    refused(
        "of 1 text each is longer than 3 tokens", reading.read, teacher, texts[:1], 3, skip=True
    )


@pytest.mark.parametrize(
    "given, said",
    [
        ({"layers": 0}, "layers=0: expected a whole number, 1 or more"),
        ({"layers": "1"}, "layers='1': expected a whole number"),
        ({"layers": 1, "losses": "cos"}, "there is no loss 'cos'.*did you mean cosine"),
        ({"seeds": 0}, "seeds=0: expected a whole number, 1 or more"),
        ({"epochs": 1.5}, "epochs=1.5: expected a whole number"),
        ({"batch_size": 0}, "batch_size=0: expected a whole number, 1 or more"),
        ({"learning_rate": float("nan")}, "learning_rate=nan: expected a finite number above 0"),
        ({"learning_rate": "x"}, "learning_rate='x': expected a number"),
        ({"static": -1}, "static=-1: expected a whole number, 0 or more"),
        ({"train": None}, "None stands for texts: expected a list of texts, or what kd.read_texts"),
        ({"train": ["a", None]}, "None stands among texts"),
        ({"train": "a"}, "'a' stands for texts"),
    ],
)
def test_what_python_gives_in_place_of_numbers_and_texts_is_one_line(teacher, given, said):
    texts, _ = tiny_texts.drawn(40)
    usual = {"train": texts, "layers": (1,), "losses": ("cosine",)}
    refused(said, lambda: kd.distill_encoder(teacher, **(usual | given)))


def test_texts_to_embed_and_places_to_save_that_are_none(teacher, tmp_path):
    refused("texts is None: expected one text, or texts", teacher.embed, None)
    (tmp_path / "file").write_text("mine")
    refused("file is a file: expected a new folder", teacher.save, tmp_path / "file")
    refused("file/below cannot be written", teacher.save, tmp_path / "file" / "below")
    refused("None is no path", teacher.save, None)


def test_a_batch_larger_than_the_texts_is_refused_before_the_teacher_is_asked(teacher, monkeypatch):
    monkeypatch.setattr(Distiller, "teacher", lambda self: pytest.fail("the teacher is asked"))
    texts = [f"{text} {n}" for n, text in enumerate(tiny_texts.drawn(40)[0])]  # no two alike
    refused("--batch_size=33: expected no more than 32 texts to learn from", kd.distill_encoder,
            teacher, texts, layers=(1,), batch_size=33)  # fmt: skip


def test_bad_input_is_one_line(teacher):
    texts, _ = tiny_texts.drawn(40)
    refused("--layers=3: expected fewer than the teacher's 3", kd.distill_encoder, teacher, texts,
            layers=(3,))  # fmt: skip
    refused("there is no loss 'cosin'", kd.distill_encoder, teacher, texts, layers=(1,),
            losses=["cosin"])  # fmt: skip
    few = Recipe(batch_size=33)
    first = students.of_layers(teacher, 1)
    tokens = reading.read(teacher, texts[:32]).tokens
    said = outputs(teacher, tokens, [])
    assert said.hidden.shape == (32, 0, 8, 32)
    refused(
        "--batch_size=33: expected no more than 32 texts",
        training.Training,
        first,
        said,
        ["cosine"],
        few,
    )


def test_widths_hold_half_and_nine_tenths_of_the_texts():
    lengths = np.array([5] * 60 + [12] * 35 + [40] * 5)
    assert training.widths(lengths, 40) == (8, 16)
    assert training.widths(np.full(10, 8), 8) == ()
    assert loss.WEIGHTS.keys() == loss.TERMS.keys()


@pytest.mark.parametrize("count", [2, 3])
def test_too_few_test_texts_are_told_before_anything_is_trained(teacher, count):
    texts, _ = tiny_texts.drawn(20)
    parts = own_texts.parted(
        kd.Texts(texts[:12]), kd.Texts(texts[12:16]), kd.Texts(texts[16 : 16 + count])
    )
    given = problem.prepare(
        teacher,
        parts,
        layers=(1,),
        losses=("cosine",),
        recipe=Recipe(batch_size=8),
        seeds=3,
        base_seed=0,
    )
    told = "test: 2 texts, and no verdicts come of fewer than 3: expected more, by --test or"
    assert any(note.startswith(told) for note in given.notes) == (count == 2)


def test_numbers_that_are_more_than_there_are_are_told(teacher):
    """The teacher's vectors have 5 numbers, and one class of the training texts has 4 texts."""
    texts, _ = tiny_texts.drawn(24)
    labels = np.array([0] * 4 + [1] * 12)
    parts = own_texts.parted(
        kd.Texts(texts[:16], labels), kd.Texts(texts[16:20], labels[:4]),
        kd.Texts(texts[20:], labels[-4:]),
    )  # fmt: skip
    given = problem.prepare(
        teacher, parts, layers=(1,), losses=("cosine",), recipe=Recipe(batch_size=8),
        seeds=3, base_seed=0,
        static=6, few=measures.Few(per_class=400),
    )  # fmt: skip
    assert given.static == 5 and given.task.few.per_class == 4
    assert "--static=6: 5 numbers, as the teacher's vectors have no more" in given.notes
    assert "--few_labels=400: 4 of each class, as one has no more" in given.notes
