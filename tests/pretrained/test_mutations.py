"""A mutated model folder or file is refused in one line, or is the model that it was before.

Slow: ten times KD_JAX_CASES random mutations of each kind of model, which begin with SEED.
"""

import json

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("gguf", reason="needs the extra text")

import fuzzing
import tiny_encoders
import tiny_folders as tiny
import tiny_gguf
from model_loaders import CONFIGS, KINDS, READERS, same
from safetensors.numpy import save_file
from tiny_decoders import GOLDEN, config_of, write

from kd_jax.pretrained import decoder_settings, encoder, gguf, load, tokenizer
from kd_jax.pretrained import llama as decoder
from kd_jax.pretrained.settings import Settings

pytestmark = pytest.mark.slow
CASES, SEED = 10 * fuzzing.CASES, fuzzing.seed(23)
# settings that models of this kind have somewhere, few of them implemented
NAMES = """
attention_bias mlp_bias hidden_act hidden_activation activation_function rope_scaling
rope_parameters rope_theta rope_local_base_freq partial_rotary_factor rotary_pct
rope_interleaved sliding_window
use_sliding_window layer_types
attn_logit_softcapping final_logit_softcapping query_pre_attn_scalar attention_multiplier
embedding_multiplier residual_multiplier logits_scaling logit_scale tie_word_embeddings
position_embedding_type is_decoder add_cross_attention quantization_config compression_config
type_vocab_size embedding_size qk_norm use_qk_norm qk_layernorm clip_qkv norm_type layer_norm_type
rms_norm_add_unit_offset num_experts num_local_experts moe_intermediate_size attention_chunk_size
no_rope_layers no_rope_layer_interval max_window_layers sliding_window_pattern
sliding_window_size use_bidirectional_attention cache_implementation per_layer_config auto_map
alibi parallel_attn new_setting
pruned_heads original_max_position_embeddings rope_ratio torch_dtype architectures use_cache
""".split()
VALUES = [
    None, True, False, 0, 1, 2, 0.5, 1.0, -1, 1e300, "false", "relu", "none", "x", [], [0], {},
    {"type": "linear", "factor": 2.0}, {"factor": 2.0}, {"rope_type": "yarn"}, {"0": [1]}, 10**12,
    {"rope_type": "yarn", "factor": 4.0}, {"rope_type": "default"}, [1, 0, 1], [1, 0],
    {"full_attention": {"rope_type": "default"}, "sliding_attention": {"rope_theta": 9.0}},
    {"quant_method": "gptq"}, ["full_attention"], ["sliding_attention"] * 2,
    ["sliding_attention"] * 3, ["full_attention"] * 3,
]  # fmt: skip


# settings whose other values are other sound models, of all decoders and of some families
ROTATIONS = {"rope_scaling", "rope_parameters", "rope_theta"}
SWITCHED = {"layer_types", "sliding_window", "use_sliding_window", "max_window_layers"}
GEMMA = {
    "layer_types", "sliding_window", "query_pre_attn_scalar", "attn_logit_softcapping",
    "final_logit_softcapping",
}  # fmt: skip
READ = {
    "llama": set(), "olmo2": set(), "mistral": {"sliding_window"}, "phi3": {"sliding_window"},
    "qwen2": SWITCHED, "qwen3": SWITCHED, "gemma2": GEMMA,
    "smollm3": SWITCHED | {"no_rope_layers", "no_rope_layer_interval"},
    "gemma3_text": GEMMA - {"attn_logit_softcapping"}
    | {"sliding_window_pattern", "rope_local_base_freq"},
}  # fmt: skip


def pick(random, several):
    """One of several, whatever they are."""
    return several[random.integers(len(several))]


def other_settings(random, config):
    """A setting more, or one under another name."""
    changed = dict(config)
    if random.random() < 0.6:
        name = pick(random, NAMES)
        if name not in config:  # another value of a setting that is read is another sound model
            changed[name] = pick(random, VALUES)
        return changed
    name = pick(random, sorted(config))
    value = changed.pop(name)
    renamed = pick(
        random, [name + "s", name.upper(), "text_" + name, name.replace("_", ""), name[1:]]
    )
    return changed | {renamed: value}


def other_tensors(random, arrays):
    """A tensor more, under another name, of another kind, or none."""
    name, changed = pick(random, sorted(arrays)), dict(arrays)
    kind = random.integers(5)
    if kind == 0:
        suffix = pick(random, [".bias", "_scale", ".weight_scale", "s", ".lora_A.weight", "_inv"])
        changed.setdefault(name.removesuffix(".weight") + suffix, arrays[name])
    elif kind == 1:
        changed[name.replace("weight", "qweight") + "_"] = changed.pop(name)
    elif kind == 2:
        dtype = pick(random, [np.int8, np.uint8, np.int64, bool, np.complex64])
        changed[name] = arrays[name].astype(dtype)
    elif kind == 3:
        del changed[name]
    else:
        changed[name] = arrays[name].T.copy() if arrays[name].ndim > 1 else arrays[name][:-1]
        if changed[name].shape == arrays[name].shape:  # a square turned round cannot be told
            changed[name] = arrays[name]
    return changed


def changed_names(settings, config):
    return {name for name in settings.keys() | config if settings.get(name) != config.get(name)}


def said_again(net):
    """The network that the settings of a network describe."""
    found = decoder_settings.settings(net)
    return decoder_settings.network_of(found["model_type"], Settings(found, "its settings"))


@KINDS
def test_a_mutated_folder(tmp_path, kind):
    config = CONFIGS[kind]
    refused_or_same(tmp_path, READERS[kind], config, tiny.arrays(config))


