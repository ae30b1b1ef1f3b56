"""What `distill_lm` does, with SmolLM2-135M and GSM8K: students with tokens of their own."""

from kd_jax.command.decoder import config as flags
from kd_jax.command.decoder import given
from kd_jax.command.decoder import run as command
from kd_jax.data import gsm8k
from kd_jax.language import tiny_teacher
from kd_jax.language.decoder import conversations
from kd_jax.language.decoder.conversations import Keys
from kd_jax.training import keys

QUESTION, ANSWER = "question", "answer"  # keys of the file
OBJECTIVES = "sft_universal_logit", "universal_logit"  # the first one's student is kept


def settings(config, path):
    """The flags of `distill_lm` that an experiment's stand for.

    Args:
        config: The experiment's.
        path: Of GSM8K's training problems.
    """
    return flags.Config(
        data=str(path), prompt_key=QUESTION, completion_key=ANSWER, max_texts=config.texts,
        held_out=float(config.held_out), max_length=config.max_length, pack=False,
        layers=config.layers, vocabulary=config.vocabulary, objective=OBJECTIVES,
        uld_weight=config.uld_weights, seeds=config.seeds, epochs=config.epochs,
        batch_size=config.batch_size, learning_rate=config.learning_rate,
        base_seed=config.base_seed, workdir=config.workdir, retrain=config.retrain,
    )  # fmt: skip


def load(config):
    """The flags of `distill_lm`, and all that students are trained with."""
    path = gsm8k.training_file(config.data_dir, config.manual_dir)
    wanted, teacher = settings(config, path), None
    if config.tiny:
        problems = conversations.read(path, Keys(prompt=QUESTION, completion=ANSWER))
        said = [each["content"] for problem in problems for each in problem.messages]
        teacher = tiny_teacher.chat_model(keys.key(config.base_seed, "teacher"), said)
    return wanted, given.read(wanted, teacher)


def run(config, run):
    """Measure the teacher and the student's start, train students of every objective."""
    wanted, students = load(config)
    run.uses(**given.provenance(students))
    command.train(wanted, students, run)
