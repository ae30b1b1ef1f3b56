"""Tables as problems: parts, inputs by the training rows alone, raw rows, and what is refused."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from published import DATA, needed
from refusals import refused

from kd_jax.command import problem


def test_parts_share_the_rows_out_and_are_standardized_by_the_training_rows(settings, people):
    found = problem.read(settings(data=people(), label="old", ignore=("id",)))
    assert (found.name, found.kind, found.classes) == ("people", "table", ["no", "yes"])
    # 20 rows of each class: 14, 2 and 4
    assert [np.bincount(p.labels).tolist() for p in found.parts.values()] == [
        [14] * 2,
        [2] * 2,
        [4] * 2,
    ]
    rows = np.concatenate([part.rows for part in found.parts.values()])
    assert sorted(rows.tolist()) == list(range(40))
    ages = 20.0 + found.train.rows
    for part in found.parts.values():
        # the age, then Bonn, Oslo, Rome and another town
        expected = np.zeros((len(part.rows), 5))
        expected[:, 0] = (20 + part.rows - ages.mean()) / ages.std()
        expected[np.arange(len(part.rows)), np.array([2, 3, 1])[part.rows % 3]] = 1
        np.testing.assert_allclose(part.inputs, expected, atol=1e-6)
        assert part.inputs.dtype == np.float32 and part.labels.dtype == np.int32
        assert part.labels.tolist() == (part.rows >= 20).tolist()
    assert found.mean is None and found.scale is None and found.preprocessing["kind"] == "table"
    assert any("the student does not: id" in note for note in found.notes)


def test_a_function_is_given_all_columns_but_the_label_and_numbers_as_such(settings, people):
    found = problem.read(settings(data=people(), label="old", columns=("age",)))
    raw = found.test.raw
    assert raw.schema == pa.schema([("age", pa.int64()), ("town", "string"), ("id", "string")])
    assert raw["age"].to_pylist() == (20 + found.test.rows).tolist()
    assert raw["age"].to_numpy().dtype == np.int64
    assert found.train.inputs.shape[1] == 1


def test_a_column_is_numbers_only_if_it_is_in_every_file(settings, write):
    data = write("data.csv", "a,b,y\n" + "1,7,u\n2,8.5,v\n" * 9)
    test = write("test.csv", "y,b,c,a\n" + "u,3,,x\n")
    given = settings(data=data, test_data=test, label="y", columns=("b",))
    found = problem.read(given)
    assert [str(x) for x in found.train.raw.schema.types] == ["string", "double"]
    assert found.test.raw.to_pydict() == {"a": ["x"], "b": [3.0]}
    assert found.test.labels.tolist() == [0] and found.test.source == "test_data"
    assert any("test has no rows of the classes v" in note for note in found.notes)


def test_types_of_parquet_stay(settings, tmp_path):
    table = pa.table({"n": [1.5, None] * 10, "ok": [True, False] * 10, "y": ["u", "v"] * 10})
    pq.write_table(table, tmp_path / "t.parquet")
    found = problem.read(settings(data=tmp_path / "t.parquet", label="y"))
    assert [str(x) for x in found.train.raw.schema.types] == ["double", "bool"]
    assert any("n in 10 rows" in note for note in found.notes)


def test_other_files_take_over_parts_and_the_rest_is_shared_in_proportion(settings, people):
    data, other = people(), people("other.csv", range(0, 40, 2))
    found = problem.read(settings(data=data, test_data=other, label="old"))
    # 20 rows of each class by 7 to 1: 17.5 and 2.5, and training is the earlier of the two
    assert [len(part.rows) for part in found.parts.values()] == [36, 4, 20]
    odd = people("odd.csv", range(1, 40, 2))
    both = problem.read(settings(data=data, test_data=other, validation_data=odd, label="old"))
    assert [len(part.rows) for part in both.parts.values()] == [40, 20, 20]
    assert both.train.rows.tolist() == list(range(40))
    assert {found.digest, both.digest} != {found.digest}


def test_the_base_seed_decides_which_rows(settings, people):
    data = people()
    first, again, other = (
        problem.read(settings(data=data, label="old", base_seed=seed)) for seed in (3, 3, 4)
    )
    assert first.digest == again.digest != other.digest
    assert first.test.rows.tolist() == again.test.rows.tolist() != other.test.rows.tolist()


def test_without_a_label_all_columns_are_inputs(settings, people):
    found = problem.read(settings(data=people(), label="none", ignore=("id",)))
    assert found.classes == [] and found.train.labels is None
    assert [len(part.rows) for part in found.parts.values()] == [28, 4, 8]
    # age, three towns, no and yes, and a place for others of both
    assert found.train.inputs.shape == (28, 1 + 4 + 3)
    assert found.train.raw.column_names == ["age", "town", "id", "old"]


ROWS = "a,b,y\n" + "1,2,u\n3,4,v\n" * 10


@pytest.mark.parametrize(
    "content, given, match",
    [
        (ROWS, {}, "--label is not given with .*or --label=none if nobody knows; the columns are"),
        (ROWS, {"label": "z"}, "--label=z: .*data.csv has no such column; the columns are"),
        (ROWS, {"label": "Y"}, "--label=Y: .*no such column"),
        ("age,y\n1,u\n", {"label": "ag"}, "did you mean 'age'"),
        (ROWS, {"label": "y", "ignore": ("bb",)}, "--ignore=bb: no such column; did you mean 'b'"),
        (ROWS, {"label": "y", "columns": ("a",), "ignore": ("b",)}, "both given"),
        (ROWS, {"label": "y", "ignore": ("a", "b")}, "no column is left"),
        ("a,y\n1,u\n", {"label": "y"}, "one row"),
        ("a,y\n1,u\n2,u\n", {"label": "y"}, "'u' in every row: expected 2 or more"),
        ("a,y\n" + "".join(f"1,n{i}\n" for i in range(1500)), {"label": "y"}, "1500 different"),
        ("a,y\n1,u\n2,v,w\n", {"label": "y"}, "row 2 below the header has 3 fields, expected 2"),
        ("a,a,y\n1,2,u\n", {"label": "y"}, "two columns are named 'a'"),
        ("a,y\n1,u\n2,\n", {"label": "y"}, "missing in 1 of 2 rows, the first is row 2"),
        (ROWS + "nan,2,u\n" * 9, {"label": "y"}, "column 'a', row 21 is 'nan': expected a finite"),
        (
            "a,y\n" + "".join(f"w{i},{'uv'[i % 2]}\n" for i in range(200)),
            {"label": "y"}, "column 'a' has 200 different texts.*--ignore",
        ),
        (ROWS, {"label": "y", "image_size": 8}, "--image_size is given with .*a table: leave it"),
        (ROWS, {"label": "y", "split": (0.5, 0.4, 0.2)}, "--split=0.5,0.4,0.2: expected"),
        (ROWS, {"label": "y", "split": (0.9, 0.0, 0.1)}, "no row of 20 for validation"),
    ],
)  # fmt: skip
def test_bad_tables_are_one_line(settings, write, content, given, match):
    refused(match, problem.read, settings(data=write("data.csv", content), **given))


@pytest.mark.parametrize(
    "content, match",
    [
        ("a,b,y\n1,2,u.\n", "label 'u.' of row 1 is no class of .*did you mean 'u'"),
        ("a,b\n1,2\n", "--label=y: .*test.csv has no such column"),
        ("a,y\n1,u\n", "test.csv has no column 'b', which .*data.csv has"),
        ("a,b,y\n1,two,u\n", "--test_data: column 'b', row 1 is 'two': expected a finite"),
    ],
)
def test_another_file_that_does_not_fit_is_one_line(settings, write, content, match):
    data, other = write("data.csv", ROWS), write("test.csv", content)
    refused(match, problem.read, settings(data=data, test_data=other, label="y"))


def test_rows_that_are_given_twice_are_named(settings, people):
    """What was trained on says nothing about new rows, under another name of the file too."""
    data, again, part = people(), people("again.csv"), people("part.csv", rows=range(0, 40, 3))
    for name in ("test_data", "validation_data"):
        given = settings(data=data, label="old", **{name: again})
        refused(f"again.csv holds the same rows as {data}", problem.read, given)
    given = settings(data=data, label="old", test_data=part, validation_data=again)
    refused("again.csv holds the same rows as", problem.read, given)
    other = people("other.csv", rows=range(3, 60, 2))
    found = problem.read(settings(data=data, label="old", test_data=part, validation_data=other))
    stay = "are learned from too: they stay there, but say nothing about new rows"
    assert f"14 of 14 rows of --test_data {stay}" in found.notes
    assert f"19 of 29 rows of --validation_data {stay}" in found.notes
    found = problem.read(settings(data=data, label="old"))
    assert not any("learned from" in line for line in found.notes)


def test_paths_that_are_none_are_one_line(settings, write, people, arrays):
    refused("--data is not given: expected a file", problem.read, settings())
    refused("no.csv does not exist: check the path$", problem.read, settings(data="no.csv"))
    refused("adult.data is of no known kind.*.parquet", problem.read,
            settings(data=write("adult.data", "x")))  # fmt: skip
    other = arrays(inputs=np.zeros((3, 2)))
    refused("kind arrays and --data of the kind table", problem.read,
            settings(data=people(), test_data=other, label="old"))  # fmt: skip


def test_a_byte_order_mark_crlf_and_quoted_newlines_are_read_right(settings, write):
    rows = '"a,1",y\r\n' + '"x\ny",u\r\n"p, q",v\r\n' * 10
    found = problem.read(settings(data=write("d.csv", b"\xef\xbb\xbf" + rows.encode()), label="y"))
    assert found.train.raw.column_names == ["a,1"]
    assert set(found.train.raw["a,1"].to_pylist()) == {"x\ny", "p, q"}


def test_the_census_table(settings, tmp_path):
    folder = needed(DATA / "adult")
    (tmp_path / "adult.csv").symlink_to(folder / "adult.data")
    text = (folder / "adult.test").read_text()
    (tmp_path / "stops.csv").write_text(text)
    (tmp_path / "test.csv").write_text(text.replace("K.\n", "K\n"))
    given = settings(data=tmp_path / "adult.csv", test_data=tmp_path / "test.csv", label="Y")
    found = problem.read(given)
    assert [len(part.rows) for part in found.parts.values()] == [28491, 4070, 16281]
    assert found.classes == ["<=50K", ">50K"]
    # adult.names: >50K are 23.93 % of both files together
    labels = np.concatenate([part.labels for part in found.parts.values()])
    assert labels.mean() == pytest.approx(0.2393, abs=5e-5)
    given.test_data = str(tmp_path / "stops.csv")
    refused("label '<=50K.' of row 1 .*did you mean '<=50K'", problem.read, given)
