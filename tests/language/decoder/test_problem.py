"""Which texts of a file are held out, with texts that are equal."""

import json

import numpy as np
import pytest
from refusals import refused

pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("safetensors", reason="needs the extra text")

from kd_jax.language.decoder import problem


@pytest.fixture
def write(tmp_path):
    def to(name, content):
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return to


def chat(number):
    said = {"user": f"what is {number}?", "assistant": f"it is {number}"}
    return json.dumps(
        {"messages": [{"role": role, "content": text} for role, text in said.items()]}
    )


def answers(examples):
    return [int(each.messages[1]["content"].split()[-1]) for each in examples]


def parted(write, numbers, test=(), **how):
    path = write("chats.jsonl", "\n".join(map(chat, numbers)))
    other = write("test.jsonl", "\n".join(map(chat, test))) if test else ""
    learned, held, notes = problem.parted(path, other, problem.Reading(**how))
    return answers(learned), answers(held), notes


def test_texts_without_duplicates_are_held_out_as_ever(write):
    """The first of NumPy's permutation of all rows, in the order of the file."""
    for how, count in (({"held_out": 0.1}, 4), ({"held_out": 7.0}, 7)):
        learned, held, notes = parted(write, range(40), seed=3, **how)
        assert held == sorted(np.random.default_rng(3).permutation(40)[:count].tolist())
        assert learned == [n for n in range(40) if n not in held] and not notes


def test_equal_texts_are_held_out_together_and_measured_once(write):
    """Each of 20 texts twice, and those of an even number once more: a quarter of 20 held out."""
    numbers = [*range(20), *range(20), *range(0, 20, 2)]
    learned, held, notes = parted(write, numbers, seed=3, held_out=0.25)
    order = [n for n in np.random.default_rng(3).permutation(50).tolist() if n < 20]
    assert held == sorted(order[:5])
    assert learned == [n for n in numbers if n not in held]
    assert notes == [
        "30 of 50 texts are equal to an earlier one: equal ones are drawn into one part, and the "
        "held-out part has each once"
    ]
    refused("has 50 texts .20 different., of which --held_out=20 are 20: expected some",
            parted, write, numbers, held_out=20.0)  # fmt: skip


def test_equal_and_learned_texts_of_a_file_to_measure_on_are_told(write):
    learned, held, notes = parted(write, [1, 2, 2, 3], [1, 4, 5, 4])
    assert (learned, held) == ([1, 2, 2, 3], [1, 4, 5, 4])
    first, second = notes
    assert first.startswith("1 of 4 texts of --test_data=") and first.endswith(
        "is learned from too: it stays there, but says nothing about new texts"
    )
    assert second.endswith("is equal to an earlier one there, and counts as independent")
    refused("every text of --test_data=.* is learned from: expected others",
            parted, write, [1, 2, 3], [3, 1])  # fmt: skip
