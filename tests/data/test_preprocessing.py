"""Columns as inputs: standardized numbers, one-hot texts, their faults; csv without Arrow."""

import csv
import json
import subprocess
import sys

import hypothesis
import numpy as np
import published
import pytest
from hypothesis import strategies as st

from kd_jax.data import preprocessing

NAN = float("nan")


def inputs(train, rows=None):
    """What the columns of some rows become by settings of others that json wrote and read."""
    settings = json.loads(json.dumps(preprocessing.fit(train)))
    found = preprocessing.apply(settings, train if rows is None else rows)
    assert found.dtype == np.float32 and found.ndim == 2
    return found.tolist()


def refused(match, call, *arguments):
    with pytest.raises(ValueError, match=match) as error:
        call(*arguments)
    assert "\n" not in str(error.value)


def test_numbers_are_standardized_by_the_training_rows():
    # 1, 3, 5, 7: mean 4, squared deviations 9, 1, 1, 9, their mean 5
    deviation = 5**0.5
    expected = [[x / deviation] for x in (-3, -1, 1, 3)]
    np.testing.assert_allclose(inputs({"x": [1, 3, 5, 7]}), expected, rtol=1e-6)
    np.testing.assert_allclose(inputs({"x": ["1", "3.0", "5e0", "+7"]}), expected, rtol=1e-6)
    later = inputs({"x": [1, 3, 5, 7]}, {"x": [4, 4 + deviation]})
    np.testing.assert_allclose(later, [[0], [1]], rtol=1e-6)


def test_a_missing_number_is_the_mean_and_flagged_if_training_misses_one():
    train = {"x": [0, None, 2]}  # mean 1, standard deviation 1
    assert inputs(train) == [[-1, 0], [0, 1], [1, 0]]
    assert inputs(train, {"x": [None, 3]}) == [[0, 1], [2, 0]]
    assert inputs({"x": [0, 2]}, {"x": [None, 3]}) == [[0], [2]]


def test_a_constant_column_is_0_also_where_its_mean_would_be_rounded():
    assert np.full(7, 0.1).mean() != 0.1  # so their standard deviation would be 1e-17
    assert inputs({"x": [0.1] * 7}, {"x": [0.1, 1.1]}) == [[0], [1]]


def test_booleans_are_0_and_1_from_every_kind_of_file():
    expected = [[-1], [1]]
    for values in ([False, True], ["False", "True"], ["false", "TRUE"], [0, 1], ["0", "1"]):
        assert inputs({"x": values}) == expected


def test_dates_and_times_are_days_standardized_as_numbers_are():
    # 1 and 3 January 2020: their mean is the second, their deviation a day
    train = {"x": ["2020-01-01", "2020-01-03"]}
    rows = ["2020-01-02", "2020-01-04 12:00", "2020-01-01T23:00:00-01:00", "2020-01-02T00:00Z"]
    np.testing.assert_allclose(inputs(train, {"x": rows}), [[0], [2.5], [0], [0]], atol=1e-9)
    assert inputs({"x": ["2020-01-01", None, "2020-01-03"]}, {"x": [None]}) == [[0, 1]]
    refused("'x', row 1 is 'soon': expected a date", inputs, train, {"x": ["soon"]})
    assert inputs({"x": ["2020-01-01", "later"]}) == [[1, 0, 0], [0, 1, 0]]  # a text among them
    assert inputs({"x": ["20200101", "20200103"]}) == [[-1], [1]]  # as numbers


def test_texts_are_one_hot_with_a_last_place_for_the_rest():
    train = {"x": ["b", "a", None, "b"]}
    assert inputs(train) == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert inputs(train, {"x": ["c", "a", None]}) == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert inputs({"x": ["a", "b"]}, {"x": ["c"]}) == [[0, 0, 1]]


