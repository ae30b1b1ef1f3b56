"""PyTorch with torch.func: all networks of a workload by vmap over parameters."""

import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from experiments.bench import torch_parts
from experiments.bench.workloads import LEARNING_RATE


def run(workload, arrays, epochs, seed, pause):
    """The accuracy of the first network. Args: see `worker`."""
    torch.manual_seed(seed)
    inputs, labels, logits = torch_parts.tensors(arrays)
    nets = [torch_parts.network(workload) for _ in range(workload.networks)]
    params, _ = stack_module_state(nets)
    temperatures = torch.tensor(workload.temperatures * workload.seeds)
    optimizer = torch.optim.Adam(params.values(), LEARNING_RATE)

    def loss(params, temperature, batch):
        inputs, labels, logits = batch
        found = functional_call(nets[0], params, (inputs,))
        return torch_parts.loss(found, labels, logits, temperature)

    gradients = vmap(grad(loss), in_dims=(0, 0, None))
    steps = len(labels) // workload.batch
    for _ in range(epochs):
        for rows in torch.randperm(len(labels))[: steps * workload.batch].view(steps, -1):
            found = gradients(params, temperatures, (inputs[rows], labels[rows], logits[rows]))
            for name, values in params.items():
                values.grad = found[name]
            optimizer.step()
        pause()
    first = {name: values[0] for name, values in params.items()}
    return torch_parts.accuracy(lambda x: functional_call(nets[0], first, (x,)), arrays)
