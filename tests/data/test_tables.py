"""Tables: the same values from csv, tsv, Parquet and jsonl."""

import csv
import datetime
import decimal
import json

import hypothesis
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from kd_jax.data import preprocessing, tables

NASTY = {  # contents of csv files, and what they hold
    "a byte-order mark": (b"\xef\xbb\xbfa,b\n1,x\n2,y\n", {"a": ["1", "2"], "b": ["x", "y"]}),
    "CRLF": (b"a,b\r\n1,x\r\n2,y\r\n", {"a": ["1", "2"], "b": ["x", "y"]}),
    "no last line end": (b"a,b\n1,x\n2,y", {"a": ["1", "2"], "b": ["x", "y"]}),
    "blank lines": (b"\n\na,b\n\n1,x\n2,y\n\n", {"a": ["1", "2"], "b": ["x", "y"]}),
    "quoted commas": (b'a,b\n"1,5","x, y"\n"2","y"\n', {"a": ["1,5", "2"], "b": ["x, y", "y"]}),
    "quoted lines": (b'a,b\n1,"x\n z"\n2,"y\r\nw"\n', {"a": ["1", "2"], "b": ["x\n z", "y\r\nw"]}),
    "quoted quotes": (b'a,b\n1,"say ""x"""\n2,y\n', {"a": ["1", "2"], "b": ['say "x"', "y"]}),
    "spaces": (b' a , b\n 1, "x, z"\n2 ,\ty \n', {"a": ["1", "2"], "b": ["x, z", "y"]}),
    "missing": (b"a,b\n?,NA\nN/A,NaN\nnull,\n", {"a": [None] * 3, "b": [None] * 3}),
    "none": (b"a,b\nx,None\n 1, None\n", {"a": ["x", "1"], "b": [None, None]}),
    "dates": (b"a,b\n2020-01-02,01\n,1e3\n", {"a": ["2020-01-02", None], "b": ["01", "1e3"]}),
    "not missing": (b"a,b\nn/a,nan\n-,NULL\n", {"a": ["n/a", "-"], "b": ["nan", "NULL"]}),
    "a semicolon": (b'"a;b","c,d"\n1,2\n', {"a;b": ["1"], "c,d": ["2"]}),
    "letters": ("ä,名\né,…\nß,x\n".encode(), {"ä": ["é", "ß"], "名": ["…", "x"]}),
}  # fmt: skip


@hypothesis.settings(deadline=None, derandomize=True, database=None)
@hypothesis.given(
    st.lists(st.tuples(*[st.text("ab ,;\"'\r\n\tä?0.5", max_size=5)] * 3), min_size=1, max_size=5)
)
def test_what_arrow_writes_as_csv_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("arrow") / "t.csv"
    columns = [pa.array(column) for column in zip(*rows)]
    pyarrow.csv.write_csv(pa.Table.from_arrays(columns, ["x", "y,", "z;"]), path)
    fields = [[text.strip() for text in column] for column in zip(*rows)]
    expected = [[None if text in ("", "?") else text for text in column] for column in fields]
    assert tables.read(path).to_pydict() == dict(zip(["x", "y,", "z;"], expected))


@pytest.mark.parametrize("name", NASTY)
def test_a_csv_file_is_read_as_it_is_with_arrow_and_without(write, name):
    content, expected = NASTY[name]
    path = write("t.csv", content)
    assert tables.read(path).to_pydict() == expected
    assert list(preprocessing.read_csv(path).items()) == list(expected.items())


def test_a_tsv_file_is_separated_by_tabs(write):
    path = write("t.TSV", "a\tb\n1,5\tx\n\t y\n")
    assert tables.read(path).to_pydict() == {"a": ["1,5", None], "b": ["x", "y"]}


def test_jsonl_keeps_types_and_order_and_absent_values_are_missing(write):
    lines = '{"n": 1, "b": true, "t": "x"}\n\n{"t": "2020-01-02", "n": 2.5, "more": null}\n'
    table = tables.read(write("t.jsonl", lines))
    assert list(table.to_pydict().items()) == [
        ("n", [1, 2.5]),
        ("b", [True, None]),
        ("t", ["x", "2020-01-02"]),
        ("more", [None, None]),
    ]


def test_mixed_and_huge_values_of_jsonl_become_texts(write):
    lines = [
        {"m": 1, "h": 2**70, "i": 2**70, "s": "?", "b": 1.5},
        {"m": "one", "h": 1, "i": 2, "s": 2, "b": True},
        {"m": True, "h": 0.5, "i": -3},
    ]
    table = tables.read(write("t.jsonl", "\n".join(map(json.dumps, lines))))
    assert table.to_pydict() == {
        "m": ["1", "one", "true"],
        "h": [str(2**70), "1", "0.5"],
        "i": [str(2**70), "2", "-3"],
        "s": [None, 2, None],
        "b": ["1.5", "true", None],
    }


def test_texts_of_jsonl_may_hold_what_other_formats_take_for_a_line_end(write):
    table = tables.read(write("t.jsonl", '{"a": "x\u2028y\x85z"}\r\n{"a": "w"}\r\n'))
    assert table.to_pydict() == {"a": ["x\u2028y\x85z", "w"]}


def test_parquet_keeps_numbers_and_others_become_texts(tmp_path):
    day = datetime.datetime(2020, 1, 2)
    columns = {
        "n": pa.array([1, None], pa.int8()),
        "f": pa.array([0.5, float("nan")], pa.float32()),
        "b": pa.array([True, False]),
        "t": pa.array(["x", "NA"], pa.large_string()),
        "c": pa.array(["u", "v"]).dictionary_encode(),
        "day": pa.array([day.date(), None]),
        "days": pa.array([day.date(), day.date()]).dictionary_encode(),
        "time": pa.array([day, day], pa.timestamp("ns")),
        "d": pa.array([decimal.Decimal("1.50"), decimal.Decimal("20.00")]),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    assert tables.read(tmp_path / "t.parquet").to_pydict() == {
        "n": [1, None],
        "f": [0.5, None],
        "b": [True, False],
        "t": ["x", None],
        "c": ["u", "v"],
        "day": ["2020-01-02", None],
        "days": ["2020-01-02"] * 2,
        "time": ["2020-01-02 00:00:00.000000000"] * 2,
        "d": ["1.50", "20.00"],
    }


def test_a_folder_named_as_a_partition_adds_no_column(tmp_path):
    folder = tmp_path / "year=2020"
    folder.mkdir()
    pq.write_table(pa.table({"a": [1, 2]}), folder / "t.parquet")
    assert tables.read(str(folder / "t.parquet")).column_names == ["a"]


def test_one_table_gives_the_same_inputs_from_all_formats(write, tmp_path):
    columns = {"n": [1, 2, None, 4], "f": [0.5, -1.0, 2.25, 3.0], "b": [True, False, True, True],
               "t": ["x", "y", None, "x"]}  # fmt: skip
    names, rows = list(columns), list(zip(*columns.values()))
    with open(tmp_path / "t.csv", "w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    write("t.jsonl", "\n".join(json.dumps(dict(zip(names, row))) for row in rows))
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    found = []
    for suffix in ("csv", "jsonl", "parquet"):
        read = tables.read(tmp_path / f"t.{suffix}").to_pydict()
        found.append(preprocessing.apply(preprocessing.fit(read), read).tolist())
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 2 + 1 + 1 + 3  # n has a flag, t has two texts and a last place
