"""Chat templates render as in transformers 5.24, and an assistant's tokens alone are marked."""

import time

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("jinja2", reason="needs the extra text")

from chat_templates import LLAMA3, MARKS, MISTRAL, TAGGED, TALK, THINKING
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from kd_jax.errors import InputError
from kd_jax.pretrained import template_budget
from kd_jax.pretrained.chat import Chat, chatml
from kd_jax.pretrained.chat_template import CHATML, END, START, ChatTemplate

TOOLS = [{"type": "function", "function": {"name": "<f> & é"}}]
ASSISTANT = "<|start_header_id|>assistant<|end_header_id|>\n\n"
RENDERED = {  # by transformers.utils.chat_template_utils.render_jinja_template
    LLAMA3: "<s><|start_header_id|>user<|end_header_id|>\n\nTwo?<|eot_id|>"
    f"{ASSISTANT}<think>1+1</think>é 2<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nSure?<|eot_id|>" + ASSISTANT + "Yes.<|eot_id|>",
    MISTRAL: "<s>[INST]  Two?  [/INST] <think>1+1</think>é 2</s>[INST] Sure? [/INST] Yes.</s>",
    THINKING: "<|im_start|>user\n Two? <|im_end|>\n<|im_start|>assistant\né 2<|im_end|>\n"
    "<|im_start|>user\nSure?<|im_end|>\n<|im_start|>assistant\nYes.<|im_end|>\n",
    TAGGED: '[{"type": "function", "function": {"name": "<f> & é"}}]\n<|im_start|>user\n Two? '
    "<|im_end|>\n<|im_start|>assistant\n<think>1+1</think>é 2<|im_end|>\n<|im_start|>user\nSure?"
    "<|im_end|>\n<|im_start|>assistant\nYes.<|im_end|>\n",
}


def words(*marks):
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    found = Tokenizer(models.BPE({letter: n for n, letter in enumerate(letters)}, []))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    found.add_special_tokens(list(marks))
    return found


def counted(chat, messages, tools=None):
    """What counts of each text of a conversation, tokens that stand together as one piece."""
    found = []
    for ids, counts in chat.encode([messages], tools)[0]:
        pieces = [[]]
        for one, counts_too in zip(ids, counts):
            if counts_too:
                pieces[-1].append(one)
            elif pieces[-1]:
                pieces.append([])
        said = [chat.tokenizer.decode(x, skip_special_tokens=False) for x in pieces if x]
        found.append(said)
    return found


@pytest.mark.parametrize("text", RENDERED, ids=["llama3", "mistral", "thinking", "tagged"])
def test_a_conversation_is_rendered_as_transformers_does(text):
    template = ChatTemplate(text, MARKS)
    tools = TOOLS if text is TAGGED else None
    assert template.render(TALK, tools=tools) == RENDERED[text]
    asked = template.render(TALK[:3], ask=True, tools=tools)
    if text is not THINKING:  # which has not shortened the answer yet
        assert RENDERED[text].startswith(asked) and len(asked) < len(RENDERED[text])


def test_the_characters_of_a_template_s_own_tag_are_those_of_transformers():
    """Its assistant masks, generation_indices, of the same template and conversation."""
    (found,) = ChatTemplate(TAGGED).rendered(TALK, TOOLS)
    assert found.tagged and found.text == RENDERED[TAGGED]
    assert found.spans == [(112, 144), (199, 214)]


def test_every_answer_and_its_end_count_and_nothing_else():
    first = "<think>1+1</think>é 2"
    for text, marks, answers in (
        (LLAMA3, ["<|eot_id|>"], [[f"{first}<|eot_id|>", "Yes.<|eot_id|>"]]),
        (MISTRAL, ["<s>", "</s>"], [[f" {first}</s>", " Yes.</s>"]]),
        (TAGGED, [START, END], [[f"{first}<|im_end|>\n", "Yes.<|im_end|>\n"]]),
        (CHATML, [START, END], [[f"{first}<|im_end|>", "Yes.<|im_end|>"]]),
        # the first answer as it was given, then the second after the first one shortened
        (THINKING, [START, END], [[f"{first}<|im_end|>"], ["Yes.<|im_end|>"]]),
    ):
        chat = Chat(words(*marks), ChatTemplate(text, MARKS))
        assert counted(chat, TALK) == answers, text
        assert chat.stop() == chat.tokenizer.token_to_id(marks[-1])


