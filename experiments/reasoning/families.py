"""Tasks of a Family: its problems as arrays, and a teacher trained on its chains."""

import jax
import numpy as np

from experiments.reasoning import problems, tasks, training
from kd_jax import fingerprint
from kd_jax.language import objectives, teacher_cache
from kd_jax.language.tokens import Texts
from kd_jax.models import llama
from kd_jax.storage import model_store
from kd_jax.training import optimizers, state

SFT = objectives.Objective("chains", objectives.labels)
LAYERS, BATCH = 2, 32  # of the teacher


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


def train(net, texts, settings, snapshots):
    """The parameters of a teacher that learned Texts; settings: TrainingSettings."""
    init, keys = llama.decoder(net).init, jax.random.split(jax.random.key(5), 2)
    count = len(texts.prompts.ids)
    chains = np.arange(count)[:, None]
    sampler = training.sampler(keys[1], [0], [count], chains, settings)
    start = state.initialize(init)(keys[:1])
    params, *_ = training.fit(
        "teacher", net, SFT, start, keys[:1], {"texts": texts}, sampler, settings, (),
        snapshots=snapshots,
    )  # fmt: skip
    return jax.tree.map(lambda x: x[0], params)


def teacher(family, config, run):
    """The DecoderTeacher that learned the chains of a family's split "teacher", stored."""
    net = network(family.vocabulary, config.teacher_width, LAYERS, config.heads)
    settings = training.TrainingSettings(
        config.teacher_steps, BATCH, config.learning_rate, optimizers.muon_warmup_cosine
    )
    prompts = problem_set(family, "teacher").prompts
    texts = Texts(prompts, solutions(family, "teacher", problems.CHAIN))
    facts: dict = {"code": fingerprint.code(train), "texts": fingerprint.arrays(texts)}
    facts |= {"net": fingerprint.value(net), "settings": fingerprint.value(settings)}

    def fit(snapshots):
        return train(net, texts, settings, snapshots)

    like = jax.eval_shape(llama.decoder(net).init, jax.random.key(0))
    found = model_store.fit_or_restore(run.workdir, facts, fit, like, retrain=run.retrain)
    word = "restored" if found.restored else f"trained in {found.seconds:.0f} s"
    print(f"teacher: {word} ({found.folder})")
    run.notes(teacher_seconds=found.seconds)
    stop = family.vocabulary.index(problems.END)
    return teacher_cache.DecoderTeacher(net, found.params, found.fingerprint, stop)


def load(family, config, run):
    """(ReasoningTask, digest of its problems) of a module of problems, like `automaton`."""
    counts = dict.fromkeys(("test", "harder", "validation"), config.tests)
    more = {"teacher": config.teacher_problems, "train": max(config.sizes)}
    found = family.load(counts | more)
    student = network(found.vocabulary, config.width, config.layers, config.heads)
    tests = {"test": "validation" if config.validation_only else "test", "harder": "harder"}
    task = tasks.ReasoningTask(
        teacher(found, config, run),
        student,
        state.initialize(llama.decoder(student).init),
        optimizers.muon_warmup_cosine,
        problem_set(found, "train"),
        {style: solutions(found, "train", style) for style in (problems.ANSWER, problems.TERSE)},
        {name: problem_set(found, split) for name, split in tests.items()},
        lambda ids: problems.answer_in(found.vocabulary, ids),
    )
    return task, fingerprint.of(found.splits)
