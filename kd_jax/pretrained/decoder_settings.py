"""The network that a decoder's config.json describes, and back."""

import dataclasses
import os
from typing import Any

import jax.numpy as jnp

from kd_jax.errors import require
from kd_jax.models.llama import Llama, layer_kinds
from kd_jax.models.rotations import Rotation
from kd_jax.pretrained import harmless, rotations
from kd_jax.pretrained import model_folder as folders
from kd_jax.pretrained.decoder_families import FAMILIES
from kd_jax.pretrained.settings import Settings, shown

SIZES = {
    "vocabulary": "vocab_size",
    "width": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
}
OPTIONAL = {
    "num_kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "max_position_embeddings": "max_position_embeddings",
}
CAPS = {"attention_cap": "attn_logit_softcapping", "logits_cap": "final_logit_softcapping"}
# what a family may read, or else is not implemented, with the values at which it changes nothing
NEUTRAL = harmless.NEUTRAL | {
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "attn_logit_softcapping": (None,),
    "final_logit_softcapping": (None,),
    "is_decoder": (True, False),  # it is one anyhow
    "is_causal": (True,),
    "rope_interleaved": (False,),
    "use_mrope": (False,),
    "use_qk_norm": (False,),
    "qk_layernorm": (False,),
    "qk_layer_norms": (False,),
    "embedding_multiplier": (1,),
    "residual_multiplier": (1,),
    "logits_scaling": (1,),
    "logit_scale": (1,),
}


def network(folder: str | os.PathLike) -> Llama:
    """The network of a folder's config.json.

    Raises:
        InputError: it is of no known family, or has settings that are wrong, unknown or not
            implemented.
    """
    return network_of(*folders.settings(folder, FAMILIES))


def network_of(kind: str, found: Settings) -> Llama:
    """The network of a family that settings describe; see `network`.

    Args:
        kind: the model_type of the family.
        found: the settings.
    """
    family = FAMILIES[kind]
    sizes = {ours: found.whole(theirs) for ours, theirs in SIZES.items()}
    sizes |= {ours: found.whole(theirs) for ours, theirs in OPTIONAL.items() if found.has(theirs)}
    require(
        sizes["layers"] <= 10_000, f"{found.source}: num_hidden_layers is {sizes['layers']}, "
        "expected at most 10000",
    )  # fmt: skip
    epsilon = found.epsilon("rms_norm_eps", family.epsilon)
    tied = found.truth("tie_word_embeddings", family.tied)
    rotated = _rotated(found, family, sizes["layers"])
    positions = sizes.get("max_position_embeddings")
    windows = family.windows.read(found, rotated, positions or 0)
    theta, turns = _rotations(found, family, rotated, windows, positions)
    biases, more = _biases(found, family)
    more |= {"windows": windows, "rotations": turns, **_scores(found, family)}
    unread = {name: each for name, each in NEUTRAL.items() if name not in found.read}
    found.neutral(unread | {family.acts: family.activation, **family.neutral})
    found.accounted(harmless.COMMON | family.harmless)
    variant = family.variant._replace(family=kind, **more)
    llama = sized(found.source, sizes, theta, epsilon, tied, biases)
    return dataclasses.replace(llama, variant=variant)


def _rotated(found, family, layers):
    """Of every layer, whether its queries and keys turn."""
    if not family.unturned:
        return [True] * layers
    every, each = found.whole("no_rope_layer_interval", 4), found.get("no_rope_layers")
    if each is None:
        return [(n + 1) % every > 0 for n in range(layers)]
    right = isinstance(each, list) and len(each) == layers and all(one in (0, 1) for one in each)
    require(
        right, f"{found.source}: no_rope_layers is {shown(each)}, expected {layers} times 1 (its "
        "queries and keys turn) or 0",
    )  # fmt: skip
    return [bool(one) for one in each]


def _rotations(found, family, rotated, windows, positions):
    """(theta, the rotations of a Variant)."""
    if family.local_theta is None:
        whole = rotations.read(found, family.theta, positions)
        near = whole
    else:
        whole, near = rotations.read_two(found, family.theta, family.local_theta, positions)
    of_windows = windows or (0,) * len(rotated)
    each = tuple(
        (near if window else whole) if turned else None
        for turned, window in zip(rotated, of_windows)
    )
    plain = set(each) == {Rotation(whole.theta)}
    return whole.theta, () if plain else each


