"""Size and throughput of sentence encoders, timed in turns on the same cores."""

import importlib.util
import time

import jax
import numpy as np

from kd_jax.data import padding
from kd_jax.pretrained import sentence_embeddings

TIMED = 1000  # sentences whose embedding is timed


def costs(encoders, tokens, folder, rounds):
    """[{"layers", "parameters", "layer_parameters", "bytes", "sentences_per_second"}] of encoders.

    Times are the best of some rounds, in which all take turns.

    Args:
        encoders: [(Bert, params)], the first one that of `folder`: it is timed in PyTorch as well,
            "torch_sentences_per_second", where transformers is installed.
        tokens: of the sentences.
        folder: of the first encoder.
        rounds: how many.
    """
    timed = tokens.take(slice(TIMED))
    work = [
        lambda n=net, p=params: sentence_embeddings.embed(n, p, timed) for net, params in encoders
    ]
    if all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
        work.append(in_torch(folder, timed))
    speeds = [len(timed.ids) / seconds for seconds in _in_turns(work, rounds)]
    found = [
        _sizes(*encoder) | {"sentences_per_second": speed}
        for encoder, speed in zip(encoders, speeds)
    ]
    if len(speeds) > len(encoders):
        found[0]["torch_sentences_per_second"] = speeds[-1]
    return found


def in_torch(folder, tokens):
    """What embeds Tokens with transformers in PyTorch: sorted by length, padded to the longest."""
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(str(folder)).eval()
    batches = []
    for _, batch in padding.by_length(tokens, sentence_embeddings.BATCH):
        width = batch.mask.sum(1).max()
        rows = batch.mask.any(1)
        ids, mask = (np.asarray(x[rows, :width], np.int64) for x in batch)
        batches.append((torch.from_numpy(ids), torch.from_numpy(mask)))

    def embed():
        with torch.inference_mode():
            for ids, mask in batches:
                states = model(input_ids=ids, attention_mask=mask).last_hidden_state
                mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
                torch.nn.functional.normalize(mean, dim=-1)

    return embed


def _in_turns(work, rounds):
    """The least seconds that each of several functions takes, called in turns."""
    for each in work:  # compiles
        each()
    seconds = np.full((rounds, len(work)), np.inf)
    for row in seconds:
        for column, each in enumerate(work):
            began = time.perf_counter()
            each()
            row[column] = time.perf_counter() - began
    return seconds.min(0).tolist()


def _sizes(network, params):
    count = {name: sum(x.size for x in jax.tree.leaves(params[name])) for name in params}
    return {
        "layers": network.layers,
        "parameters": sum(count.values()),
        "layer_parameters": count["layers"],
        "bytes": 4 * sum(count.values()),
    }