@pytest.mark.parametrize("name", ["roberta", "mpnet", "modernbert"])
def test_a_mutated_encoder(tmp_path, name):
    config, arrays = tiny_encoders.FAMILIES[name]["config"], tiny_encoders.tensors(name)
    refused_or_same(tmp_path, encoder.load, config, arrays)


def refused_or_same(tmp_path, read, config, arrays):
    """Mutate settings and tensors of a folder, each time from what is sound."""
    random, refused, kind = np.random.default_rng(SEED), 0, config["model_type"]
    expected = read(tiny.write(tmp_path, config, arrays))
    for _ in range(CASES):
        settings = other_settings(random, config)
        tensors = other_tensors(random, arrays) if random.random() < 0.3 else arrays
        (tmp_path / "config.json").write_text(json.dumps(settings))
        if tensors is not arrays:
            save_file(tensors, tmp_path / "model.safetensors")
        found = fuzzing.read_or_refused(read, tmp_path)
        read_ones = ROTATIONS | READ[kind] if kind in READ else set()
        if found is None or not changed_names(settings, config) & read_ones:
            assert found is None or same(found, expected), settings
        else:
            assert said_again(found[0]) == found[0], settings
        refused += found is None
        if tensors is not arrays:
            save_file(arrays, tmp_path / "model.safetensors")
    assert CASES / 4 < refused < CASES  # neither are all refused nor none


@pytest.mark.parametrize("name", GOLDEN["families"])
def test_a_mutated_folder_of_a_family(tmp_path, name):
    """What is read is refused, what it was, or a network whose settings are read as the same."""
    random, config = np.random.default_rng(SEED), config_of(name)
    read_ones = ROTATIONS | READ[config["model_type"]]
    expected, refused = decoder.load(write(tmp_path, name)), 0
    for _ in range(CASES // 4):
        changed = pick(random, NAMES)
        settings = config | {changed: pick(random, VALUES)}
        (tmp_path / "config.json").write_text(json.dumps(settings))
        found = fuzzing.read_or_refused(decoder.load, tmp_path)
        if found is not None:
            assert said_again(found[0]) == found[0], settings
            assert changed in read_ones or same(found, expected), settings
        refused += found is None
    assert CASES / 16 < refused < CASES / 4


FILE_NAMES = """
llama.rope.scaling.type llama.rope.scaling.factor llama.rope.scale_linear llama.rope.freq_scale
llama.rope.dimension_count llama.rope.scaling.attn_factor llama.attention.value_length
llama.attention.sliding_window llama.attention.causal llama.attention.clamp_kqv llama.vocab_size
llama.attention.scale llama.logit_scale llama.expert_count llama.embedding_scale general.type
general.name split.count adapter.type tokenizer.ggml.pre tokenizer.ggml.new llama.new qwen2.new
""".split()
FILE_VALUES = [0, 1, 2, 16, 101, 1.0, 4.0, float("inf"), "none", "linear", "x", True, False, [1, 2]]


def test_a_mutated_file(tmp_path):
    random, path = np.random.default_rng(SEED), tmp_path / "model.gguf"
    expected = gguf.load(tiny_gguf.write(path))
    names = [*FILE_NAMES, *tiny_gguf.METADATA, *tiny_gguf.NUMBERS]
    refused = 0
    for _ in range(CASES // 4):
        if random.random() < 0.8:
            changed = {pick(random, FILE_NAMES): pick(random, FILE_VALUES)}
        else:  # under another name
            name = pick(random, names)
            value = (tiny_gguf.METADATA | tiny_gguf.NUMBERS).get(name)
            changed = {name: None, f"{name}s": value}
        more = f"blk.0.{pick(random, ['attn_q.scale', 'attn_k.bias', 'ffn_up.bias'])}"
        tensors = {more: np.ones(32, np.float32)} if random.random() < 0.2 else {}
        tiny_gguf.write(path, tensors=tensors, **changed)
        found = fuzzing.read_or_refused(gguf.load, path)
        assert found is None or same(found, expected), changed
        fuzzing.read_or_refused(gguf.tokenizer, path)
        refused += found is None
    assert CASES / 16 < refused < CASES / 4


# settings of tokenizer.json that its library implements: another value is another tokenizer
IMPLEMENTED = (
    "pre_tokenizer continuing_subword_prefix end_of_word_suffix unk_token normalizer "
    "added_tokens".split()  # none of them: its marks are words like others
)


def test_a_mutated_chat_folder(tmp_path):
    """Tokenizers, what is said of them elsewhere, and the tokens that end an answer."""
    random = np.random.default_rng(SEED)
    tiny.words(tiny.write(tmp_path, tiny.LLAMA))
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    ids = tokenizer.load(tmp_path).encode("abc<|im_end|>").ids
    refused = 0
    for _ in range(CASES):
        changed = json.loads(json.dumps(content))
        where = pick(random, [changed, changed["model"], changed["added_tokens"][0]])
        name = pick(random, sorted(where))
        if name != "content" and name != "vocab":  # another vocabulary is another tokenizer
            where[name] = pick(random, VALUES)
        (tmp_path / "tokenizer.json").write_text(json.dumps(changed))
        for file in ("generation_config.json", "tokenizer_config.json"):
            (tmp_path / file).unlink(missing_ok=True)
            if random.random() < 0.3:
                names = ["eos_token_id", "add_prefix_space", "added_tokens_decoder", "new"]
                (tmp_path / file).write_text(
                    json.dumps({pick(random, names): pick(random, VALUES)})
                )
        found = fuzzing.read_or_refused(load.load, str(tmp_path))
        refused += found is None
        if found is not None:
            assert all(0 <= n < 13 for n in found.stop)
            same_ids = found.tokenizer.encode("abc<|im_end|>").ids == ids
            assert name in IMPLEMENTED or same_ids, changed
    assert CASES / 4 < refused < CASES
