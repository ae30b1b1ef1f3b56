"""The label of a table, and the columns that remain as inputs."""

import published
import pyarrow as pa
import pyarrow.csv
import pytest
from refusals import refused

from kd_jax.data import tables

PEOPLE = pa.table(
    {"id": [1, 2, 3, 4], "age": [30, 40, 50, 60], "sex": ["f", "m", "f", "m"],
     "income": ["low", "high", "low", "low"]}
)  # fmt: skip


def test_the_label_is_taken_from_the_inputs():
    inputs, labels, names = tables.labelled(PEOPLE, "income")
    assert inputs.equals(PEOPLE.select(["id", "age", "sex"]))
    assert labels == ["low", "high", "low", "low"] and names == ["high", "low"]


def test_inputs_are_the_columns_named_or_all_but_those_ignored_in_the_order_of_the_table():
    for choice in ({"columns": ["sex", "age"]}, {"ignore": ["id"]}):
        inputs, _, _ = tables.labelled(PEOPLE, "income", **choice)
        assert inputs.column_names == ["age", "sex"]


def test_classes_are_texts_sorted_as_texts():
    table = pa.table({"x": [0] * 4, "y": [9, 10, 10, 100]})
    assert tables.labelled(table, "y")[1:] == (["9", "10", "10", "100"], ["10", "100", "9"])
    table = pa.table({"x": [0] * 2, "y": [True, False]})
    assert tables.labelled(table, "y")[2] == ["False", "True"]


def test_a_few_numbers_with_fractions_may_be_classes():
    table = pa.table({"x": [0] * 9, "stars": [1.5, 2.0, 2.5] * 3})
    assert tables.labelled(table, "stars")[2] == ["1.5", "2.0", "2.5"]


@pytest.mark.parametrize(
    "label, choice, match",
    [
        ("incme", {}, "--label=incme: no such column; did you mean 'income'?"),
        ("y", {}, "--label=y: no such column; the columns are .'id', 'age', 'sex', 'income'."),
        ("income", {"columns": ["Age"]}, "--columns=Age: no such column; did you mean 'age'"),
        ("income", {"ignore": ["idd"]}, "--ignore=idd: no such column; did you mean 'id'"),
        ("income", {"columns": ["age"], "ignore": ["id"]}, "--columns and --ignore are both given"),
        ("income", {"columns": ["age", "income"]}, "--columns names 'income', which is --label"),
        ("income", {"ignore": ["income"]}, "--ignore names 'income', which is --label"),
        ("income", {"ignore": ["id", "age", "sex"]}, "no column is left as input beside income"),
    ],
)
def test_columns_that_cannot_be_chosen_are_refused(label, choice, match):
    refused(match, tables.labelled, PEOPLE, label, **choice)


@pytest.mark.parametrize(
    "labels, match",
    [
        (["a", None, "b", None], "is missing in 2 of 4 rows, the first is row 2: write a label"),
        ([None, None], "missing in 2 of 2 rows, the first is row 1"),
        (["a"], "the table has one row: expected several of every class"),
        (["a", "a"], "--label=y is 'a' in every row: expected 2 or more"),
        (
            [str(n) for n in range(1001)],
            "1001 different values such as '0': expected at most 1,0",
        ),
        ([n + 0.5 for n in range(21)] * 9, "21 different numbers .*looks like a measurement"),
        (["0.1", "0.25", "3", "4"], "4 different numbers such as 0.1 and 0.25, which looks like"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, match):
    refused(match, tables.labelled, pa.table({"x": labels, "y": labels}), "y")


def test_1000_classes_are_allowed():
    labels = [str(n) for n in range(1000)]
    assert len(tables.labelled(pa.table({"x": labels, "y": labels}), "y")[2]) == 1000


def test_adult_is_read_as_published(write):
    folder = published.needed(published.DATA / "adult")
    train = tables.read(write("train.csv", (folder / "adult.data").read_bytes()))
    test = tables.read(write("test.csv", (folder / "adult.test").read_bytes()))
    assert (train.num_rows, test.num_rows) == (32561, 16281)  # the numbers of adult.names
    inputs, labels, names = tables.labelled(train, "Y", ignore=["fnlwgt"])
    assert inputs.num_columns == 13 and names == ["<=50K", ">50K"]
    assert labels.count(">50K") == 7841
    assert tables.labelled(test, "Y")[2] == ["<=50K.", ">50K."]  # a full stop in this file alone
    lines = (folder / "adult.data").read_text().splitlines()
    rows = [[None if x == "?" else x for x in line.split(", ")] for line in lines]
    assert train.column_names == rows[0]
    assert [list(row) for row in zip(*train.to_pydict().values())] == rows[1:]
