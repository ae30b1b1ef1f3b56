"""The folder of --out: an encoder, beside it one of each other depth, card, table, records."""

import functools
import pathlib
import sys

import numpy as np

from kd_jax.command import out_folder
from kd_jax.command.encoder import card
from kd_jax.command.encoder.config import Config
from kd_jax.errors import InputError, require, require_extra
from kd_jax.export import encoder_onnx, folders, formats
from kd_jax.language.encoder.result import EncoderResult
from kd_jax.pretrained.encoder import Encoder
from kd_jax.report import encoder_run
from kd_jax.storage import jsonl, run_folder

SAME = 1e-5  # that a vector may differ by once it is written and read
READ = 32  # texts that are embedded to see that


def check(config: Config) -> None:
    """InputError unless --out can be written in the end: nothing else is lost by it.

    Args:
        config: The flags.
    """
    read = [
        (name, getattr(config, name)) for name in ("texts", "dev", "test", "teacher", "ranking")
    ]
    out_folder.check(config.out, read, [("workdir", config.workdir)])
    if config.onnx:
        for package in ("onnx", "onnxruntime"):
            require_extra("export", package)


def write(config: Config, run: run_folder.Run, result: EncoderResult) -> None:
    """Write --out, whole or not at all.

    Args:
        config: The flags.
        run: That it is of.
        result: What was found.
    """
    check(config)
    best = result.comparison.best
    if best is None:
        raise InputError(
            "all students diverged, so that there is nothing to write to --out: try a smaller "
            "--learning_rate"
        )
    run.notes(chosen=best[0])  # and the seconds until now
    others, texts = {}, result.problem.task.held.texts[:READ]
    write_one = functools.partial(_write, texts=texts, onnx=config.onnx)
    with folders.written_whole(pathlib.Path(config.out).expanduser()) as path:
        write_one(path, result.student(*best))
        for count in result.problem.layers:
            own = result.best_of(count)
            if own and own[0].split(" ")[0] != best[0].split(" ")[0]:
                name = f"{count}_layer{'s' * (count > 1)}"
                write_one(path / name, result.student(*own))
                others[name] = own[0]
        if result.problem.static:
            write_one(path / "static", result.problem.static_student)
            others["static"] = "tokens' vectors without attention"
        (path / "table.md").write_text(result.comparison.markdown(), encoding="utf-8")
        (path / "records.jsonl").write_text(jsonl.text(result.records), encoding="utf-8")
        encoder_run.save(result.comparison, path / "quality_by_speed.png")
        about = card.About(config, run, result, others, (path / "onnx").is_dir())
        (path / "README.md").write_text(card.text(about), encoding="utf-8")
    print(f"encoder, card and table: {config.out}")


def _write(path, encoder, texts, onnx):
    """Write one encoder, and see that it gives the same vectors when it is read."""
    encoder.write(path)
    vectors = encoder.embed(texts)
    _check_same(path, Encoder(path).embed(texts), vectors)
    if onnx:
        file = path / "onnx" / "model.onnx"
        file.parent.mkdir()
        try:
            encoder_onnx.write(
                file, encoder.network, encoder.params, encoder.head, encoder.head_params
            )
        except formats.NotConverted as error:
            file.parent.rmdir()
            print(f"ONNX is left out: {error}", file=sys.stderr)
            return
        tokens = encoder.tokens(texts)
        plain = encoder.vectors(tokens)  # without a prompt
        _check_same(file, encoder_onnx.vectors(file, *tokens), plain)


def _check_same(path, found, vectors):
    differ = float(np.max(np.abs(found - vectors)))
    require(differ <= SAME, f"{path}: vectors differ by {differ:.1e} once they are written")
