"""PyTorch with the data resident: one network, batches gathered by index, threads as told.

Threads: OMP_NUM_THREADS of the process. Many networks are trained one after the other, so one of
them is measured.
"""

import torch

from experiments.bench import torch_parts
from experiments.bench.work import RATE


def run(work, arrays, epochs, pause):
    """The accuracy of the network. Args: as experiments.bench says."""
    torch.manual_seed(0)
    inputs, labels, logits = torch_parts.tensors(arrays)
    net = torch_parts.network(work)
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    temperature = work.temperatures[0] if work.temperatures else None
    steps = len(labels) // work.batch
    for _ in range(epochs):
        for rows in torch.randperm(len(labels))[: steps * work.batch].view(steps, -1):
            optimizer.zero_grad()
            found = net(inputs[rows])
            torch_parts.loss(found, labels[rows], logits[rows], temperature).backward()
            optimizer.step()
        pause()
    return torch_parts.accuracy(net.eval(), arrays)
