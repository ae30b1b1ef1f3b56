"""PyTorch as commonly written: a DataLoader that shuffles, one network at a time."""

import torch
from torch.utils import data

from experiments.bench import torch_parts
from experiments.bench.workloads import LEARNING_RATE


def run(workload, arrays, epochs, seed, pause):
    """The accuracy of the network. Args: see `worker`."""
    torch.manual_seed(seed)
    rows = data.TensorDataset(*torch_parts.tensors(arrays))
    loader = data.DataLoader(rows, batch_size=workload.batch, shuffle=True, drop_last=True)
    net = torch_parts.network(workload)
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE)
    temperature = workload.temperatures[0] if workload.temperatures else None
    for _ in range(epochs):
        for inputs, labels, logits in loader:
            optimizer.zero_grad()
            torch_parts.loss(net(inputs), labels, logits, temperature).backward()
            optimizer.step()
        pause()
    return torch_parts.accuracy(net.eval(), arrays)
