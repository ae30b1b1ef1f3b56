"""transformers: a decoder's training step, generation and loading. Args of all: see `decoders`."""

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from experiments.bench import decoders
from experiments.bench.decoders import ANSWER, GENERATED, PROMPT, RATE, TEXTS


def _model(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def _given(model, seed):
    ids, hidden = decoders.given(seed, model.config.vocab_size, model.config.hidden_size)
    return torch.from_numpy(ids).long(), torch.from_numpy(hidden)


def step(folder, seed):
    """A job that takes STEPS steps; logits are computed where a token of an answer is read."""
    model = _model(folder).train()
    ids, hidden = _given(model, seed)
    head = model.get_input_embeddings().weight.detach().clone()
    optimizer = torch.optim.AdamW(model.parameters(), RATE, fused=True)
    log_softmax, divergence = torch.nn.functional.log_softmax, torch.nn.functional.kl_div

    def one(ids, hidden):
        states = model.model(input_ids=ids, use_cache=False).last_hidden_state
        z = model.lm_head(states[:, PROMPT - 1 : PROMPT - 1 + ANSWER])
        with torch.no_grad():
            log_p = log_softmax(hidden @ head.T, -1)
        flat = (x.flatten(0, 1) for x in (log_softmax(z, -1), log_p))
        loss = divergence(*flat, log_target=True, reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    def job():
        for batch in zip(ids.split(TEXTS), hidden.split(TEXTS)):
            one(*batch)

    return job


def generate(folder, seed):
    """A job that continues prompts."""
    model = _model(folder).eval()
    ids = _given(model, seed)[0][:TEXTS, :PROMPT]
    how = {"min_new_tokens": GENERATED, "max_new_tokens": GENERATED, "do_sample": False}

    @torch.inference_mode()
    def job():
        model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=0, **how)

    return job


def load(folder, seed):
    """A job that reads network, weights and tokenizer; each weight is read, not mapped alone."""

    @torch.inference_mode()
    def job():
        AutoTokenizer.from_pretrained(folder)
        return sum(x.sum() for x in _model(folder).parameters())

    return job
