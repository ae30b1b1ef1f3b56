"""Lines of conversations, pairs and plain texts; what is wrong is one line with its number."""

import difflib
import json

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("jinja2", reason="needs the extra text")

import jax
from chat_templates import MISTRAL

from kd_jax.errors import InputError
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import conversations, encoding, own_tokens
from kd_jax.language.decoder.conversations import Keys
from kd_jax.pretrained.chat_template import ChatTemplate

USER = {"role": "user", "content": "Two?"}
SAID = {"role": "assistant", "content": "2."}
CHAT = json.dumps({"messages": [USER, SAID]})


@pytest.fixture
def write(tmp_path):
    def to(content):
        path = tmp_path / "x.jsonl"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


def test_blank_lines_marks_and_other_separators_are_no_lines(write):
    spoken = [USER | {"content": "a\u2028b\u0085"}, SAID]
    odd = json.dumps({"messages": spoken}, ensure_ascii=False)
    path = write(b"\xef\xbb\xbf" + f"{CHAT}\r\n\n  \n{odd}\n".encode())
    first, second = conversations.read(path)
    assert first.messages == [USER, SAID] and first.where.endswith("line 1")
    assert second.messages[0]["content"] == "a\u2028b\x85" and second.where.endswith("line 4")


def test_sound_lines_are_read_without_a_search_for_what_else_was_meant(write, monkeypatch):
    """It takes several times as long as the reading; files have hundreds of thousands of lines."""
    monkeypatch.setattr(difflib, "get_close_matches", None)
    assert len(conversations.read(write(f"{CHAT}\n" * 3))) == 3
    pair = json.dumps({"question": "Two?", "answer": "2."})
    assert conversations.read(write(pair), Keys(prompt="question", completion="answer"))
    assert conversations.read(write('{"body": "Once."}'), Keys(text="body"))


def test_three_forms_of_lines(write):
    pair = {"prompt": "Two?", "completion": "2."}
    (found,) = conversations.read(write(json.dumps(pair)))
    assert found.messages == [USER, SAID]
    path = write(json.dumps({"question": [USER, SAID, USER], "answer": "2."}))
    (found,) = conversations.read(path, Keys(prompt="question", completion="answer"))
    assert found.messages == [USER, SAID, USER, SAID]
    (found,) = conversations.read(write('{"text": "Once."}'))
    assert found.text == "Once." and not found.messages
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    call = {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}
    line = {"messages": [{"role": "user", "content": parts}, call, SAID], "tools": ["f"]}
    (found,) = conversations.read(write(json.dumps(line)))
    assert found.messages[0]["content"] == "ab" and found.messages[1] == call
    assert found.tools == ["f"]


def messages(*given):
    return json.dumps({"messages": list(given)})


@pytest.mark.parametrize(
    "line, said",
    [
        ("{", "line 2 is no JSON"),
        ('{"messages": [], "messages": []}', "line 2 is no JSON ('messages' stands there twice"),
        ("[1]", "line 2 is [1]: expected an object"),
        ('[{"messages": 1},', "a file that is one array needs an object on each line"),
        ('{"mesages": []}', "line 2 has no key messages: did you mean mesages?"),
        ('{"a": 1}', "line 2 has no key messages: it has the keys a"),
        (messages(USER, SAID | {"name": "\ud83d"}), "has \\ud83d, which is half of a pair"),
        (messages(), "messages is [], expected a list of messages"),
        (messages(USER), "line 2 has no message of an assistant"),
        (messages(USER | {"role": "human"}, SAID), "role is human, expected one of"),
        (messages(USER | {"role": "human"}, SAID), "did you mean user?"),
        (messages(USER | {"role": "assitant"}, SAID), "message 1: role is assitant"),
        (messages({"from": "gpt", "value": "x"}), "from and value are another form"),
        (messages(USER, SAID | {"content": " "}), "message 2: content of an assistant is empty"),
        (messages(USER | {"content": 3}, SAID), "message 1: content is 3, expected a text"),
        (messages(USER | {"content": [{"image": 1}]}, SAID), "a part that is no text"),
        (messages(3), "message 1 is 3, expected an object"),
    ],
)
def test_bad_lines_are_one_line_with_their_number(write, line, said):
    with pytest.raises(InputError) as caught:
        conversations.read(write(f"{CHAT}\n{line}\n"))
    assert said in str(caught.value) and "x.jsonl line 2" in str(caught.value)