def test_a_column_with_any_text_is_one_of_texts():
    assert inputs({"x": ["1", "2", "many"]}) == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
    assert inputs({"x": ["1_000", "2"]}) == [[1, 0, 0], [0, 1, 0]]  # no number in any file
    assert inputs({"x": ["nan", "naan"]}) == [[0, 1, 0], [1, 0, 0]]  # breads
    assert inputs({"x": [1, "1", "one"]}) == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_64_texts_are_inputs_and_65_are_refused():
    texts = [f"t{number:02}" for number in range(65)]
    assert np.array(inputs({"x": texts[:64]})).tolist() == np.eye(64, 65).tolist()
    refused(
        "'x' has 65 different texts, expected at most 64.*--ignore",
        preprocessing.fit,
        {"x": texts},
    )
    numbers = [str(number) for number in range(997)]
    mixed = {"x": [*numbers[:11], None, "n/k", *numbers[11:], "?", "-"]}
    refused(
        "1000 different texts.*997 of 1001 are; 'n/k' in row 13 is none", preprocessing.fit, mixed
    )


def test_outputs_follow_the_order_of_the_settings_and_other_columns_are_ignored():
    train = {"b": [0, 2], "a": ["x", "y"]}
    rows = {"id": ["i", "j"], "a": ["y", "x"], "b": [2, 0]}
    assert inputs(train, rows) == [[1, 0, 1, 0], [-1, 1, 0, 0]]


@pytest.mark.parametrize(
    "columns, match",
    [
        ({}, "there are no columns"),
        ({"x": []}, "no rows"),
        ({"x": [1, 2], "y": [1]}, "column 'y' has 1 rows, expected 2 as 'x' has"),
        ({"x": [None, None]}, "column 'x' has no value in any row: leave it out with --ignore"),
        ({"x": ["1", "inf"]}, "column 'x', row 2 is 'inf': expected a finite number"),
        ({"x": ["nan", "1"]}, "column 'x', row 1 is 'nan'"),
        ({"x": [1.0, None, NAN]}, "column 'x', row 3 is nan"),
        ({"x": [1, 10**400]}, "column 'x', row 2 is 10+…: expected a finite number"),
        ({"x": [-1e300, 1e300]}, "from -1e.300 to 1e.300, too far apart or too near"),
        ({"x": [0, 1e-200]}, "from 0 to 1e-200, too far apart or too near"),
        ({"x\n": [None]}, r"column 'x\\n' has no value"),
    ],
)
def test_columns_that_cannot_become_inputs_are_refused(columns, match):
    refused(match, preprocessing.fit, columns)


def test_rows_that_do_not_fit_the_settings_are_refused():
    settings = preprocessing.fit({"age": [20, 40], "sex": ["f", "m"]})

    def call(columns):
        return preprocessing.apply(settings, columns)

    refused("no column 'age': did you mean 'Age'", call, {"Age": [1], "sex": ["f"]})
    refused("no column 'sex': the columns are .'age', 'who'.", call, {"age": [1], "who": [1]})
    refused("'sex' has 2 rows, expected 1 as 'age' has", call, {"age": [1], "sex": ["f", "m"]})
    refused("'age', row 2 is 'old': expected a finite", call, {"age": [1, "old"], "sex": ["f"] * 2})
    refused(
        "'age', row 1 is 1e.300: expected a number nearer", call, {"age": [1e300], "sex": ["f"]}
    )
    refused("no rows", call, {"age": [], "sex": []})


def test_numbers_and_texts_are_as_scikit_learn_has_them():
    learn = pytest.importorskip("sklearn.preprocessing")
    random = np.random.default_rng(8)
    numbers = random.lognormal(3, 2, 500)
    texts = random.choice(["red", "green", "Blue", "ä"], 500)
    found = np.array(inputs({"n": numbers.tolist(), "t": texts.tolist()}))
    scaled = learn.StandardScaler().fit_transform(numbers[:, None])
    np.testing.assert_allclose(found[:, :1], scaled, rtol=1e-5, atol=1e-6)
    places = learn.OneHotEncoder(sparse_output=False).fit_transform(texts[:, None])
    np.testing.assert_array_equal(found[:, 1:-1], places)
    assert not found[:, -1].any()


