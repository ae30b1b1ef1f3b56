"""Tasks of a Family: its problems as arrays, and a teacher trained on its chains."""

import jax
import numpy as np

from experiments.reasoning import problems, tasks, training
from kd_jax import fingerprint, losses
from kd_jax.language import objectives, student_loss, teacher_cache, tokens
from kd_jax.language.tokens import Texts
from kd_jax.models import llama
from kd_jax.storage import model_store
from kd_jax.training import loop, optimizers, state

SFT = objectives.Objective("chains", objectives.labels)


def network(words, width, layers, heads):
    """The Llama of such a shape for a vocabulary."""
    return llama.Llama(
        vocabulary=len(words), width=width, layers=layers, heads=heads, groups=heads,
        size=width // heads, inner=2 * width,
    )  # fmt: skip


def solutions(family, split, style):
    """The Tokens [N, A] of one style of solutions of a split."""
    texts = [problem.solutions[style] for problem in family.splits[split]]
    return problems.encoded(family.words, texts)


def asked(family, split):
    """The tasks.Asked of a split; an answer may be as long as the longest chain of it."""
    of_split = family.splits[split]
    prompts = problems.encoded(family.words, [each.prompt for each in of_split], left=True)
    longest = solutions(family, split, problems.CHAIN).ids.shape[1]
    gold, steps = [each.answer for each in of_split], [each.steps for each in of_split]
    return tasks.Asked(prompts, gold, steps, longest)


CODE = fingerprint.source(
    llama, student_loss, tokens, objectives, optimizers, loop, training, problems, losses.logits,
    network, solutions, asked,
)  # fmt: skip


def taught(family, net, plan, workdir, *, retrain=False):
    """The asking.Teacher that learnt the chains of a family's split "teacher", kept in workdir.

    plan: a training.Plan; retrain: even if it is there.
    """
    prompts = asked(family, "teacher").prompts
    texts = Texts(prompts, solutions(family, "teacher", problems.CHAIN))
    facts = {"experiment": "reasoning", "texts": fingerprint.arrays(texts), "code": CODE}
    facts |= {name: getattr(plan, name) for name in ("steps", "batch", "rate")}
    facts |= {"net": [net.width, net.layers, net.heads]}
    init, keys = llama.decoder(net).init, jax.random.split(jax.random.key(5), 2)
    count = len(prompts.ids)
    chains = np.arange(count)[:, None]
    drawn = training.order(keys[1], [0], [count], chains, plan)

    def fit(snapshots):
        start, rows = state.initialize(init)(keys[:1]), {"texts": texts}
        params, *_ = training.fit(
            "teacher", net, SFT, start, keys[:1], rows, drawn, plan, (), snapshots=snapshots
        )
        return jax.tree.map(lambda x: x[0], params)

    like = jax.eval_shape(init, keys[0])
    found = model_store.fit_or_restore(workdir, facts, fit, like, retrain=retrain)
    word = "restored" if found.restored else f"trained in {found.seconds:.0f} s"
    print(f"teacher: {word} ({found.folder})")
    stop = family.words.index(problems.END)
    return teacher_cache.Teacher(net, found.params, found.fingerprint, stop)


def task(family, asked_teacher, student, tests):
    """The Task of a Family's split "train", a Teacher and students of a Llama.

    tests {name: split}: what students are measured on.
    """
    styles = problems.ANSWER, problems.TERSE
    init = llama.decoder(student).init
    return tasks.Task(
        asked_teacher,
        student,
        state.initialize(init),
        optimizers.muon_warmup_cosine,
        asked(family, "train"),
        {style: solutions(family, "train", style) for style in styles},
        {name: asked(family, split) for name, split in tests.items()},
        lambda ids: problems.said(family.words, ids),
    )