def test_files_that_are_none(write, tmp_path):
    (tmp_path / "x.jsonl.gz").write_bytes(b"\x1f\x8b")
    for path, said in (
        (tmp_path / "none.jsonl", "does not exist"), (tmp_path, "is no file"),
        (tmp_path / "x.jsonl.gz", "is compressed: expected the .jsonl file"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            conversations.read(path)
    with pytest.raises(InputError, match="xx is no path .*too long"):
        conversations.read("x" * 300)
    for content, said in (
        (b'{"text": "\xff"}', "line 1 is no UTF-8"),
        ("\n \n", "holds no line"),
        ('{"question": "a", "answer": "b"}', "say other ones, --prompt_key="),
        ('{"mesages": []}', r"did you mean messages\? Or say --prompt_key="),
        ('{"Prompt": "a", "Completion": "b"}', r"did you mean prompt and completion\? Or say"),
        ('{"prompt": "a", "completions": "b"}', r"did you mean completion\?"),
        ('{"prompt": "a", "completion": ""}', "completion is empty"),
    ):
        with pytest.raises(InputError, match=said):
            conversations.read(write(content))


MODEL = tiny_teacher.chat_model(jax.random.key(0), [])  # letters


def text_of(texts, counted=False):
    return [
        MODEL.tokenizer.decode(
            [n for n, on in zip(ids, marks) if on or not counted], skip_special_tokens=False
        )
        for ids, marks in texts
    ]


def test_long_texts_are_cut_or_left_out_and_said(write):
    lines = [{"prompt": "a" * n, "completion": "b" * n} for n in (2, 9, 60)]
    examples = conversations.read(write("\n".join(map(json.dumps, lines))))
    whole = encoding.encode(MODEL, examples, 1000)
    ends = [n * "b" + "<|im_end|>" for n in (2, 9, 60)]
    assert text_of(whole.texts, counted=True) == ends and not whole.notes
    room = len(whole.texts[1].ids)
    cut = encoding.encode(MODEL, examples, room - 1)
    assert text_of(cut.texts, counted=True) == [ends[0], 9 * "b" + "<|im_end|>"]
    assert cut.notes == [
        f"texts of more than {room - 1} tokens: 2 of 3, cut",
        "texts without a token that counts: 1 of 3, left out",  # the prompt alone is longer
    ]
    skipped = encoding.encode(MODEL, examples, room, encoding.SKIP)
    assert len(skipped.texts) == 2 and skipped.notes == [
        f"texts of more than {room} tokens: 1 of 3, left out"
    ]
    with pytest.raises(InputError, match="no text is left of 3: .*expected a larger --max_length"):
        encoding.encode(MODEL, examples, 3)
    silent = MODEL._replace(
        template=ChatTemplate("{{ messages[0]['content'] }}{% generation %}{% endgeneration %}")
    )
    with pytest.raises(InputError, match="expected longer texts, or a chat template"):
        encoding.encode(silent, examples, 1000)


def test_plain_texts_count_from_the_second_token_to_the_one_that_ends_them(write):
    (found,) = encoding.encode(MODEL, conversations.read(write('{"text": "abc"}')), 10).texts
    assert text_of([found]) == ["abc<|im_end|>"] and found.counted == [False, True, True, True]


def test_a_template_that_raises_is_one_line_with_the_line_of_the_file(write):
    model = MODEL._replace(template=ChatTemplate(MISTRAL, source="m.jinja"))
    examples = conversations.read(write(messages(SAID, USER)))
    with pytest.raises(InputError, match="line 1: m.jinja refuses .*Roles must alternate"):
        encoding.encode(model, examples, 10)
    bare = MODEL._replace(template=None, tokenizer=own_tokens.Tokenizer(own_tokens.models.BPE()))
    with pytest.raises(InputError, match="has no chat template"):
        encoding.encode(bare, examples, 10)