def _biases(found, family):
    """(Whether queries, keys and values have biases, what a Variant says of other biases)."""
    given = family.biases is None and found.truth("attention_bias", False)
    inner = family.inner_biases and found.truth("mlp_bias", False)
    return given or bool(family.biases), {"output_bias": given, "inner_biases": inner}


def _scores(found, family):
    """What a Variant says of the scale and the caps of scores and logits."""
    more: dict[str, Any] = {}
    if family.scalar:
        more["attention_scalar"] = found.positive("query_pre_attn_scalar", 256.0)
    for ours, default in family.caps.items():
        missing, set_ = CAPS[ours] not in found.found, found.has(CAPS[ours])
        more[ours] = default if missing else found.positive(CAPS[ours]) if set_ else None
    return more


def settings(llama: Llama) -> dict[str, Any]:
    """What config.json says of a network, as `network` and other libraries read it.

    Raises:
        InputError: its family has no words for something that it does.
    """
    kind, variant = llama.variant.family, llama.variant
    if kind == "llama" and llama.biases and not variant.output_bias:
        kind = "qwen2"
    family, given = FAMILIES[kind], [*zip(*layer_kinds(llama))]
    found: dict[str, Any] = {"model_type": kind, "architectures": [family.architecture]}
    found[family.acts] = family.activation[0]
    found |= {theirs: getattr(llama, ours) for ours, theirs in (SIZES | OPTIONAL).items()}
    found |= {"rms_norm_eps": llama.epsilon, "tie_word_embeddings": llama.tied}
    found |= family.windows.settings(given[0]) | _said_of_rotations(llama, family, *given)
    found |= {"attention_bias": variant.output_bias} if family.biases is None else {}
    found |= {"mlp_bias": variant.inner_biases} if family.inner_biases else {}
    found |= {"query_pre_attn_scalar": _whole(variant.attention_scalar)} if family.scalar else {}
    found |= {CAPS[ours]: getattr(variant, ours) for ours in family.caps}
    _require_said(kind, found, llama)
    return found


def _whole(number):
    """A number as libraries take it that expect a whole one."""
    return int(number) if number is not None and number == int(number) else number


def _said_of_rotations(llama, family, windows, each):
    turned = [rotation for rotation in each if rotation]
    whole = [rotation for rotation, window in zip(each, windows) if rotation and not window]
    if family.local_theta is None:
        found = rotations.settings((turned or [Rotation(llama.theta)])[0])
    else:
        near = [rotation for rotation, window in zip(each, windows) if rotation and window]
        found = rotations.settings((whole or [Rotation(llama.theta)])[0])
        found["rope_local_base_freq"] = near[0].theta if near else family.local_theta
    unturned = {"no_rope_layers": [int(rotation is not None) for rotation in each]}
    return found | (unturned if family.unturned else {})


def _require_said(kind, found, llama):
    """InputError unless the settings, read again, are of the same network."""
    plain = {"dtype": jnp.float32, "remat": False}
    again = dataclasses.replace(network_of(kind, Settings(found, "its settings")), **plain)
    named = dataclasses.replace(llama, **plain, variant=llama.variant._replace(family=kind))
    require(
        again == named, f"the network does something that the settings of a {kind} cannot say: "
        "expected one as it was loaded, or as its family is",
    )  # fmt: skip


def sized(
    source: str | os.PathLike,
    sizes: dict[str, Any],
    theta: float,
    epsilon: float,
    tied: bool,
    biases: bool,
) -> Llama:
    """The Llama of such sizes.

    Args:
        source: the file that gives them, for error messages.
        sizes: fields of a Llama; num_kv_heads, head_dim and max_position_embeddings may be missing.
        theta: the base of the rotary embedding.
        epsilon: of the normalizations.
        tied: whether the head is the embedding's transpose.
        biases: whether queries, keys and values have biases.

    Raises:
        InputError: heads do not fit together.
    """
    heads, width = sizes["heads"], sizes["width"]
    groups = sizes.get("num_kv_heads") or heads
    require(heads % groups == 0, f"{source}: {heads} heads are no multiple of {groups} groups")
    fits = sizes.get("head_dim") or width % heads == 0
    require(fits, f"{source}: width {width} is no multiple of {heads} heads")
    size = sizes.get("head_dim") or width // heads
    require(size % 2 == 0, f"{source}: heads are {size} wide, expected an even number to rotate")
    sizes = sizes | {"num_kv_heads": groups, "head_dim": size}
    return Llama(**sizes, theta=theta, epsilon=epsilon, tied=tied, biases=biases)
