"""Rankings of a file: what is read and refused, what students learn, and how all are measured."""

import json

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import tiny_texts
from refusals import refused
from tiny_sentences import sentence_encoder

import kd_jax as kd
from kd_jax.language.encoder import ranked, rankings
from kd_jax.language.encoder.rankings import Ranking

LINE = {"query": "how", "positive": "why", "negatives": ["late", "card"], "scores": [2, 0.5, -1]}


def written(path, lines):
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def drawn(count):
    """Rankings whose scores are how many words a passage has in common with the query."""
    texts, _ = tiny_texts.drawn(4 * count, seed=3)
    found = []
    for row in range(count):
        query, *passages = texts[4 * row : 4 * row + 4 - row % 2]
        scores = [len({*query.split()} & {*x.split()}) + 0.1 * n for n, x in enumerate(passages)]
        found.append({"query": f"{query}", "positive": passages[0], "negatives": passages[1:],
                      "scores": scores})  # fmt: skip
    return found


def test_parts_share_no_query(tmp_path):
    lines = [LINE | {"query": f"q{n % 20}", "id": n} for n in range(40)]
    found = rankings.read(written(tmp_path / "a.jsonl", lines), (0.5, 0.25, 0.25), seed=1)
    parts = [{each.query for each in part} for part in found[:3]]
    assert list(map(len, parts)) == [10, 5, 5] and len(set.union(*parts)) == 20
    assert [len(part) for part in found[:3]] == [20, 10, 10]
    assert found.train[0].passages == ["why", "late", "card"]
    assert found.train[0].scores == [2, 0.5, -1]
    assert found.notes == ["train 20, dev 10, test 10 rankings of 20 queries"]
    again = rankings.read(tmp_path / "a.jsonl", (0.5, 0.25, 0.25), seed=2)
    assert {each.query for each in again.test} != parts[2]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"postive": "x", "positive": ...}, "line 2 has no key positive: did you mean postive?"),
        ({"scores": ...}, "line 2 has no key scores: it has the keys query, positive, neg"),
        ({"scores": [1, 2]}, "scores has 2 numbers, expected 3: that of the positive and then"),
        ({"scores": [1, 2, float("nan")]}, "a score is nan, expected a finite number"),
        ({"scores": [1, 2, float("-inf")]}, "a score is -inf, expected a finite number"),
        ({"scores": [1, 2, True]}, "a score is True, expected a finite number"),
        ({"scores": 3}, "scores is 3, expected a list"),
        ({"negatives": [], "scores": [1]}, r"negatives is \[\], expected a list, not an empty one"),
        ({"negatives": ["x", " "]}, "negatives is empty: there is nothing to rank"),
        ({"query": 7}, "query is 7, expected a text"),
    ],
)
def test_what_is_no_ranking_is_refused_with_its_line(tmp_path, change, said):
    wrong = {key: value for key, value in (LINE | change).items() if value is not ...}
    refused(said, rankings.read, written(tmp_path / "a.jsonl", [LINE, wrong]))


def test_too_few_queries_or_equal_scores_are_refused(tmp_path):
    one = written(tmp_path / "one.jsonl", [LINE] * 30)
    refused("one.jsonl: different queries: 1, too few for dev", rankings.read, one)
    same = written(tmp_path / "same.jsonl", [LINE | {"scores": [1, 1, 1]}] * 2)
    refused("same.jsonl: every query has one score for all", rankings.read, same)
    refused("none.jsonl does not exist: check the path$", rankings.read, tmp_path / "none.jsonl")
    (tmp_path / "list.jsonl").write_text("[1]")
    refused(
        "line 1 is .1.: expected an object like .*query", rankings.read, tmp_path / "list.jsonl"
    )


def test_lists_are_arrays_and_their_scores_get_the_unit_of_cosines():
    """Margins by hand: 3 and −1 in scores; 1 − 0 and 1 − 0.6 in cosines."""
    given = ranked.lists(
        [Ranking("a", ["b", "c"], [4, 1]), Ranking("a", ["b", "d", "c"], [0, 1, 0])]
    )
    assert given.texts == ["a", "b", "c", "d"]
    assert given.places.tolist() == [[0, 1, 2, 0], [0, 1, 3, 2]]
    np.testing.assert_array_equal(given.scores, [[4, 1, -np.inf], [0, 1, 0]])
    vectors = np.array([[2.0, 0], [3, 0], [0, 1], [3, 4]])
    np.testing.assert_allclose(given.cosines(vectors), [[1, 0, 1], [1, 0.6, 0]], atol=1e-12)
    size = np.sqrt((3**2 + 1 + 0) / 3) / np.sqrt((1 + 0.4**2 + 1) / 3)
    assert ranked.unit_of(given, vectors) == pytest.approx(size)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return kd.Encoder(sentence_encoder(tmp_path_factory.mktemp("teacher")))


@pytest.fixture(scope="module")
def result(teacher, tmp_path_factory):
    path = written(tmp_path_factory.mktemp("file") / "rankings.jsonl", drawn(60))
    texts = [f"{text} {n}" for n, text in enumerate(tiny_texts.drawn(48)[0])]  # no two alike
    return kd.distill_encoder(
        teacher, texts, layers=(1,), losses=("cosine",), seeds=1, epochs=8, learning_rate=1e-2,
        batch_size=24, widths=(10,), ranking=path, ranking_losses=("margin_mse+listwise_kl",),
    )  # fmt: skip


def test_rows_that_learn_from_rankings_agree_with_them_more_than_their_cut(result):
    rows = {r["row"]: r for r in result.records}
    name = "1 layer, ranked: margin_mse + listwise_kl"
    assert [*rows] == ["teacher", "1 layer, cut", "1 layer, cosine", name]
    assert rows[name]["train_margin_mse"] > 0 and "train_cosine" not in rows[name]
    for others in ("1 layer, cut", "1 layer, cosine"):
        assert rows[name]["test_ranking_agreement"] > rows[others]["test_ranking_agreement"]
    assert result.comparison.best == (name, 0)
    for text in ("100 τ", "100 MRR", "100 nDCG", "Its rankings agree with the scores by τ = "):
        assert text in result.comparison.markdown()
    assert "rankings of 59 queries" in result.comparison.markdown()  # two are the same


def test_measures_are_those_of_the_encoder_that_is_taken_away(result, teacher, tmp_path):
    result.save(tmp_path / "small")
    small, held = kd.Encoder(tmp_path / "small"), result.problem.ranked
    for encoder, row in (
        (small, "1 layer, ranked: margin_mse + listwise_kl"),
        (teacher, "teacher"),
    ):
        lists, found, first = held.task.lists, [], []
        vectors = dict(zip(lists.texts, np.float64(encoder.embed(lists.texts))))
        for places, scores in zip(lists.places, lists.scores):
            count = int(np.sum(scores > -np.inf))
            query, *passages = (vectors[lists.texts[place]] for place in places[: count + 1])
            own = [query @ x / np.linalg.norm(query) / np.linalg.norm(x) for x in passages]
            found.append(np.nan_to_num(stats.kendalltau(own, scores[:count]).statistic))
            first.append(1 / stats.rankdata(-np.array(own), method="max")[0])
        (record,) = (r for r in result.records if r["row"] == row)
        wanted = np.mean(found[held.dev :]), np.mean(first[held.dev :])
        assert record["test_ranking_agreement"] == pytest.approx(wanted[0], abs=1e-6)
        assert record["test_reciprocal_rank"] == pytest.approx(wanted[1], abs=1e-6)
        assert record["dev_ranking_agreement"] == pytest.approx(
            np.mean(found[: held.dev]), abs=1e-6
        )
