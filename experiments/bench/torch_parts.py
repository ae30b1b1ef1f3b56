"""What the PyTorch implementations share: the network, the loss, the accuracy."""

import math

import torch
from torch import nn
from torch.nn import functional


def network(workload):
    """The network of a Workload as an nn.Sequential."""
    layers, side, before = [], 28, 1
    if workload.channels:
        layers.append(nn.Unflatten(1, (1, 28)))
    for channels in workload.channels:
        layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        side, before = side // 2, channels
    layers.append(nn.Flatten())
    width = side * side * before if workload.channels else math.prod(workload.shape)
    for hidden in workload.hidden:
        layers += [nn.Linear(width, hidden), nn.ReLU()]
        layers += [nn.Dropout(workload.dropout)] if workload.dropout else []
        width = hidden
    return nn.Sequential(*layers, nn.Linear(width, 10))


def loss(logits, labels, teacher, temperature):
    """Cross-entropy, or T² KL(teacher ‖ student) where there is a temperature."""
    if temperature is None:
        return functional.cross_entropy(logits, labels)
    student = functional.log_softmax(logits / temperature, -1)
    target = functional.softmax(teacher / temperature, -1)
    return functional.kl_div(student, target, reduction="batchmean") * temperature**2


def tensors(arrays):
    """(inputs, labels, logits) as tensors."""
    inputs, logits = torch.from_numpy(arrays["inputs"]), torch.from_numpy(arrays["logits"])
    return inputs, torch.from_numpy(arrays["labels"]).long(), logits


def accuracy(apply, arrays):
    """The fraction of test rows that apply(inputs) -> logits gets right."""
    with torch.no_grad():
        chosen = apply(torch.from_numpy(arrays["test_inputs"])).argmax(-1)
    return float((chosen.numpy() == arrays["test_labels"]).mean())
