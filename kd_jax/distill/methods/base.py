"""What a method is: one term beside the labels, CE(labels) + weight · term."""

from collections.abc import Callable
from typing import Any, NamedTuple

from kd_jax import losses

T = 4.0  # of every soft target


class Outputs(NamedTuple):
    """What a network says of a batch: logits [B, C] and named features, first layer first."""

    logits: Any
    features: dict

    @property
    def last(self):
        """The last hidden layer: [B, H, W, C] or [B, D]."""
        return list(self.features.values())[-1]

    @property
    def maps(self):
        """The hidden layers that are feature maps, [B, H, W, C] each."""
        return [x for x in self.features.values() if x.ndim == 4]

    @property
    def embedding(self):
        """The last hidden layer as vectors [B, D]; a map is averaged over its positions."""
        return self.last if self.last.ndim == 2 else self.last.mean((1, 2))


class Method(NamedTuple):
    """row: its name in tables. centre: the middle one of its weights; 0: nothing to tune.

    term: (student, teacher, batch, extra) -> number, the first two being Outputs. The batch holds
      "inputs", "labels" (the teacher's choice where unknown), "labelled" [B], the control
      "permuted_logits", and for feature maps the teacher's "factor" (of a Paraphraser).
    extra: (key, student, teacher) -> parameters that are trained with the student's.
    """

    row: str
    centre: float
    term: Callable
    extra: Callable = lambda key, student, teacher: {}

    def weights(self, multiples):
        """The weights that are tried: multiples of the centre, or 0 where nothing is tuned."""
        return tuple(x * self.centre for x in multiples) if self.centre else (0.0,)


def on_labels(loss):
    """The term of a loss of (logits, labels), over the examples whose label is known."""
    return lambda s, t, batch, extra: losses.masked_mean(
        loss(s.logits, batch["labels"]), where=batch["labelled"]
    )
