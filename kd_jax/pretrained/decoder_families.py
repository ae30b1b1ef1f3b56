"""Families of decoders in Hugging Face folders, by model_type: what each has other than Llama.

Sources: the configuration and modeling files of transformers 5.24, and the config.json of the
models on the hub. Mistral: Jiang et al. 2023, arXiv 2310.06825; Qwen3: arXiv 2505.09388; OLMo 2:
arXiv 2501.00656; Gemma 2: arXiv 2408.00118; Gemma 3: arXiv 2503.19786; Phi-3: arXiv 2404.14219;
SmolLM3 leaves out rotations in every fourth layer (arXiv 2305.19466 compares such layers).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from kd_jax.models.variants import Variant
from kd_jax.pretrained.decoder_windows import Alternating, Everywhere, Unlimited, Unturned, Upper


class Family(NamedTuple):
    """What a model_type has other than Llama.

    architecture: the class of transformers that reads it. variant: what the network does
    differently whatever its config says. biases: of queries, keys and values whatever it says;
    None: as attention_bias says, and then of what attention gives too. inner_biases: whether
    mlp_bias is read. windows: how it says which tokens a layer sees. unturned: whether it says
    which layers do not turn. fused: whether tensors hold several arrays. acts, activation: what
    the gates' function is called, and its values. scalar: whether query_pre_attn_scalar is read.
    caps: which of a Variant's soft caps are read, with their values where nothing is said.
    theta, local_theta, epsilon, tied: where nothing is said; local_theta: of layers with a window,
    None: they have none of their own. neutral: what else changes nothing, with its values.
    harmless: whatever its value.
    """

    architecture: str
    variant: Variant = Variant()
    biases: bool | None = None
    inner_biases: bool = False
    windows: Any = Unlimited()
    unturned: bool = False
    fused: bool = False
    activation: tuple[str, ...] = ("silu", "swish")
    acts: str = "hidden_act"
    scalar: bool = False
    caps: Mapping[str, float | None] = {}
    theta: float = 10000.0
    local_theta: float | None = None
    epsilon: float = 1e-6
    tied: bool = False
    neutral: Mapping[str, tuple] = {}
    harmless: frozenset[str] = frozenset()


PHI3_CODE = {  # of its own, which transformers has by now
    "AutoConfig": "configuration_phi3.Phi3Config",
    "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM",
}
GEMMA = Variant(
    post_norms=True, norm_offset=1.0, activation=jax.nn.gelu, scaled_embeddings=True
)  # fmt: skip
GEMMA_ACTIVATION = ("gelu_pytorch_tanh",)
GEMMA_NEUTRAL = {"hidden_act": GEMMA_ACTIVATION, "use_bidirectional_attention": (False,)}
GEMMA_HARMLESS = frozenset(["cache_implementation"])

FAMILIES = {
    "llama": Family("LlamaForCausalLM", inner_biases=True),
    "mistral": Family("MistralForCausalLM", biases=False, windows=Everywhere(4096)),
    "qwen2": Family(
        "Qwen2ForCausalLM", biases=True, windows=Upper(), neutral={"attention_bias": (True, False)}
    ),
    "qwen3": Family("Qwen3ForCausalLM", Variant(head_norms=True), windows=Upper()),
    "smollm3": Family(
        "SmolLM3ForCausalLM", inner_biases=True, windows=Unturned(), unturned=True,
        theta=2000000.0, tied=True,
    ),
    "olmo2": Family(
        "Olmo2ForCausalLM", Variant(projection_norms=True, pre_norms=False, post_norms=True),
        epsilon=1e-5,
    ),
    "gemma2": Family(
        "Gemma2ForCausalLM", GEMMA, windows=Alternating(2), activation=GEMMA_ACTIVATION,
        acts="hidden_activation", scalar=True, tied=True,
        caps={"attention_cap": 50.0, "logits_cap": 30.0},
        neutral=GEMMA_NEUTRAL, harmless=GEMMA_HARMLESS,
    ),
    "gemma3_text": Family(
        "Gemma3ForCausalLM", GEMMA._replace(head_norms=True),
        windows=Alternating(6, named=("_sliding_window_pattern", "sliding_window_pattern")),
        activation=GEMMA_ACTIVATION, acts="hidden_activation", scalar=True,
        caps={"logits_cap": None},  # transformers forgets that of scores
        theta=1000000.0, local_theta=10000.0, tied=True,
        neutral=GEMMA_NEUTRAL, harmless=GEMMA_HARMLESS,
    ),
    "phi3": Family(
        "Phi3ForCausalLM", biases=False, windows=Everywhere(0), fused=True, epsilon=1e-5,
        neutral={"auto_map": ({}, PHI3_CODE)},
    ),
}  # fmt: skip
