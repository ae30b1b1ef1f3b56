"""PyTorch as commonly written: a DataLoader that shuffles, one network at a time."""

import torch
from torch.utils import data

from experiments.bench import torch_parts
from experiments.bench.work import RATE


def run(work, arrays, epochs, pause):
    """The accuracy of the network. Args: as experiments.bench says."""
    torch.manual_seed(0)
    rows = data.TensorDataset(*torch_parts.tensors(arrays))
    loader = data.DataLoader(rows, batch_size=work.batch, shuffle=True, drop_last=True)
    net = torch_parts.network(work)
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    temperature = work.temperatures[0] if work.temperatures else None
    for _ in range(epochs):
        for inputs, labels, logits in loader:
            optimizer.zero_grad()
            torch_parts.loss(net(inputs), labels, logits, temperature).backward()
            optimizer.step()
        pause()
    return torch_parts.accuracy(net.eval(), arrays)
