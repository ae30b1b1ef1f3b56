"""Records of a run are read for one's own analysis, of networks that diverged too."""

import json
import sys

import pytest

import kd_jax as kd
from kd_jax.errors import InputError
from kd_jax.storage import jsonl


class Pandas:
    """Of pandas what is called, which need not be installed."""

    DataFrame = list


def test_records_of_a_folder_are_a_list_that_pandas_takes(tmp_path, monkeypatch):
    found = [{"row": "a", "seed": 0, "errors": 3}, {"row": "a", "seed": 1, "diverged": 7}]
    (tmp_path / "records.jsonl").write_text(jsonl.text(found))
    assert kd.read_records(tmp_path) == found
    assert kd.read_records(str(tmp_path)) == found
    monkeypatch.setitem(sys.modules, "pandas", Pandas)
    assert kd.read_records(tmp_path).to_pandas() == found
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="pip install pandas"):
        kd.read_records(tmp_path).to_pandas()


def test_a_folder_without_records_is_named(tmp_path):
    with pytest.raises(InputError, match="has no records.jsonl: expected the folder of a run"):
        kd.read_records(tmp_path)
    (tmp_path / "records.jsonl").write_text(json.dumps({"row": "a"}) + "\n")
    with pytest.raises(InputError):
        kd.read_records(tmp_path)
