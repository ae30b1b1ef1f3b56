"""Starts of students: some of a teacher's layers, another model, or a new smaller one."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax

from kd_jax.errors import counted, require
from kd_jax.language.decoder import own_tokens
from kd_jax.metrics import cost
from kd_jax.models import llama
from kd_jax.models.llama import Llama
from kd_jax.pretrained import layer_selection
from kd_jax.pretrained.load import ChatModel

ACROSS = "sft", "universal_logit", "sft_universal_logit"  # with tokens of its own


class Start(NamedTuple):
    """Where students begin.

    Attributes:
        row: What the table calls it, untrained.
        net: A Llama.
        params: Of it.
        words: How it is said in a sentence.
        tokens: The ChatModel whose tokens and chat template it has, where they are not the
            teacher's.
    """

    row: str
    net: Llama
    params: Any
    words: str
    tokens: ChatModel | None = None


def cut(teacher: ChatModel, count: int, own: ChatModel | None = None) -> Start:
    """Evenly spaced layers of the teacher, the first and the last among them.

    Args:
        teacher: The ChatModel.
        count: How many.
        own: With the tokens of own_tokens.learned in place of the teacher's, if any.

    Raises:
        InputError: It has no more layers than that.
    """
    net = teacher.net
    require_fewer(count, net)
    chosen = layer_selection.spaced(net.layers, count)
    less, params = layer_selection.student(net, teacher.params, chosen)
    shown = ", ".join(map(str, chosen))
    words = f"{'layer' if count == 1 else 'layers'} {shown} of the teacher"
    if own:
        params = own_tokens.transferred(params, teacher, own)
        less = dataclasses.replace(less, vocabulary=len(params["embedding"]))
    return Start("layers cut, not trained", less, params, words + _with(own), own)


def _with(own: ChatModel | None) -> str:
    """What a sentence says of tokens of a student's own."""
    return f" with {own.tokenizer.get_vocab_size():,} tokens of its own" if own else ""


def given(teacher: ChatModel, student: ChatModel) -> Start:
    """Another model, with the teacher's tokens or its own.

    Args:
        teacher: The ChatModel.
        student: Another.
    """
    alike = _one_tokenizer(teacher, student) and teacher.net.vocabulary == student.net.vocabulary
    own = None if alike else student
    name = pathlib.Path(student.source).name
    return Start("student as given", student.net, student.params, name, own)


def without_padding(teacher: ChatModel, student: ChatModel) -> tuple[ChatModel, ChatModel]:
    """Both, with as many tokens each where they have one tokenizer.

    Families pad embeddings to other multiples in models of other sizes, as Qwen2.5 to 151,936 and
    152,064: rows that no token has are left out of the larger one.

    Args:
        teacher: The ChatModel.
        student: Another.
    """
    size = min(teacher.net.vocabulary, student.net.vocabulary)
    if not _one_tokenizer(teacher, student):
        return teacher, student
    return own_tokens.cropped(teacher, size), own_tokens.cropped(student, size)


def _one_tokenizer(*models):
    first, second = (each.tokenizer.get_vocab(with_added_tokens=True) for each in models)
    return first == second


def require_across(flag: str, names: Sequence[str]) -> None:
    """InputError where objectives of a student with tokens of its own are those of the teacher's.

    Args:
        flag: That such a student comes of.
        names: Of objectives.
    """
    wrong = ",".join(name for name in names if name not in ACROSS)
    require(
        not wrong, f"{flag}: the student's tokens are not the teacher's, and --objective={wrong} "
        f"learns in those: expected --objective={','.join(ACROSS)} or some of them, or a student "
        "with the teacher's tokens",
    )  # fmt: skip


def require_fewer(layers: int, net: Llama) -> None:
    """InputError unless a student has fewer layers than its teacher.

    Args:
        layers: Of the student.
        net: The teacher.
    """
    require(
        layers < net.layers, f"--layers={layers}: expected fewer than the teacher's {net.layers}"
    )


def require_no_more(wanted: Mapping[str, int], net: Llama) -> None:
    """InputError where a new student has more layers than its teacher.

    Args:
        wanted: Of `sizes`.
        net: The teacher.
    """
    require(
        wanted["layers"] <= net.layers, f"--random=layers:{wanted['layers']}: expected at most the "
        f"teacher's {counted(net.layers, 'layer')}",
    )  # fmt: skip


def new(
    teacher: ChatModel, wanted: Mapping[str, int], key: jax.Array, own: ChatModel | None = None
) -> Start:
    """A new network of the teacher's family, drawn at random, with its tokens or its own.

    What is not said follows: heads as wide as the teacher's, as many queries to a key, a
    feed-forward net as many times as wide.

    Args:
        teacher: The ChatModel.
        wanted: Of `sizes`.
        key: Of its parameters.
        own: With the tokens of own_tokens.learned in place of the teacher's, if any.

    Raises:
        InputError: The sizes do not fit together, or it would be larger than the teacher.
    """
    net, hidden, layers = teacher.net, wanted["hidden"], wanted["layers"]
    require_no_more(wanted, net)
    head_dim = wanted.get("head_dim", net.head_dim)
    heads = wanted.get("heads", max(1, hidden // head_dim))
    each = net.heads // net.num_kv_heads
    groups = wanted.get("kv_heads", heads // each if heads % each == 0 else heads)
    require(
        heads % groups == 0, f"--random: {heads} heads are no multiple of {groups} heads of keys"
    )
    inner = max(8, round(net.intermediate_size * hidden / net.width / 8) * 8)
    less = layer_selection.shortened(net, layer_selection.spaced(net.layers, layers))
    less = dataclasses.replace(
        less, width=hidden, heads=heads, num_kv_heads=groups, head_dim=head_dim,
        intermediate_size=wanted.get("intermediate", inner),
    )  # fmt: skip
    require(head_dim % 2 == 0, f"--random=head_dim:{head_dim}: expected an even number")
    if own:
        less = dataclasses.replace(less, vocabulary=own.tokenizer.get_vocab_size())
    init = llama.decoder(less).init
    _require_smaller(jax.eval_shape(init, key)["params"], teacher)
    params = jax.jit(init)(key)["params"]
    words = f"{counted(layers, 'new layer')} of width {hidden}{_with(own)}"
    return Start("new, not trained", less, params, words, own)


def _require_smaller(shapes, teacher):
    own, most = (cost.parameters(each) for each in (shapes, teacher.params))
    require(
        own <= most, f"--random: a student of these sizes has {own:,} parameters, expected at most "
        f"the teacher's {most:,}: give smaller ones",
    )  # fmt: skip
