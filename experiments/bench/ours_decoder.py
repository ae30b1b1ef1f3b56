"""kd_jax: a decoder's training step, generation and loading. Args of all: see `decoders`."""

import functools

import jax
import numpy as np

from experiments.bench import decoders
from experiments.bench.decoders import GENERATED, PROMPT, RATE, STEPS, TEXTS
from kd_jax.data.padding import Tokens
from kd_jax.language import answers, student_loss, teacher_outputs
from kd_jax.language.decoder import objectives
from kd_jax.language.tokens import Texts
from kd_jax.models import llama_unrolled
from kd_jax.pretrained import load as pretrained
from kd_jax.runtime import compilation
from kd_jax.training import keys, optimizers, samplers, sequential

TURNS = 1000  # of the schedule, more than are taken


def step(folder, seed):
    """A job that takes STEPS steps."""
    compilation.cache_programs()
    model = pretrained.load(folder)
    ids, hidden = decoders.given(seed, model.net.vocabulary, model.net.width)
    both = (Tokens(x, np.ones(x.shape, bool)) for x in np.split(ids, [PROMPT], axis=1))
    net, begun = llama_unrolled.for_long(model.net, model.params)
    loss = student_loss.loss(net, objectives.named("forward_kl", objectives.Numbers()))
    sampler = samplers.scattered(keys.key(seed, "order"), STEPS * TEXTS, TEXTS)
    under_way = sequential.Sequential(
        loss, optimizers.adamw_warmup_cosine(RATE, TURNS * STEPS), begun,
        {"texts": Texts(*both), "hidden": hidden}, sampler, keys.key(seed, "student"),
        epochs=TURNS, shared={"teacher": teacher_outputs.read_out(model.params)},
    ).training  # fmt: skip
    return lambda: under_way.advance(under_way.done + 1)


def generate(folder, seed):
    """A job that continues prompts."""
    compilation.cache_programs()
    model = pretrained.load(folder)
    ids, _ = decoders.given(seed, model.net.vocabulary, model.net.width)
    prompts = Tokens(ids[:TEXTS, :PROMPT], np.ones((TEXTS, PROMPT), bool))
    write = answers.writer(model.net, (), GENERATED, decoder=llama_unrolled.cached_decoder)
    _, params = llama_unrolled.for_long(model.net, model.params)
    return functools.partial(write, jax.device_put(params), prompts, TEXTS)


def load(folder, seed):
    """A job that reads network, weights and tokenizer; each weight is read once more, as there."""
    return lambda: sum(x.sum() for x in jax.tree.leaves(pretrained.load(folder).params))
