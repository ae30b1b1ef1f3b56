"""What the PyTorch contenders share: the network, the loss, the accuracy."""

import math

import torch
from torch import nn
from torch.nn import functional


def network(work):
    """The network of a Work as an nn.Sequential."""
    layers, side, before = [], 28, 1
    if work.channels:
        layers.append(nn.Unflatten(1, (1, 28)))
    for channels in work.channels:
        layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        side, before = side // 2, channels
    layers.append(nn.Flatten())
    width = side * side * before if work.channels else math.prod(work.shape)
    for hidden in work.hidden:
        layers += [nn.Linear(width, hidden), nn.ReLU()]
        layers += [nn.Dropout(work.dropout)] if work.dropout else []
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
