"""The published PyTorch run repeated stage by stage, printing what it printed.

One generator, seeded with 0, draws everything in the demo's order: the teacher's weights, its
epochs, the student's weights, its epochs, the tuning epochs. The tuning uses raw outputs.

The weights are float32, as the demo's are, and everything between two updates is float64. In
float32 the order in which a processor adds, by the width of its vectors, changes the last digit of
every gradient, and 40,000 steps later the loss 186.2557 by some 2e-5: enough for 186.2556 on some.
In float64 it changes the 16th digit, which the one rounding of a weight per step takes away: all
processors go the same way, and the losses of an epoch's batches, each a float64, add up to
186.255719 with vectors of any width and with XLA's optimizations or without. With weights in
float64 as well they would add up to 186.25558: the published digits are of rounded weights.
"""

from typing import Any

import jax
import numpy as np

from experiments.people import rows, stages
from experiments.people.stages import Stage
from experiments.people.torch_random import Generator
from kd_jax.data import people
from kd_jax.data.dataset import Split
from kd_jax.metrics import classification
from kd_jax.training import state as train_state

PUBLISHED = 0  # the demo's torch.manual_seed
BATCH_SIZE = 10
TEACHER_NET, STUDENT_NET = stages.network(100, 100), stages.network(8)
TEACHER = Stage(rows.TEACHER, TEACHER_NET, stages.label_loss, 0.005, 2000)
DISTILLED = Stage(rows.DISTILLED, STUDENT_NET, stages.regression_loss, 0.01, 1200)
TUNED_RAW = Stage(rows.TUNED_RAW, STUDENT_NET, stages.raw_label_loss, 0.001, 8)


def replay(train: Split, test: Split, person: np.ndarray) -> None:
    """Repeat the run and print its losses, accuracies and predictions for one person [6]."""
    with jax.enable_x64(True):
        _replay(_wide(train), _wide(test), person.astype(np.float64))


def _wide(split):
    return split._replace(inputs=split.inputs.astype(np.float64))


def _replay(train, test, person):
    draws, everyone = Generator(PUBLISHED), np.arange(len(train.labels))

    def initial(*widths):
        params = draws.dense_layers((6, *widths, people.CLASSES))
        return train_state.stateless(jax.tree.map(lambda x: x[None], params))

    def probabilities(stage, params):
        (logits,) = stages.logits_of(stage.model.apply, params, person[None])[0]
        print(f"  {stage.row}: prediction " + " ".join(f"{p:.4f}" for p in jax.nn.softmax(logits)))

    def fit(stage, params, rows, teachers=None):
        return _fit(stage, params, rows, draws, (train, test), teachers)

    teacher = fit(TEACHER, initial(100, 100), everyone)
    probabilities(TEACHER, teacher)
    outputs = stages.logits_of(TEACHER_NET.apply, teacher, train.inputs)
    student = fit(DISTILLED, initial(8), everyone, outputs)
    (wrong,) = stages.mistakes(STUDENT_NET, student, train)
    print(f"  {DISTILLED.row}: {len(wrong)} mistakes to tune on")
    probabilities(TUNED_RAW, fit(TUNED_RAW, student, wrong))


def _fit(stage: Stage, params: Any, rows, draws, splits, teachers) -> Any:
    """A stage on some training rows in drawn orders; prints four losses and both accuracies."""
    steps, padding = -(-len(rows) // BATCH_SIZE), len(splits[0].labels)
    orders = [rows[draws.loader_order(len(rows))] for _ in range(stage.epochs)]
    batches = [stages.in_batches(order, steps, BATCH_SIZE, padding) for order in orders]
    params, sums, _ = stages.fit(stage, params, splits[0], np.array([batches]), teachers)
    for epoch in range(0, stage.epochs, stage.epochs // 4):
        print(f"  {stage.row}: epoch {epoch:4d}  loss {sums[epoch, 0]:.4f}")
    one = train_state.at(params, 0)
    accuracy = (
        float(classification.measure(stage.model.logits(one, x), y)["accuracy"]) for x, y in splits
    )
    print("  {}: accuracy {:.4f} train, {:.4f} test".format(stage.row, *accuracy))
    return params
