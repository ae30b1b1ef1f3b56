"""Tables: the same values from csv, tsv, Parquet and jsonl, and one line for every fault."""

import csv
import datetime
import decimal
import json

import fuzzing
import hypothesis
import published
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from kd_jax.data import preprocessing, tables
from kd_jax.errors import InputError

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


def refused(match, call, *arguments, **options):
    with pytest.raises(InputError, match=match) as error:
        call(*arguments, **options)
    assert "\n" not in str(error.value)


@pytest.fixture
def write(tmp_path):
    """A function that writes a file and returns its path."""

    def to(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


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


FAULTS = [
    ("t.csv", b"", "t.csv is empty: expected columns"),
    ("t.csv", b" \n\n", "t.csv is empty"),
    ("t.jsonl", b"\xef\xbb\xbf", "t.jsonl is empty"),
    ("t.parquet", b"", "t.parquet is empty"),
    ("t.csv", b"a,b\n", "t.csv has a header alone: expected rows"),
    ("t.jsonl", b"{}\n{}\n", "t.jsonl has no rows: expected some, with columns"),
    ("t.json", b"[]", "ends in '.json': expected a table, one of .csv, .tsv, .parquet, .jsonl"),
    ("t", b"a", "ends in ''"),
    ("t.csv", b"a,b,a\n1,2,3\n", "two columns are named 'a'; rename one"),
    ("t.csv", b",a\n0,2\n", "column 1 has no name"),
    ("t.csv", b"a,b\n1,2\n1,2,3\n", "row 2 below the header has 3 fields, expected 2"),
    ("t.csv", b"a,b\n1,2\n\n1\n", "row 2 below the header has 1 fields, expected 2"),
    ("t.csv", b'a,b\n1,2\n1,"2\n3,4\n', "line 4: unexpected end of data; is a quote not closed"),
    ("t.csv", b'a,b\n1,"2"3\n', "line 2: .* text behind one"),
    ("t.csv", b"a;b\n1,5;2\n", r"'a;b' seems to be separated by \[';'\], expected ','; save it"),
    ("t.csv", b"a\tb\n1\t2\n", r"'a\\tb' seems to be separated by \['\\t'\]"),
    ("t.tsv", b"a,b\n1,2\n", r"separated by \[','\], expected '\\t'"),
    ("t.csv", "a,b\n1,ä\n".encode("utf-16"), "is encoded in UTF-16: expected UTF-8; save it"),
    ("t.csv", "a,b\n1,2\n".encode("utf-16-le"), "bytes of 0, as UTF-16"),
    ("t.csv", "a,b\n1,ä\n".encode("latin-1"), "Latin-1 or such .byte 0xe4 in line 2.: .*as UTF-8"),
    ("t.jsonl", '{"a": "ä"}'.encode("latin-1"), "Latin-1 or such .byte 0xe4 in line 1"),
    ("t.jsonl", b'{"a": 1}\n[1]\n', "line 2 is .1.: expected an object such as"),
    ("t.jsonl", b'{"a": 1}\n\n{"a": 1\n', "line 3 is no JSON .Expecting ',' delimiter"),
    (
        "t.jsonl",
        b'{"a": 1, "a": 2}\n',
        "line 1 is no JSON .two columns have the same name.*'a'",
    ),
    ("t.jsonl", b"[" * 200_000, "line 1 is no JSON"),
    ("t.jsonl", b'{"": 1}\n', "column 1 has no name"),
    ("t.jsonl", b'{"a": 1, "b": [1]}\n', "column 'b' holds values of type list: expected numbers"),
    ("t.jsonl", b'{"a": {"b": 1}}\n{"a": [2]}\n', "column 'a' holds values of type dict, list"),
    ("t.jsonl", rb'{"a": "\ud800"}', "holds a text that is no Unicode"),
    ("t.parquet", b"PAR1 and no more", "is unreadable .*write it again"),
]


@pytest.mark.parametrize("name, content, match", FAULTS)
def test_a_faulty_file_is_refused_in_one_line(write, name, content, match):
    path = write(name, content)
    refused(match, tables.read, path)
    with pytest.raises(InputError, match=str(path)):
        tables.read(path)


def test_a_path_may_begin_with_the_home_folder(write, monkeypatch):
    monkeypatch.setenv("HOME", str(write("t.csv", "a\n1\n").parent))
    assert tables.read("~/t.csv").to_pydict() == {"a": ["1"]}


def test_what_is_no_file_is_refused(tmp_path):
    refused("there is no file .*absent.csv: check the path", tables.read, tmp_path / "absent.csv")
    (tmp_path / "t.parquet").mkdir()
    refused("t.parquet is no file", tables.read, tmp_path / "t.parquet")


@pytest.mark.parametrize(
    "values, names, match",
    [
        ([[[1]], [2]], ["a", "b"], "column 'a' holds values of type list"),
        ([[2], [{"x": 1}]], ["a", "b"], "column 'b' holds values of type dict"),
        ([[2], [b"x"]], ["a", "b"], "column 'b' holds values of type bytes"),
        ([[1], [2]], ["a", "a"], "two columns are named 'a'"),
        ([[1], [2]], ["a", ""], "column 2 has no name"),
        ([[], []], ["a", "b"], "has no rows"),
    ],
)
def test_faults_of_a_parquet_file_are_named(tmp_path, values, names, match):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_arrays(list(map(pa.array, values)), names), path)
    refused(match, tables.read, path)


@fuzzing.many
@hypothesis.given(st.sampled_from(["csv", "tsv", "jsonl", "parquet"]), fuzzing.EDITS)
def test_a_damaged_file_is_a_table_or_an_input_error(tmp_path_factory, suffix, edits):
    path = tmp_path_factory.mktemp("damaged") / f"t.{suffix}"
    columns = {"n": [1, 2, 3], "t": ["x", "y, z", None]}
    pq.write_table(pa.table(columns), path)
    contents = {
        "csv": b'n,t\n1,x\n2,"y, z"\n3,\n',
        "tsv": b"n\tt\n1\tx\n2\ty, z\n3\t\n",
        "jsonl": b'{"n": 1, "t": "x"}\n{"n": 2, "t": "y, z"}\n{"n": 3}\n',
        "parquet": path.read_bytes(),
    }
    path.write_bytes(fuzzing.edited(contents[suffix], edits))
    try:
        found = tables.read(path)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert found.num_rows and all(found.column_names)


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