def test_a_prompt_ends_where_the_answer_begins():
    chat = chatml(words(START, END))
    ids = chat.prompt(TALK[:1])
    ((text,),) = chat.encode([TALK[:2]])
    assert text.ids[: len(ids)] == ids and text.counted.index(True) == len(ids)
    asked = chat.tokenizer.decode(ids, skip_special_tokens=False)
    assert asked == "<|im_start|>user\n Two? <|im_end|>\n<|im_start|>assistant\n"
    assert chatml(words(START)) is None


@pytest.mark.parametrize(
    "text, messages, said",
    [
        (MISTRAL, TALK[1:], "Roles must alternate user/assistant"),
        ("{{ messages[0]['content'].foo.bar }}", TALK, "refuses a conversation"),
        ("{{ ''.__class__.__mro__ }}", TALK, "unsafe"),
        ("{{ '\\ud800' }}", TALK, "refuses a conversation ('utf-8' codec"),
        ("{% for %}", TALK, "is no chat template"),
        (CHATML, [{"role": "user", "content": "a\ufdd0"}], "U+FDD0"),
        ("{% if add_generation_prompt %}A{% else %}B{% endif %}", TALK, "does not begin with"),
    ],
)
def test_what_a_template_refuses_is_one_line(text, messages, said):
    with pytest.raises(InputError) as caught:
        ChatTemplate(text, MARKS, "x.jinja").rendered(messages)
    assert said in str(caught.value) and "\n" not in str(caught.value)


HUGE = [
    "{{ 'a' * 10 ** 10 }}", "{{ 10 ** 10 * ['a'] }}", "{{ '%9999999999d' % 1 }}",
    "{{ '%*d' % (10 ** 10, 1) }}", "{{ '%9999999999d'|format(1) }}",
    "{{ '{:9999999999}'.format(1) }}", "{{ '{:{}}'.format(1, 10 ** 10) }}",
    "{{ 'a'.ljust(10 ** 10) }}", "{{ 'a'|center(10 ** 10) }}", "{{ 'a'|indent(10 ** 10, true) }}",
    "{{ ('a' * 10 ** 6)|replace('a', 'a' * 10 ** 6) }}", "{{ 10 ** (10 ** 10) }}",
    "{{ ('a' * 10 ** 6).replace('a', 'a' * 10 ** 6) }}", "{{ [1, [2]]|tojson(indent=10 ** 10) }}",
    "{{ ('a' * 10 ** 6).join(range(100000)|map('string')|list) }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}a{% endfor %}{% endfor %}",
    "{% generation %}{% for a in range(99999) %}{{ 'a' * 10 ** 5 }}{% endfor %}{% endgeneration %}",
    "{% set x %}{% for a in range(99999) %}{{ 'a' * 10 ** 5 }}{% endfor %}{% endset %}{{ x }}",
    *(
        "{% set n = namespace(x='a') %}{% for i in range(99) %}"
        f"{{% set n.x = n.x {sign} n.x %}}{{% endfor %}}"
        for sign in "~+"
    ),
    "{% macro m(x) %}{% for a in range(9999) %}{{ x }}{% endfor %}{% endmacro %}{{ m(m(m('a'))) }}",
    "{{ 'a'.encode().ljust(10 ** 10) }}", "{{ ('a' * 10 ** 6).encode() * 10 ** 5 }}",
    "{{ ('a' * 10 ** 6).translate({97: 'a' * 10 ** 6}) }}", "{{ (1).to_bytes(10 ** 10, 'big') }}",
]  # fmt: skip
LOOP = "{% for a in range(99999) %}"
BIG = "{% set big = range(99999)|list %}"
ENDS = "{% endfor %}{% endfor %}"
NESTED = (  # 2^60 letters, of 60 lists
    "{% set n = namespace(x=('a',), y=('a',)) %}{% for i in range(60) %}"
    "{% set n.x = (n.x, n.x) %}{% set n.y = (n.y, n.y) %}{% endfor %}"
)
BITS = "{% set a = ('f' * 10 ** 7)|int(base=16) %}{% set b = ('f' * 10 ** 6)|int(base=16) %}"
LONG = [
    LOOP + LOOP + ENDS, LOOP + "{% for a in range(99999) if a < 0 %}" + ENDS,
    LOOP + LOOP + LOOP + "{% set b = 1 %}{% endfor %}" + ENDS,
    "{% macro m(n) %}{% if n %}{{ m(n - 1) ~ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% for x in range(9) recursive %}{% if loop.depth < 30 %}{{ loop(range(9)) }}{% endif %}"
    "{% endfor %}",
    "{% set n = namespace(x='a,') %}{% for i in range(25) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
    "{{ n.x.split(',')|length }}",
    BIG + "{{ big|select('in', big)|list|length }}", BIG + LOOP + "{{ -1 in big }}{% endfor %}",
    BIG + LOOP + "{% set x = big[::-1] %}{% endfor %}", BIG + LOOP + "{{ big + big }}{% endfor %}",
    BIG + LOOP + "{% set x = big|sort|first %}{% endfor %}",
    BIG + LOOP + "{{ big.index(1) }}{% endfor %}",
    LOOP + "{{ '{:9999999}'.format(1)|length }}{% endfor %}", "{{ [0] * 10 ** 8 }}",
    *(NESTED + each for each in (
        "{{ n.x }}", "{{ n }}", "{{ n.x ~ 'a' }}", "{{ '%s' % [n.x] }}", "{{ '{}'.format(n.x) }}",
        "{{ n.x|tojson }}", "{{ n.x|string }}", "{{ n.x == n.y }}", "{{ n.x is eq n.y }}",
        "{{ n.x in [n.y] }}", "{{ {n.x: 1} }}", "{{ {}[n.x] }}", "{{ {}.get(n.x) }}",
        "{{ [n.x]|join }}", "{{ [n.x, n.y]|unique|list }}", "{{ {'a': n.x}.values() }}",
    )),
    "{{ 7 ** (10 ** 7) > 1 }}", BITS + "{{ a % b }}",
    BITS + "{{ a is divisibleby b }}",
]  # fmt: skip


