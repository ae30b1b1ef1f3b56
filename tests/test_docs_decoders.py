"""docs/decoders.md: its commands and programs run, on a tiny teacher, and it names every flag."""

import dataclasses
import json
import pathlib
import re
import shlex

import pytest

pytest.importorskip("safetensors", reason="needs the extra text")
pytest.importorskip("tokenizers", reason="needs the extra text")
pytest.importorskip("jinja2", reason="needs the extra text")

import jax

from kd_jax import experiment
from kd_jax.command.__main__ import main
from kd_jax.command.decoder.config import OBJECTIVES, Config
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import objectives
from kd_jax.pretrained import decoder_folder

PAGE = (pathlib.Path(__file__).parents[1] / "docs" / "decoders.md").read_text()
BY_HAND = re.sub("<!-- decoder_.*?<!-- end -->", "", PAGE, flags=re.DOTALL)
COMMANDS = re.findall(r"^    \./run\.sh (distill_lm .*)$", BY_HAND, re.MULTILINE)


def test_every_flag_of_the_page_is_one_and_none_is_left_out():
    own = {x.name for x in dataclasses.fields(Config)}
    general = {x.name for x in dataclasses.fields(experiment.Config)} - {"seeds"}
    said = set(re.findall(r"`--(\w+)", PAGE.split("## All flags")[1])) - {"help"}
    assert said == own - general
    mentioned = set(re.findall(r"--(\w+)", PAGE)) - {"help", "nopack"}
    assert mentioned <= own


def test_every_objective_is_on_the_page_and_has_a_row():
    numbers = objectives.Numbers()
    rows = {objectives.named(name, numbers).row for name in OBJECTIVES}
    assert len(rows) == len(OBJECTIVES) and set(OBJECTIVES) == set(objectives.NAMES)
    for name in OBJECTIVES:
        assert f"`{name}`" in PAGE


def test_commands_are_read():
    assert len(COMMANDS) == 5
    for command in COMMANDS:
        config = experiment.parse(Config, shlex.split(command))
        assert config.layers == 10 or config.student == "sft" or config.asked_alone


@pytest.mark.slow
def test_the_first_command_and_the_programs_run(tmp_path, monkeypatch, capsys):
    """With the page's file names; the teacher is tiny, and so has 2 of its layers."""
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^\| `(\{\"messages\".*?\})`", PAGE, re.MULTILINE)
    chat = json.loads(lines[0].replace(", …]", "]"))
    pathlib.Path("chats.jsonl").write_text("\n".join([json.dumps(chat)] * 40))
    model = tiny_teacher.chat_model(jax.random.key(0), [])
    decoder_folder.save("FOLDER", model.net, model.params, model)
    fewer = COMMANDS[0].replace("--layers=10", "--layers=2").split()
    main([*fewer, "--preset=smoke"])
    assert "against SFT on the text" in capsys.readouterr().out
    code = "\n".join(
        line[4:]
        for line in PAGE.splitlines()
        if re.match(r"    (import kd|kd\.|decoder|found|print)", line)
    )
    code = code.replace("layers=10", "layers=2, preset='smoke', max_length=128, max_texts=40")
    exec(compile(code, "docs/decoders.md", "exec"), {})
    assert "against SFT on the text" in capsys.readouterr().out
