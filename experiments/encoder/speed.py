"""The teacher in PyTorch, timed beside encoders."""

import importlib.util

import numpy as np

from kd_jax.data import padding

BATCH = 64


def installed():
    """Whether the packages are there that `in_torch` needs."""
    return all(importlib.util.find_spec(name) for name in ("torch", "transformers"))


def in_torch(folder, tokens):
    """What embeds Tokens with transformers in PyTorch: sorted by length, padded to the longest."""
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(str(folder)).eval()
    batches = []
    for _, batch in padding.by_length(tokens, BATCH):
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