@pytest.mark.parametrize("text", HUGE)
def test_a_template_that_would_fill_the_memory_is_one_line(text):
    with pytest.raises(InputError, match="it would (write|take) more than .*") as caught:
        ChatTemplate(text, MARKS, "x.jinja").rendered(TALK)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", LONG)
def test_a_template_that_would_run_for_hours_is_one_line(text, monkeypatch):
    monkeypatch.setattr(template_budget, "STEPS", 200_000)  # not to test for seconds
    with pytest.raises(InputError, match="it would take more than .* (steps|bits)") as caught:
        ChatTemplate(text, MARKS, "x.jinja").rendered(TALK)
    assert "\n" not in str(caught.value)
    assert "378,000 steps" in str(caught.value) or "65,536 bits" in str(caught.value)


def test_a_template_runs_for_seconds_at_most():
    began = time.process_time()
    with pytest.raises(InputError, match="x.jinja .*it would take more than 5,178,000 steps"):
        ChatTemplate(LONG[0], MARKS, "x.jinja").rendered(TALK)
    assert time.process_time() - began < 30


def test_a_long_conversation_may_take_long():
    """Five hundred messages, each of which looks at all others."""
    text = "{% for a in messages %}{% for b in messages %}{% if a.role == b.role and loop.last %}"
    talk = [{"role": "user", "content": "abc " * 20}] * 500
    assert ChatTemplate(text + "a{% endif %}{% endfor %}{% endfor %}").render(talk) == "a" * 500


def test_what_is_long_since_it_was_given_is_written():
    long = [
        {"role": "user", "content": "ab" * 10**6},
        {"role": "assistant", "content": "%99999999d"},
    ]
    for text in (
        CHATML,
        CHATML + "{{ messages|tojson }}",
        CHATML + "{{ messages[0].content|replace('a', 'abc') }}",
    ):
        assert len(ChatTemplate(text).render(long)) > 2 * 10**6
