"""Problems in the form of GSM8K's, of so few tokens that models of them are trained at once."""

import json

from kd_jax.data import gsm8k


def problem(a, b):
    return gsm8k.QuestionAndSolution(f"{a}, {b}?", f"<<{a}+{b}={a + b}>>{a + b}.\n#### {a + b}")


TRAIN = [problem(n, 3 * n % 8) for n in range(20)]
TEST = [problem(n, n % 5) for n in range(20, 30)]


def instead(monkeypatch):
    """Let these be what gsm8k.load reads."""
    monkeypatch.setattr(gsm8k, "load", lambda data_dir, manual_dir: (TRAIN, TEST))


def file_instead(monkeypatch, folder):
    """Let the training problems be the file that gsm8k.training_file gives."""
    path = folder / "train.jsonl"
    lines = [json.dumps({"question": each.question, "answer": each.solution}) for each in TRAIN]
    path.write_text("".join(f"{line}\n" for line in lines))
    monkeypatch.setattr(gsm8k, "training_file", lambda data_dir, manual_dir: path)
