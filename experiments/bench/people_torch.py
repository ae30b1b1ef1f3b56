"""The people demo in PyTorch, row by row batches and all.

    python -m experiments.bench.people_torch SEED

Settings are those of the published demo: a teacher on labels, a student that regresses its
log-probabilities, and tuning on the rows that the student gets wrong.
"""

import json
import sys

import torch
from torch import nn

from kd_jax.data import people

BATCH, TEACHER_EPOCHS, STUDENT_EPOCHS, TUNING_EPOCHS = 10, 2000, 1200, 8


def network(width, depth):
    """Tanh layers, Glorot-uniform with zero biases."""
    layers, before = [], 6
    for _ in range(depth):
        layers += [nn.Linear(before, width), nn.Tanh()]
        before = width
    net = nn.Sequential(*layers, nn.Linear(before, people.CLASSES))
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return net


def fit(net, loss, rate, inputs, targets, epochs):
    """Plain gradient descent over shuffled batches."""
    optimizer = torch.optim.SGD(net.parameters(), rate)
    rows = torch.utils.data.TensorDataset(inputs, targets)
    loader = torch.utils.data.DataLoader(rows, batch_size=BATCH, shuffle=True)
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss(net(x), y).backward()
            optimizer.step()


def main(seed):
    """Train all three and print the student's training accuracy."""
    torch.manual_seed(seed)
    train, _ = people.load()
    inputs, labels = torch.from_numpy(train.inputs), torch.from_numpy(train.labels).long()
    teacher, student = network(100, 2), network(8, 1)
    fit(teacher, nn.CrossEntropyLoss(), 0.005, inputs, labels, TEACHER_EPOCHS)
    with torch.no_grad():
        targets = torch.log_softmax(teacher(inputs), -1)
    fit(student, nn.MSELoss(), 0.01, inputs, targets, STUDENT_EPOCHS)
    wrong = student(inputs).argmax(-1) != labels
    found = float((~wrong).float().mean())
    fit(student, nn.CrossEntropyLoss(), 0.001, inputs[wrong], labels[wrong], TUNING_EPOCHS)
    print(json.dumps({"accuracy": found}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
