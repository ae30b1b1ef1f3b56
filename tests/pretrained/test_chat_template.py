"""Chat prompts letter by letter, and which tokens are the answer."""

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from kd_jax.pretrained import chat_template


@pytest.fixture
def words():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    found = Tokenizer(models.BPE({letter: n for n, letter in enumerate(letters)}, []))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    found.add_special_tokens([chat_template.START, chat_template.END])
    return found


def test_a_prompt_is_what_the_template_of_smollm2_gives():
    assert chat_template.prompt("Why?", system="Be brief.") == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert chat_template.prompt("Why?", system="").startswith("<|im_start|>user\nWhy?<|im_end|>\n")
    assert "You are a helpful AI assistant named SmolLM" in chat_template.prompt("Why?")


def test_the_answer_and_its_end_are_marked(words):
    questions, answers = ["Why?", "How so?"], ["No.", "x"]
    tokens, answer = chat_template.answered(words, questions, answers, 200, system="")
    for row in range(2):
        ids = tokens.ids[row]
        said = words.decode(ids[answer[row]].tolist(), skip_special_tokens=False)
        assert said == answers[row] + "<|im_end|>"
        asked = words.decode(
            ids[tokens.mask[row] & ~answer[row]].tolist(), skip_special_tokens=False
        )
        assert asked == chat_template.prompt(questions[row], system="")
    assert tokens.ids[0, answer[0]][-1] == chat_template.stop_token(words)
    cut, answer = chat_template.answered(words, questions, answers, 25, system="")
    assert cut.mask.sum(1).tolist() == [25, 25] and answer.sum(1).tolist() == [2, 0]
    assert cut.ids.shape == (2, 25)  # padded no further, as a model may have no more positions


def test_prompts_end_where_the_answer_begins(words):
    tokens = chat_template.prompts(words, ["Why?", "How so, my friend?"])
    assert tokens.mask[:, -1].all() and not tokens.mask[0, 0]
    said = words.decode(tokens.ids[0][tokens.mask[0]].tolist(), skip_special_tokens=False)
    assert said == chat_template.prompt("Why?")
