"""PyTorch with the data resident: one network, batches gathered by index.

Threads: OMP_NUM_THREADS of the process. Many networks are trained one after the other, so one of
them is measured.
"""

import torch

from experiments.bench import torch_parts
from experiments.bench.workloads import LEARNING_RATE


def run(workload, arrays, epochs, seed, pause):
    """The accuracy of the network. Args: see `worker`."""
    torch.manual_seed(seed)
    inputs, labels, logits = torch_parts.tensors(arrays)
    net = torch_parts.network(workload)
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE)
    temperature = workload.temperatures[0] if workload.temperatures else None
    steps = len(labels) // workload.batch
    for _ in range(epochs):
        for rows in torch.randperm(len(labels))[: steps * workload.batch].view(steps, -1):
            optimizer.zero_grad()
            found = net(inputs[rows])
            torch_parts.loss(found, labels[rows], logits[rows], temperature).backward()
            optimizer.step()
        pause()
    return torch_parts.accuracy(net.eval(), arrays)
