"""kd.Decoder: its logits are the network's, its programs are compiled once, bad input is a line."""

import jax
import ml_dtypes
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("jinja2", reason="needs the extra text")

import tiny_llama
from refusals import refused

import kd_jax as kd
from kd_jax.export import folders
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import chatting


@pytest.fixture(scope="module")
def decoder():
    return kd.Decoder(tiny_teacher.chat_model(jax.random.key(0), ["1, 2, 3?", "4, 5"]))


def test_logits_of_a_text_and_of_its_tokens_are_the_network_s(decoder):
    """Of nine tokens beside padding of another length than the decoder's own."""
    ids = decoder.tokenizer.encode("1, 2, 3?").ids
    padded = np.zeros((1, 64), int)
    padded[0, : len(ids)] = ids
    inputs = {"ids": padded, "mask": np.arange(64)[None] < len(ids)}
    wanted, _ = tiny_llama.outputs(decoder.network)(decoder.params, inputs)
    found = decoder.logits("1, 2, 3?")
    assert found.dtype == np.float32 and found.shape == (len(ids), decoder.network.vocabulary)
    np.testing.assert_allclose(found, wanted[0, : len(ids)], atol=1e-5)
    np.testing.assert_allclose(decoder.logits(ids), found, atol=1e-6)
    np.testing.assert_allclose(decoder.logits(np.array(ids[:3])), found[:3], atol=1e-5)


def test_the_attributes_of_encoders_and_decoders_have_one_name(decoder):
    for name in ("network", "params", "tokenizer"):
        assert hasattr(decoder, name) and f"        {name}: " in kd.Encoder.__doc__


def test_what_is_saved_gives_the_same_logits(decoder, tmp_path):
    wanted = decoder.logits("1, 2, 3?")
    decoder.save(tmp_path / "a")
    again = kd.Decoder(tmp_path / "a")
    np.testing.assert_array_equal(again.logits("1, 2, 3?"), wanted)
    assert again.answer("4?", 5) == decoder.answer("4?", 5)
    again.save(tmp_path / "a")  # the folder that it was read from
    np.testing.assert_array_equal(kd.Decoder(tmp_path / "a").logits("1, 2, 3?"), wanted)
    again.save(tmp_path / "half", "bfloat16")
    half = kd.Decoder(tmp_path / "half")
    rounded = jax.tree.map(lambda x: x.astype(ml_dtypes.bfloat16).astype(np.float32), again.params)
    jax.tree.map(np.testing.assert_array_equal, half.params, rounded)
    sizes = [(tmp_path / x / "model.safetensors").stat().st_size for x in ("half", "a")]
    assert 0.5 <= sizes[0] / sizes[1] < 0.52  # and the names of tensors


def test_what_was_saved_is_replaced_whole_and_nothing_else(decoder, tmp_path):
    for dtype in ("float16", None, ["float32"]):
        refused("dtype=.*: expected float32 or bfloat16", decoder.save, tmp_path / "a", dtype)
    refused("is no path: expected a text", decoder.save, None)
    assert not list(tmp_path.iterdir())
    with folders.written_whole(tmp_path / "out") as out:
        (out / "records.jsonl").write_text("{}")
    refused("out was written by a run's --out: kd.Decoder.save", decoder.save, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    refused(r"mine holds other files \(notes.txt\)", decoder.save, tmp_path / "mine")
    assert [x.name for x in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert (tmp_path / "out" / "records.jsonl").read_text() == "{}"
    decoder.save(tmp_path / "a")
    (tmp_path / "a" / "config.json").write_text("{}")
    refused(r"a holds files that were changed \(config.json\)", decoder.save, tmp_path / "a")


def test_questions_of_like_lengths_are_one_program(decoder):
    chatting._writer.cache_clear()
    answers = {decoder.answer(f"{n}?", 3) for n in range(4)}
    assert chatting._writer.cache_info().misses == 1 and answers
    one, other = (decoder.answer("1?", 9, temperature=2.0, seed=seed) for seed in (0, 1))
    assert chatting._writer.cache_info().misses == 2 and one != other


def test_bad_input_is_one_line(decoder):
    refused("role is bot, expected one of system", decoder.answer, [{"role": "bot", "content": ""}])
    refused("did you mean assistant?", decoder.answer, [{"role": "bot", "content": "a"}])
    for given in (None, 3, [], {}):
        refused("expected a text, or messages with role and content", decoder.answer, given)
    refused("message 1 is a, expected an object", decoder.answer, ["a"])
    refused("max_tokens=0: expected a whole number, 1 or more", decoder.answer, "a", 0)
    for given in (None, 3, [1.5], [[1]], [[1], [2, 3]], ["a"]):
        refused("expected a text, or the ids of its tokens", decoder.logits, given)
    refused("the text has no token", decoder.logits, [])
    refused("token 9999: expected 0 to", decoder.logits, [1, 9999])
    refused("token -1: expected 0 to", decoder.logits, [-1])
    refused("the text has 3,000 tokens: expected at most", decoder.logits, [1] * 3000)
    for given in (None, 3):
        refused("is no path: expected a text", kd.Decoder, given)
