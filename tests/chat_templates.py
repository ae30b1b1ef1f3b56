"""Chat templates as models come with them, shortened: what tests of chats render."""

LLAMA3 = (
    "{{- bos_token }}\n{%- for message in messages %}\n    {{- '<|start_header_id|>' + "
    "message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}\n"
    "{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- "
    "'<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n"
)
# turns of user and assistant alone, and a space before each answer
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != "
    "(loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant') }}"
    "{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)
# earlier answers lose what stands before </think>
THINKING = (
    "{% for message in messages %}\n    {% set content = message.content %}\n    {% if "
    "message.role == 'assistant' and not loop.last %}\n        {% set content = "
    "content.split('</think>')[-1] %}\n    {% endif %}\n    {{- '<|im_start|>' + message.role + "
    "'\\n' + content + '<|im_end|>\\n' }}"
    "\n{%- endfor %}\n{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
# its own tag, and functions as JSON
TAGGED = (
    "{% if tools %}{{ tools | tojson }}\n{% endif %}{% for message in messages %}{% if "
    "message.role == 'assistant' %}<|im_start|>assistant\n{% generation %}{{ message.content }}"
    "<|im_end|>\n{% endgeneration %}{% else %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "<|im_end|>\n{% endif %}{% if message.content == 'stop' %}{% break %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MARKS = (("bos_token", "<s>"), ("eos_token", "</s>"))
TALK = [
    {"role": "user", "content": " Two? "},
    {"role": "assistant", "content": "<think>1+1</think>é 2"},
    {"role": "user", "content": "Sure?"},
    {"role": "assistant", "content": "Yes."},
]
