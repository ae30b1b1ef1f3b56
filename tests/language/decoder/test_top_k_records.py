"""MaxText's array_record files: batches of packed texts become the rows of a parquet file."""

import pickle

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("array_record", reason="needs the extra data")

import ml_dtypes
from array_record.python import array_record_module

from kd_jax.errors import InputError
from kd_jax.language.decoder import top_k_files

# two rows: two texts and padding; one text that goes on behind the row
BATCH = {
    "tokens": np.array([[3, 1, 4, 9, 2, 0], [5, 3, 5, 8, 9, 7]], np.int32),
    "inputs_segmentation": np.array([[1, 1, 1, 2, 2, 0], [1] * 6], np.int32),
    "targets": np.array([[1, 4, 0, 2, 0, 0], [3, 5, 8, 9, 7, 10]], np.int32),
    "targets_segmentation": np.array([[1, 1, 0, 2, 0, 0], [1] * 6], np.int32),
    "top_k_indices": np.arange(24, dtype=np.int32).reshape(2, 6, 2) % 11,
    "top_k_logits": np.tile(np.float32([3 + np.log(3), 3]), (2, 6, 1)),  # probabilities 3/4, 1/4
}
LENGTHS = [3, 2, 6]


def write(path, *batches):
    writer = array_record_module.ArrayRecordWriter(str(path), "group_size:1000")
    for batch in batches:
        writer.write(batch if isinstance(batch, bytes) else pickle.dumps(batch))
    writer.close()
    return path


def test_texts_of_a_batch_are_found_with_what_follows_each_token(tmp_path):
    one = write(tmp_path / "teacher_top_k_part_00000.array_record", BATCH)
    for path in (one, tmp_path):
        found = top_k_files.read(path, 11)
        assert [x.ids.tolist() for x in found] == [[3, 1, 4], [9, 2], [5, 3, 5, 8, 9, 7, 10]]
        assert [len(x.tokens) for x in found] == LENGTHS
        assert found[1].tokens.tolist() == [[6, 7], [8, 9]]
        np.testing.assert_allclose(np.exp(found[2].log_p), [[0.75, 0.25]] * 6, rtol=1e-6)
    half = BATCH["top_k_logits"].astype(ml_dtypes.bfloat16)
    plain = {name: BATCH[name] for name in ("tokens", "top_k_indices")} | {"top_k_logits": half}
    write(tmp_path / "teacher_top_k_part_00001.array_record", plain)
    *_, first, second = top_k_files.read(tmp_path, 11)
    assert first.ids.tolist() == BATCH["tokens"][0].tolist() and len(second.ids) == 6


class Harm:
    def __reduce__(self):
        return print, ("harm",)


@pytest.mark.parametrize(
    "record, said",
    [
        (BATCH | {"tokens": BATCH["tokens"][0]}, "tokens has shape (6,), expected [B, T]"),
        (BATCH | {"top_k_logits": np.ones((2, 6))}, "top_k_logits has shape (2, 6), expected [B,"),
        (BATCH | {"top_k_indices": BATCH["top_k_logits"]}, "top_k_indices holds float32"),
        (BATCH | {"top_k_indices": BATCH["top_k_indices"] + 1}, "expected tokens below 11"),
        ({"tokens": BATCH["tokens"]}, "with tokens, top_k_logits, top_k_indices"),
        (BATCH | {"targets": Harm()}, "it holds builtins.print, expected arrays alone"),
        (b"nothing", "record 1 is no pickled dictionary"),
    ],
)
def test_records_that_are_not_what_is_expected_are_one_line(tmp_path, record, said, capsys):
    path = write(tmp_path / "x.array_record", record)
    with pytest.raises(InputError) as caught:
        top_k_files.read(path, 11)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert "harm" not in capsys.readouterr().out


def test_files_that_are_none_are_one_line(tmp_path):
    with pytest.raises(InputError, match="holds no .array_record file"):
        top_k_files.read(tmp_path, 11)
    (tmp_path / "x.array_record").write_bytes(b"nothing" * 99)
    with pytest.raises(InputError, match="x.array_record is unreadable"):
        top_k_files.read(tmp_path, 11)
