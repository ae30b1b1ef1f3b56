"""Faulty and damaged tables: one line for every fault."""

import fuzzing
import hypothesis
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st
from refusals import refused

from kd_jax.data import tables
from kd_jax.errors import InputError

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
        "line 1 is no JSON .'a' stands there twice",
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
