"""Tasks of a Family: its problems as arrays, and a teacher trained on its chains."""

import jax
import numpy as np

from experiments.reasoning import problems, rows, tasks, training
from kd_jax import fingerprint
from kd_jax.language import objectives, teacher_cache
from kd_jax.language.tokens import Texts
from kd_jax.models import llama
from kd_jax.storage import model_store
from kd_jax.training import keys, optimizers, state

SFT = objectives.Objective("chains", objectives.labels)


def network(vocabulary, width, layers, heads):
    """The Llama of such a shape for a vocabulary."""
    return llama.Llama(
        vocabulary=len(vocabulary), width=width, layers=layers, heads=heads, num_kv_heads=heads,
        head_dim=width // heads, intermediate_size=2 * width,
    )  # fmt: skip


def solutions(family, split, style):
    """The Tokens [N, A] of one style of solutions of a split."""
    texts = [problem.solutions[style] for problem in family.splits[split]]
    return problems.encoded(family.vocabulary, texts)


def problem_set(family, split):
    """The ProblemSet of a split; an answer may be as long as the longest chain of it."""
    of_split = family.splits[split]
    prompts = [each.prompt for each in of_split]
    prompts = problems.encoded(family.vocabulary, prompts, left=True)
    longest = solutions(family, split, problems.CHAIN).ids.shape[1]
    gold, steps = [each.answer for each in of_split], [each.steps for each in of_split]
    return tasks.ProblemSet(prompts, gold, steps, longest)


def train(net, texts, settings, key, order, execution):
    """The parameters of a teacher that learned Texts.

    Args:
        net: its Llama.
        texts: prompts and chains.
        settings: TrainingSettings.
        key: of its initialization.
        order: the key of its batches.
        execution: as for loop.fit.
    """
    count = len(texts.prompts.ids)
    chains = np.arange(count)[:, None]
    sampler = training.sampler(order, [0], [count], chains, settings)
    start = state.initialize(llama.decoder(net).init)(key[None])["params"]
    params, *_ = training.fit(
        rows.TEACHER, net, SFT, start, key[None], {"texts": texts}, sampler, settings, (),
        execution=execution,
    )  # fmt: skip
    return state.at(params, 0)


def teacher(family, config, run, number):
    """The DecoderTeacher that learned the chains of a family's split "teacher", stored.

    number: which of several teachers.
    """
    net = network(family.vocabulary, config.teacher_width, config.teacher_layers, config.heads)
    settings = training.TrainingSettings(
        config.teacher_steps, config.teacher_batch_size, config.teacher_learning_rate,
        optimizers.muon_warmup_cosine,
    )  # fmt: skip
    names = config.base_seed, "teacher", number
    own = keys.key(*names), keys.key(*names, "order")
    prompts = problem_set(family, "teacher").prompts
    texts = Texts(prompts, solutions(family, "teacher", problems.CHAIN))
    facts: dict = {"code": fingerprint.code(train), "texts": fingerprint.arrays(texts)}
    facts |= {"net": fingerprint.value(net), "settings": fingerprint.value(settings)}
    facts |= {"keys": fingerprint.value(own)}

    def fit(snapshots):
        return train(net, texts, settings, *own, run.execution._replace(snapshots=snapshots))

    like = jax.eval_shape(llama.decoder(net).init, own[0])["params"]
    found = model_store.of_run(run, facts, fit, like, row=rows.TEACHER, data=config.task)
    word = "restored" if found.restored else f"trained in {found.seconds:.0f} s"
    print(f"{rows.TEACHER}, seed {number}: {word} ({found.folder})")
    stop = family.vocabulary.index(problems.END)
    return teacher_cache.DecoderTeacher(net, found.params, found.fingerprint, stop)


def task(found, config, run, number):
    """The ReasoningTask of a Family and of the teacher that bears this number."""
    student = network(found.vocabulary, config.width, config.layers, config.heads)
    tests = {"test": "validation" if config.validation_only else "test", "harder": "harder"}
    return tasks.ReasoningTask(
        teacher(found, config, run, number),
        student,
        lambda keys: state.initialize(llama.decoder(student).init)(keys)["params"],
        optimizers.muon_warmup_cosine,
        problem_set(found, "train"),
        {style: solutions(found, "train", style) for style in (problems.ANSWER, problems.TERSE)},
        tasks.alike({name: problem_set(found, split) for name, split in tests.items()}),
        lambda ids: problems.answer_in(found.vocabulary, ids),
    )


def load(module, config, run):
    """The problems of a module, like `automaton`, of which nothing is trained yet.

    Returns:
        ({name: digest} of what is given, number of a teacher -> its ReasoningTask).
    """
    counts = dict.fromkeys(("test", "harder", "validation"), config.tests)
    counts |= {"teacher": config.teacher_problems, "train": max(config.sizes)}
    found = [module.load(counts, config.base_seed, k) for k in range(config.teachers)]
    given = {"data": fingerprint.of([each.splits for each in found])}
    return given, lambda number: task(found[number], config, run, number)
