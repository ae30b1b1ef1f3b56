"""The folder of `distill_lm --out`: a student that other programs load, its card and its table."""

import os
import pathlib
import shutil
from typing import Any

from kd_jax.command import out_folder
from kd_jax.command.decoder import card
from kd_jax.errors import require
from kd_jax.export import folders
from kd_jax.language.decoder.starts import Start
from kd_jax.pretrained import decoder_folder, gguf_writer, load
from kd_jax.pretrained.load import ChatModel
from kd_jax.report import decoder_rows, decoder_table
from kd_jax.storage import jsonl, run_folder

STUDENT = "student"
READ = "data", "test_data", "teacher", "student", "chat_template", "teacher_top_k"


def check(config: Any) -> None:
    """InputError unless --out can be written in the end: nothing else is lost by it.

    Args:
        config: The flags.
    """
    if config.out:
        read = [(name, getattr(config, name)) for name in READ]
        out_folder.check(config.out, read, [("workdir", config.workdir)])


def write(config: Any, run: run_folder.Run, teacher: ChatModel, start: Start) -> None:
    """Write --out, whole or not at all.

    Args:
        config: The flags.
        run: That it is of, all recorded.
        teacher: Whose tokens the student has, unless `start` says otherwise.
        start: Of the student.

    Raises:
        InputError: The training of the student diverged, or the folder cannot be written.
    """
    check(config)
    place = run.path(STUDENT)
    require(
        place.is_dir(), "the training of the student diverged, and --out is not written: give a "
        f"smaller --learning_rate than {config.learning_rate:g}",
    )  # fmt: skip
    rows, own = decoder_rows.read(run.folder), start.tokens or teacher
    with folders.written_whole(pathlib.Path(config.out).expanduser()) as path:
        if config.dtype == "float32":
            shutil.copytree(place, path, dirs_exist_ok=True)
        else:
            student = load.load(os.fspath(place))
            decoder_folder.save(path, student.net, student.params, own, config.dtype)
        if config.gguf:
            kept = load.load(os.fspath(place))
            few = config.quantize if config.quantize in gguf_writer.KINDS else config.dtype
            gguf_writer.save(path / "student.gguf", kept.net, kept.params, own, config.dtype, few)
        found = [each for several in rows.records.values() for each in several]
        (path / "records.jsonl").write_text(jsonl.text(found), encoding="utf-8")
        text = decoder_table.markdown(rows)
        (path / "table.md").write_text(text, encoding="utf-8")
        about = card.About(config, run, rows, teacher, start, path)
        (path / "README.md").write_text(card.text(about), encoding="utf-8")
    print(f"student, card and table: {config.out}")
