"""What a distillation method is: one term beside the labels, CE(labels) + weight · term."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jaxtyping import Array, Float

from kd_jax import losses


class Outputs(NamedTuple):
    """Outputs of a network for a batch: logits [B, C] and named features, first layer first."""

    logits: Any
    features: dict

    @property
    def last(self) -> Float[Array, "B ..."]:
        """The last hidden layer: [B, H, W, C] or [B, D]."""
        return list(self.features.values())[-1]

    @property
    def maps(self) -> list[Float[Array, "B H W C"]]:
        """The hidden layers that are feature maps."""
        return [x for x in self.features.values() if x.ndim == 4]

    @property
    def embedding(self) -> Float[Array, "B D"]:
        """The last hidden layer as vectors; a map is averaged over its positions."""
        return self.last if self.last.ndim == 2 else self.last.mean((1, 2))


Term = Callable[[Outputs, Outputs, dict, Any], Float[Array, ""] | float]


class Method(NamedTuple):
    """A term beside the labels and how its weight is tuned.

    row: its name in tables. center: the middle one of its weights; 0: nothing to tune. term:
    (student, teacher, batch, extra) -> number, the first two being Outputs. The batch holds
    "inputs", "labels" (the teacher's most probable class where unknown), "labeled" [B], the
    control "permuted_logits", and for feature maps the teacher's "factor" (of a Paraphraser).
    extra: (key, student, teacher) -> parameters that are trained with the student's.
    """

    row: str
    center: float
    term: Term
    extra: Callable = lambda key, student, teacher: {}

    def weights(self, multiples: Sequence[float]) -> tuple[float, ...]:
        """The weights that are tried: multiples of the center, or 0 where nothing is tuned."""
        return tuple(x * self.center for x in multiples) if self.center else (0.0,)


def on_labels(loss: Callable) -> Term:
    """The term of a loss of (logits, labels): its mean over the labeled examples."""
    return lambda s, t, batch, extra: losses.masked_mean(
        loss(s.logits, batch["labels"]), where=batch["labeled"]
    )
