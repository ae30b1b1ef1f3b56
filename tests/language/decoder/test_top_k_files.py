"""Top-k files of another program: read as they are, found by their tokens, at the right places."""

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("pyarrow", reason="needs the extra data")

import pyarrow as pa
from pyarrow import parquet

from kd_jax.errors import InputError
from kd_jax.language.decoder import packing, top_k_files
from kd_jax.language.decoder.top_k_files import Top
from kd_jax.pretrained.chat import Encoded

IDS = [3, 1, 4, 1, 5], [9, 2, 6], [5, 3, 5, 8, 9, 7, 9]
TEXTS = [Encoded(list(ids), [False] + [True] * (len(ids) - 1)) for ids in IDS]


def top(ids, shorter=0):
    """Two tokens after each: the sum of all so far and one more, of 11."""
    sums = np.cumsum(ids)[: len(ids) - shorter]
    tokens = np.stack([sums % 11, (sums + 1) % 11], 1)
    return Top(np.array(ids), tokens, np.log(np.full(tokens.shape, [0.5, 0.25], np.float32)))


def test_each_token_is_told_of_by_the_position_before_it(tmp_path):
    longer = [*IDS[2], 8, 8]  # of which the text is cut
    top_k_files.save(tmp_path / "x.parquet", [top(longer), top(IDS[1], shorter=1), top(IDS[0])])
    tops = top_k_files.read(tmp_path / "x.parquet", 11)
    packed = packing.packed(TEXTS, 8)
    found = top_k_files.rows(packed, TEXTS, tops, "x.parquet")
    assert found["tokens"].shape == (*packed.answers.ids.shape, 2)
    for number, ids in enumerate(IDS):
        own = (packed.numbers == number) & packed.answers.mask
        wanted = [sum(ids[:n]) % 11 for n in range(1, len(ids))]
        assert found["tokens"][own][:, 0].tolist() == wanted
        np.testing.assert_allclose(np.exp(found["log_p"][own]), [[0.5, 0.25]] * len(wanted))
    with pytest.raises(InputError, match="x.parquet has no row for text 2 of 3, of 3 tokens that"):
        top_k_files.rows(packed, TEXTS, [tops[0], tops[2]], "x.parquet")


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"log_p": None}, "has no column log_p: expected ids, tokens, log_p"),
        ({"tokens": [[1, 2]]}, "row 1: expected ids [T], tokens and log_p [T, k]"),
        ({"ids": [1, 11]}, "row 1: expected tokens below 11"),
        ({"log_p": [[0.5, 0.25]] * 2}, "probabilities sum to 2.93: expected log-probabilities"),
        ({"log_p": [[-1.0, float("nan")]] * 2}, "expected log-probabilities"),
        ({"ids": ["a", "b"]}, "row 1: expected whole numbers"),
    ],
)
def test_files_that_are_not_what_is_expected_are_one_line(tmp_path, changes, said):
    row = {"ids": [1, 2], "tokens": [[1, 2]] * 2, "log_p": [[-1.0, -2.0]] * 2} | changes
    columns = {name: [value] for name, value in row.items() if value is not None}
    parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(InputError) as caught:
        top_k_files.read(tmp_path / "x.parquet", 11)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    (tmp_path / "y.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="is unreadable"):
        top_k_files.read(tmp_path / "y.parquet", 11)
    with pytest.raises(InputError, match="is no file: expected a .parquet"):
        top_k_files.read(tmp_path / "none.parquet", 11)
