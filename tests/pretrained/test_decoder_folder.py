"""A decoder's folder and its GGUF file: read again they have the same arrays and tokens."""

import json
import pathlib
import re
import shutil

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("gguf", reason="needs the extra text")

import gguf as library
import jax
import ml_dtypes
from safetensors.numpy import load_file

from kd_jax.errors import InputError
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import own_tokens
from kd_jax.pretrained import decoder_folder, gguf_writer, load, safetensors_files

MODEL = tiny_teacher.chat_model(jax.random.key(0), ["Two and two are four.", "And two?"])
MODEL = MODEL._replace(template=MODEL.template._replace(marks=(("bos_token", "<|im_start|>"),)))
SAID = "Two and é\n<|im_end|> 12?"


def same_tokens(found):
    assert found.tokenizer.encode(SAID).ids == MODEL.tokenizer.encode(SAID).ids
    known = found.tokenizer.get_vocab()
    assert known.items() >= MODEL.tokenizer.get_vocab().items()
    assert all(token.startswith("[PAD") for token in known.keys() - MODEL.tokenizer.get_vocab())
    assert found.stop == MODEL.stop and found.template.text == MODEL.template.text
    return True


def test_a_folder_is_read_again(tmp_path):
    decoder_folder.save(tmp_path / "first", MODEL.net, MODEL.params, MODEL)
    first = load.load(str(tmp_path / "first"))
    jax.tree.map(np.testing.assert_array_equal, first.params, MODEL.params)
    assert same_tokens(first) and first.net == MODEL.net
    more = {"eos_token_id": [1, 5], "top_p": 0.9}
    (tmp_path / "first" / "generation_config.json").write_text(json.dumps(more))
    first = load.load(str(tmp_path / "first"))
    assert first.stop == (1, 5)
    decoder_folder.save(tmp_path / "again", first.net, first.params, first, "bfloat16")
    said = json.loads((tmp_path / "again" / "generation_config.json").read_text())
    assert said == more  # what a teacher's folder says beside goes along
    settings = json.loads((tmp_path / "again" / "config.json").read_text())
    assert settings["torch_dtype"] == "bfloat16" and settings["eos_token_id"] == [1, 5]
    stored = load_file(tmp_path / "again" / "model.safetensors")
    assert {x.dtype for x in stored.values()} == {np.dtype(ml_dtypes.bfloat16)}
    jax.tree.map(
        lambda a, b: np.testing.assert_array_equal(a, b.astype(ml_dtypes.bfloat16)),
        load.load(str(tmp_path / "again")).params, MODEL.params,
    )  # fmt: skip


def test_a_decoder_s_tokens_are_of_the_folder_that_was_read_wherever_the_program_goes(
    tmp_path, monkeypatch
):
    first = tmp_path / "first"
    decoder_folder.save(first, MODEL.net, MODEL.params, MODEL)
    (first / "generation_config.json").write_text(json.dumps({"top_p": 0.9, "eos_token_id": 1}))
    gguf_writer.save(tmp_path / "x.gguf", MODEL.net, MODEL.params, MODEL, "float32")
    monkeypatch.chdir(tmp_path)
    found, packed = load.load("first"), load.load("x.gguf")
    assert (found.source, packed.source) == (first, tmp_path / "x.gguf")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    decoder_folder.save("again", found.net, found.params, found)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert pathlib.Path("again", name).read_bytes() == (first / name).read_bytes()
    assert json.loads(pathlib.Path("again/generation_config.json").read_text())["top_p"] == 0.9
    shutil.rmtree(first)
    line = f"there is no folder {first}, whose tokenizer's files are to be copied: put it back"
    with pytest.raises(InputError, match=re.escape(line)):
        decoder_folder.save("third", found.net, found.params, found)
    (tmp_path / "x.gguf").unlink()  # of which all was read
    decoder_folder.save("fourth", packed.net, packed.params, packed)
    assert same_tokens(load.load("fourth"))


def test_many_bytes_are_several_files(tmp_path):
    arrays = {f"x{n}": np.full((4, 4), n, np.float32) for n in range(5)}  # of 64 bytes each
    safetensors_files.write(tmp_path, arrays)
    safetensors_files.write(tmp_path, arrays, most=130)
    names = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert names == [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == 5 * 64 and index["weight_map"]["x4"] == names[2]
    found = safetensors_files.read(tmp_path)
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())
    one = {"y": arrays["x0"]}
    safetensors_files.write(tmp_path, one)
    assert safetensors_files.read(tmp_path).keys() == {"y"}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_gguf_file_is_read_again_and_by_the_library_of_the_format(tmp_path, dtype):
    path = tmp_path / "x.gguf"
    gguf_writer.save(path, MODEL.net, MODEL.params, MODEL, dtype)
    found = load.load(str(path))
    assert same_tokens(found) and found.template.marks[0] == ("bos_token", "<|im_start|>")
    assert found.net.epsilon == np.float32(MODEL.net.epsilon)  # as the format has it
    assert found.net.clone(epsilon=MODEL.net.epsilon) == MODEL.net
    close = {"rtol": 0 if dtype == "float32" else 2**-8}  # bfloat16 has 8 bits
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **close), found.params, MODEL.params)
    reader = library.GGUFReader(path)
    tensors = {each.name: each for each in reader.tensors}
    assert len(tensors) == 3 + 4 * 9
    norms = {each.tensor_type.name for name, each in tensors.items() if "norm" in name}
    assert norms == {"F32"} and reader.fields["llama.block_count"].contents() == 4


def test_other_families_and_tokenizers_are_refused(tmp_path):
    other = MODEL.net.clone(variant=MODEL.net.variant._replace(family="qwen3", head_norms=True))
    with pytest.raises(InputError, match="--gguf: the student is a qwen3 with settings of its own"):
        gguf_writer.save(tmp_path / "x.gguf", other, MODEL.params, MODEL)
    words = tiny_teacher.tokenizer([])
    words.pre_tokenizer = own_tokens.pre_tokenizers.Whitespace()
    with pytest.raises(InputError, match="expected a byte-level BPE that cuts them as smollm or"):
        gguf_writer.save(tmp_path / "x", MODEL.net, None, MODEL._replace(tokenizer=words))
