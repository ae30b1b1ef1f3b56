"""Students of every family, cut from it or new, are written and read as the same network."""

import jax
import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

import numpy as np
import tiny_decoders
from in_process import untrained

from kd_jax.language.decoder import starts
from kd_jax.models import llama as models
from kd_jax.pretrained import layer_selection, llama
from kd_jax.pretrained.load import ChatModel


@pytest.mark.parametrize("name", tiny_decoders.GOLDEN["families"])
def test_a_student_s_folder_is_read_as_it_was(tmp_path, name, monkeypatch):
    net, params = llama.load(tiny_decoders.write(tmp_path / "teacher", name))
    teacher = ChatModel(net, params, None, ())
    monkeypatch.setattr(jax, "jit", lambda init: lambda key: drawn(init, key))  # drawn by NumPy
    begun = [starts.cut(teacher, count) for count in range(1, net.layers)]
    begun.append(starts.new(teacher, {"hidden": 16, "layers": 2}, jax.random.key(0)))
    for number, start in enumerate(begun):
        llama.save(tmp_path / str(number), start.net, start.params)
        again, read = llama.load(tmp_path / str(number))
        assert again == start.net
        jax.tree.map(np.testing.assert_array_equal, read, start.params)


def drawn(init, key):
    return untrained(models.Model(init, None, None))


def test_layers_that_are_alike_are_said_once(tmp_path):
    """Of SmolLM3's 1, 0, 1 the first and the last turn, as all do where nothing is said."""
    net, _ = llama.load(tiny_decoders.write(tmp_path / "teacher", "smollm3"))
    assert layer_selection.shortened(net, [0, 2]).variant.rotations == ()
    turned, unturned = layer_selection.shortened(net, [0, 1]).variant.rotations
    assert turned == net.variant.rotations[0] and unturned is None