def test_adult_becomes_113_inputs():
    # 6 numbers, none missing; texts: 8 + 16 + 7 + 14 + 6 + 5 + 2 + 41, and 8 last places.
    # That makes 6 + 99 + 8 = 113.
    source = published.needed(published.DATA / "adult" / "adult.data")
    columns = preprocessing.read_csv(source)
    assert columns.pop("Y")[:1] == ["<=50K"] and len(columns) == 14
    settings = preprocessing.fit(columns)
    found = preprocessing.apply(settings, columns)
    assert found.shape == (32561, 113)
    numbers = [place for place, x in enumerate(found[0]) if x not in (0, 1)]
    assert len(numbers) == 6
    np.testing.assert_allclose(found[:, numbers].mean(0, np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(found[:, numbers].std(0, np.float64), 1, atol=1e-6)
    assert (np.delete(found, numbers, 1).sum(1) == 8).all()
    assert columns["workclass"].count(None) == 1836  # as adult.data's "?" are counted
    later = preprocessing.read_csv(source.with_name("adult.test"))
    assert preprocessing.apply(settings, later).shape == (16281, 113)


def test_the_file_runs_where_only_numpy_is_installed(tmp_path):
    copy = tmp_path / "preprocessing.py"
    copy.write_text(open(preprocessing.__file__).read())
    (tmp_path / "rows.csv").write_text("a,b\n1,x\n3,y\n")
    code = """if True:
        import sys
        for name in ("kd_jax", "pyarrow", "jax", "scipy", "jaxtyping"):
            sys.modules[name] = None
        import preprocessing
        columns = preprocessing.read_csv("rows.csv")
        print(preprocessing.apply(preprocessing.fit(columns), columns).tolist())
    """
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "[[-1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]]\n"


def test_columns_without_a_name_may_be_left_out(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(",a,b,\n0,1,x,\n1,3,y,\n")
    found = preprocessing.read_csv(path, skip_nameless=True)
    assert found == {"a": ["1", "3"], "b": ["x", "y"]}
    with pytest.raises(ValueError, match="column 1 has no name.*pandas: to_csv.…, index=False"):
        preprocessing.read_csv(path)


def test_what_is_missing_is_counted_as_no_number():
    values = [f"text {n}" for n in range(70)] + ["nan", None, "7"]
    with pytest.raises(ValueError, match="1 of 73 are; 'text 0'"):
        preprocessing.fit({"a": values})


def test_a_text_may_be_long(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(f"a,b\n1,{'x' * 2**20}\n")
    assert preprocessing.read_csv(path) == {"a": ["1"], "b": ["x" * 2**20]}


FIELDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(FIELDS, min_size=width, max_size=width), min_size=1, max_size=5)
)


@hypothesis.settings(deadline=None, derandomize=True, database=None)
@hypothesis.given(TABLES, st.sampled_from([",", "\t"]), st.sampled_from(["\n", "\r\n"]))
def test_what_csv_writes_is_read_back(tmp_path_factory, rows, separator, line_end):
    path = tmp_path_factory.mktemp("csv") / ("t.tsv" if separator == "\t" else "t.csv")
    names = [f"c{number}" for number in range(len(rows[0]))]
    with open(path, "w", newline="", encoding="utf-8") as file:
        form = {"delimiter": separator, "lineterminator": line_end, "quoting": csv.QUOTE_ALL}
        csv.writer(file, **form).writerows([names, *rows])
    missing = {"", "?", "NA", "N/A", "NaN", "null", "None"}
    fields = [[text.strip() for text in row] for row in rows]
    expected = [[None if text in missing else text for text in row] for row in fields]
    found = preprocessing.read_csv(path)
    assert list(found) == names and list(map(list, zip(*found.values()))) == expected
