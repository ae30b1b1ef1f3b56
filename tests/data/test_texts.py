"""Texts of one's own: what lines, columns, labels and parts are, and bad input in one line."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from refusals import refused

from kd_jax.data import texts

SEPARATOR = "\u2028"  # which str.splitlines takes for the end of a line


def all_of(parts):
    return sorted(parts.train.texts + parts.dev.texts + parts.test.texts)


def test_lines_of_a_txt_file_without_mark_blank_ones_and_whitespace(write):
    """A byte-order mark, CRLF, two blank lines, U+2028 within a line, no end of the last line."""
    content = f"\ufeffone\r\n\r\n two \n\t\nthr{SEPARATOR}ee\nfour\nfive\nsix\nseven\n8\n9\nten"
    parts = texts.read_texts(write("a.TXT", content))
    wanted = ["one", "two", f"thr{SEPARATOR}ee", *"four five six seven 8 9 ten".split()]
    assert all_of(parts) == sorted(wanted)
    assert [len(part.texts) for part in parts[:3]] == [8, 1, 1]
    assert parts.classes == [] and parts.train.labels is None
    first, second = parts.notes
    assert first == "texts: train 8, dev 1, test 1"
    assert second.startswith("2 lines have no text in ") and second.endswith("a.TXT: left out")


def test_the_end_of_the_last_line_is_no_blank_line(write):
    assert len(texts.read_texts(write("a.txt", "".join(f"{n}\n" for n in range(12)))).notes) == 1


def test_every_kind_of_table_holds_the_same(write, tmp_path):
    rows = [{"q": f"text {n}", "intent": "ab"[n % 2], "more": [n]} for n in range(20)]
    rows[3]["q"] = f"line{SEPARATOR}inside"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    jsonl = write("a.jsonl", "\ufeff" + "\n\n".join(lines))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    flat = [f"{row['q']},{row['intent']}" for row in rows]
    files = [jsonl, tmp_path / "a.parquet", write("a.csv", "\n".join(["q,intent", *flat]))]
    files.append(write("a.tsv", "\n".join(["q,intent", *flat]).replace(",", "\t")))
    for path in files:
        parts = texts.read_texts(path, text="q", label="intent")
        assert all_of(parts) == sorted(row["q"] for row in rows)
        assert parts.classes == ["a", "b"]
        for part in parts[:3]:
            known = {row["q"]: row["intent"] for row in rows}
            assert [parts.classes[k] for k in part.labels] == [known[x] for x in part.texts]
        assert np.bincount(parts.train.labels).tolist() == [8, 8]  # of each class alike
        assert (
            texts.read_texts(path, label="intent").train.texts == parts.train.texts
        )  # the only other


def test_other_files_are_parts_of_their_own(write):
    whole = write("a.csv", "text,label\n" + "".join(f"x{n},{n % 3}\n" for n in range(30)))
    dev, test = (write(f"{x}.csv", f"label,text\n2,{x}1\n0,{x}2\n") for x in "dt")
    parts = texts.read_texts(whole, text="text", label="label", dev=dev, test=test)
    assert len(parts.train.texts) == 30 and parts.dev.texts == ["d1", "d2"]
    assert parts.test.labels.tolist() == [2, 0]
    one = texts.read_texts(whole, text="text", label="label", test=test, split=(0.5, 0.2, 0.3))
    assert [len(part.texts) for part in one[:3]] == [24, 6, 2]
    other = texts.read_texts(whole, text="text", label="label", seed=1)
    assert other.dev.texts != texts.read_texts(whole, text="text", label="label").dev.texts


def test_bad_input_is_one_line(write, tmp_path):
    table = write("a.csv", "text,label,n\nx,a,1\ny,b,2\nz,a,3\n")
    refused("no.txt does not exist: check the path$", texts.read_texts, tmp_path / "no.txt")
    refused("xx is no path .*too long", texts.read_texts, "x" * 300)
    refused("is of no known kind", texts.read_texts, write("a.pdf", "x"))
    refused("--text_column=tetx: .* did you mean 'text'", texts.read_texts, table, text="tetx")
    refused("--label_column=lable: .*'label'", texts.read_texts, table, text="text", label="lable")
    refused("both 'text'", texts.read_texts, table, text="text", label="text")
    refused("--text_column is not given .*'text', 'label', 'n'", texts.read_texts, table)
    refused("looks like a measurement|is 'a' in every row",
            texts.read_texts, write("o.csv", "t,l\nx,a\ny,a\n"), text="t", label="l")  # fmt: skip
    refused("has no columns: leave it out", texts.read_texts, write("a.txt", "x\ny"), text="text")
    refused("is empty: expected texts", texts.read_texts, write("e.txt", "\n \n"))
    refused("UTF-16", texts.read_texts, write("u.txt", "x\ny".encode("utf-16")))
    refused("Latin-1", texts.read_texts, write("l.txt", "für\n".encode("latin-1")))
    refused("line 2 is no JSON", texts.read_texts, write("b.jsonl", '{"text": "x"}\n{"text": \n'))
    refused("holds no text", texts.read_texts, write("n.csv", "t,l\n,a\n,b\n"), text="t", label="l")
    refused("--label_column=label is missing in 1 of 2 rows", texts.read_texts,
            write("m.csv", "text,label\nx,a\ny,\n"), text="text", label="label")  # fmt: skip
    refused(
        "of 2 texts none is left for dev: give more", texts.read_texts, write("few.txt", "x\ny\n")
    )
    ids = write("ids.csv", "text,id\n" + "".join(f"text {n},{n}\n" for n in range(30)))
    refused(
        "of 30 texts of 30 classes none is left for dev: parts are of each class; give more of",
        texts.read_texts, ids, label="id",
    )  # fmt: skip
    refused(
        "--split=0.5,0.5: expected", texts.read_texts, write("few.txt", "x\n"), split=(0.5, 0.5)
    )
    refused("the label 'A' of text 2 is no class of --texts; .*'a'", texts.read_texts, table,
            text="text", label="label", dev=write("d.csv", "text,label\nx,a\nx,A\n"))  # fmt: skip
    refused("holds numbers: expected texts", texts.read_texts,
            write("i.jsonl", '{"text": 1}\n{"text": 2}\n'), text="text")  # fmt: skip


def test_what_is_empty_in_a_table_is_a_row(write):
    lines = [f"text {n},0" for n in range(12)]
    found = texts.read_texts(write("e.csv", "\n".join(["q,n", *lines, '"",1'])), text="q")
    assert any(note.startswith("1 row has no text in ") for note in found.notes)


def test_a_column_of_lists_is_told_and_others_are_left_alone(write):
    rows = [{"q": f"text {n}", "more": [n]} for n in range(20)]
    rows[4]["q"] = ["a", "b"]
    path = write("a.jsonl", "\n".join(map(json.dumps, rows)))
    refused(
        "a.jsonl: column 'q' holds values of type list: expected", texts.read_texts, path, text="q"
    )


def test_a_part_may_be_a_file_of_lines_where_no_labels_are_asked_for(write):
    table = write("a.csv", "q,l\n" + "".join(f"text {n},{n % 2}\n" for n in range(20)))
    lines = write("t.txt", "one\ntwo\n")
    found = texts.read_texts(table, text="q", test=lines)
    assert found.test.texts == ["one", "two"]
    refused(
        "--test=.*t.txt has no labels: expected a table with the columns of --texts",
        texts.read_texts, table, text="q", label="l", test=lines,
    )  # fmt: skip


def test_a_pipe_of_the_name_of_a_table_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    refused(
        "--texts=.*a.csv is no file: expected a file that", texts.read_texts, tmp_path / "a.csv"
    )


def test_what_is_no_path_and_no_column_is_one_line(write):
    refused("None is no path", texts.read_texts, None)
    path = write("a.csv", "q,l\n" + "".join(f"text {n},{n % 2}\n" for n in range(20)))
    refused("text_column=5: expected a text", texts.read_texts, path, text=5)
    refused("split='0.8': expected a number", texts.read_texts, path, text="q", split="0.8")
