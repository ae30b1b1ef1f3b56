"""The smallest model folders and files that tests of loaders share, written without the loaders."""

import json

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

LLAMA = {
    "model_type": "llama", "vocab_size": 13, "hidden_size": 12, "num_hidden_layers": 2,
    "intermediate_size": 10, "max_position_embeddings": 32, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 4, "rms_norm_eps": 1e-5, "rope_theta": 500.0,
    "tie_word_embeddings": False, "hidden_act": "silu",
}  # fmt: skip
QWEN2 = LLAMA | {"model_type": "qwen2", "tie_word_embeddings": True}
BERT = {
    "model_type": "bert", "vocab_size": 13, "hidden_size": 8, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 9,
    "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
}  # fmt: skip
DISTILBERT = {
    "model_type": "distilbert", "vocab_size": 13, "dim": 8, "n_layers": 2, "n_heads": 2,
    "hidden_dim": 12, "max_position_embeddings": 9, "activation": "gelu",
}  # fmt: skip


def _llama_shapes(config):
    shapes = {"model.embed_tokens.weight": (13, 12), "model.norm.weight": (12,)}
    shapes |= {} if config["tie_word_embeddings"] else {"lm_head.weight": (13, 12)}
    for n in range(2):
        layer = f"model.layers.{n}"
        for part, rows in (("q", 16), ("k", 8), ("v", 8)):
            shapes[f"{layer}.self_attn.{part}_proj.weight"] = rows, 12
            if config["model_type"] == "qwen2":
                shapes[f"{layer}.self_attn.{part}_proj.bias"] = (rows,)
        shapes[f"{layer}.self_attn.o_proj.weight"] = 12, 16
        shapes |= {f"{layer}.mlp.{part}_proj.weight": (10, 12) for part in ("gate", "up")}
        shapes[f"{layer}.mlp.down_proj.weight"] = 12, 10
        shapes |= {f"{layer}.{p}_layernorm.weight": (12,) for p in ("input", "post_attention")}
    return shapes


def _bert_shapes(config):
    plain = config["model_type"] == "bert"
    tables = {"word": 13, "position": 9} | ({"token_type": 2} if plain else {})
    shapes = {f"embeddings.{name}_embeddings.weight": (rows, 8) for name, rows in tables.items()}
    norms, dense = ["embeddings.LayerNorm"], {}
    for n in range(2):
        layer = f"encoder.layer.{n}" if plain else f"transformer.layer.{n}"
        four = (
            "attention.self.query attention.self.key attention.self.value attention.output.dense"
            if plain
            else "attention.q_lin attention.k_lin attention.v_lin attention.out_lin"
        ).split()
        inner, outer = ("intermediate.dense", "output.dense") if plain else ("ffn.lin1", "ffn.lin2")
        dense |= {f"{layer}.{name}": (8, 8) for name in four}
        dense |= {f"{layer}.{inner}": (12, 8), f"{layer}.{outer}": (8, 12)}
        both = ("attention.output.LayerNorm", "output.LayerNorm")
        norms += [
            f"{layer}.{x}" for x in (both if plain else ("sa_layer_norm", "output_layer_norm"))
        ]
    for name, shape in dense.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return shapes | {f"{name}.{part}": (8,) for name in norms for part in ("weight", "bias")}


def arrays(config):
    """{name: array} of a folder with that config, none of the numbers 0 or 1."""
    shapes = _llama_shapes(config) if "rms_norm_eps" in config else _bert_shapes(config)
    random = np.random.default_rng(5)
    return {n: random.normal(size=s).astype(np.float32) / 2 for n, s in sorted(shapes.items())}


def write(folder, config, tensors=None):
    """A folder with that config, and its arrays or those given."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(arrays(config) if tensors is None else tensors, folder / "model.safetensors")
    return folder


def changed(folder, **tensors):
    """Put arrays into a folder's weights; None takes one away."""
    path = folder / "model.safetensors"
    found = load_file(path) | tensors
    save_file({n: a for n, a in found.items() if a is not None}, path)
    return folder


def words(folder, marks=("<|im_start|>", "<|im_end|>"), **changes):
    """A tokenizer.json of 13 tokens, of which the marks are special; `changes` of its content."""
    letters = "abcdefghijk"[: 13 - len(marks)]
    found = Tokenizer(models.BPE({x: n for n, x in enumerate(letters)}, []))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    found.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    content = json.loads(found.to_str())
    content["model"] |= changes.pop("model", {})
    (folder / "tokenizer.json").write_text(json.dumps(content | changes))
    return folder
