"""BANKING77: what was published, and every way in which it can be missing."""

import shutil

import numpy as np
import pytest
import requests
from published import DATA, needed

from kd_jax.data import banking77
from kd_jax.errors import InputError


@pytest.fixture
def published():
    return needed(DATA / "banking77")


def test_questions_are_as_published(published):
    train, test, names = banking77.load(manual_dir=str(published.parent))
    assert (len(train.texts), len(test.texts), len(names)) == (10_003, 3_080, 77)
    assert (np.bincount(test.labels) == 40).all()  # Casanueva et al. 2020, section 3
    assert train.texts[0] == "I am still waiting on my card?"
    assert names[train.labels[0]] == "card_arrival"


def test_a_changed_or_missing_file_is_named(tmp_path, published):
    for name in banking77.FILES:
        shutil.copy(published / name, tmp_path)
    with open(tmp_path / "test.csv", "a") as file:
        file.write("one more,card_arrival\n")
    with pytest.raises(InputError, match="test.csv has SHA-256"):
        banking77.load(manual_dir=str(tmp_path))
    (tmp_path / "train.csv").unlink()
    with pytest.raises(InputError, match="train.csv is unreadable .*: get https://.*train.csv"):
        banking77.load(manual_dir=str(tmp_path))
    with pytest.raises(InputError, match="nowhere is no folder: expected train.csv and test.csv"):
        banking77.load(manual_dir=str(tmp_path / "nowhere"))


def test_files_are_downloaded_once_and_nothing_is_left_of_a_failed_download(
    tmp_path, monkeypatch, published
):
    asked = []

    def get(url, timeout):
        asked.append(url)
        answer = requests.Response()
        answer.status_code, answer._content = 200, (published / url.split("/")[-1]).read_bytes()
        return answer

    monkeypatch.setattr(requests, "get", get)
    for _ in range(2):
        banking77.load(data_dir=str(tmp_path / "data"))
    assert [url.split("/")[-1] for url in asked] == ["train.csv", "test.csv"]

    def fail(url, timeout):
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", fail)
    with pytest.raises(InputError, match=r"train.csv cannot be downloaded \(ConnectionError\)"):
        banking77.load(data_dir=str(tmp_path / "other"))
    assert not list((tmp_path / "other").rglob("*.*"))
