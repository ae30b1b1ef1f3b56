"""How good encoders are on one's own texts, text by text: with labels, and beside their teacher.

With labels: a linear probe on all of them and on a few of every class, and the nearest training
text's label. Without: how often the nearest training text is the teacher's, and the rank
correlation of similarities with the teacher's, for each held-out text.
"""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax.data.padding import Tokens
from kd_jax.data.texts import Texts
from kd_jax.errors import counted, require
from kd_jax.metrics import similarity_ranks
from kd_jax.pretrained.encoder import DELAY, Encoder
from kd_jax.runtime import progress

Examples = dict[str, Float[np.ndarray, " N"]]
Vectors = tuple[Float[np.ndarray, "N D"], Float[np.ndarray, "M D"]]
MOST = 20_000  # training texts among which neighbors are looked for


class Few(NamedTuple):
    """Of the probe on few labels.

    Attributes:
        per_class: How many of each class.
        draws: How often they are drawn.
        seed: Of the draws.
    """

    per_class: int = 5
    draws: int = 20
    seed: int = 0


USUAL = Few()


class Task:
    """Texts that encoders are measured on, beside one teacher."""

    def __init__(self, teacher: Encoder, train: Texts, held: Texts, few: Few = USUAL):
        """The measures of held-out texts.

        Args:
            teacher: That others are compared with.
            train: Texts that are known, with labels or without.
            held: Texts that are measured.
            few: Of the probe on few labels; fewer of each class where one has fewer texts.

        Raises:
            InputError: There are too few texts to compare.
        """
        self.teacher, self.few = teacher, few
        few_enough = train.labels is not None or len(train.texts) <= MOST
        self.train = train if few_enough else train.take(range(MOST))
        self.held = held
        require(
            len(held.texts) > 3,
            f"{counted(len(held.texts), 'held-out text')}: expected 4 or more, to compare them",
        )
        if train.labels is not None:
            least = int(np.unique(train.labels, return_counts=True)[1].min())
            self.few = few._replace(per_class=min(few.per_class, least))

    def vectors(self, encoder: Encoder) -> Vectors:
        """An encoder's vectors, at length 1, of the training texts and of those that are held out.

        Args:
            encoder: That gives them.
        """
        tokens = self._tokens(encoder) if encoder.static else self._of_teacher
        known, held = (similarity_ranks.unit(shown(encoder, each)) for each in tokens)
        return known, held

    @functools.cached_property
    def _of_teacher(self):
        """The tokens that students with the teacher's special ones have too."""
        return self._tokens(self.teacher)

    def _tokens(self, encoder):
        return tuple(encoder.tokens(x.texts) for x in (self.train, self.held))

    @functools.cached_property
    def of_teacher(self) -> Vectors:
        """The teacher's `vectors`."""
        return self.vectors(self.teacher)

    @functools.cached_property
    def neighbors(self):
        """The training text that is the teacher's nearest to each held-out one."""
        return similarity_ranks.nearest(*self.of_teacher)

    def examples(self, vectors: Vectors) -> Examples:
        """{measure: a number for each held-out text}, larger is better.

        Args:
            vectors: As `vectors` gives them.
        """
        known, held = vectors
        agrees = similarity_ranks.nearest(known, held) == self.neighbors
        found = {
            **self._labeled(known, held),
            "similarity": similarity_ranks.rank_correlations(held, self.of_teacher[1]),
            "nearest_agreement": agrees.astype(np.float64),
        }
        return found

    def _labeled(self, known, held) -> Examples:
        if self.train.labels is None:
            return {}
        from kd_jax.metrics import linear_probe  # here, as it asks for scikit-learn

        return linear_probe.of_examples(
            known, self.train.labels, held, np.asarray(self.held.labels), **self.few._asdict()
        )


def shown(encoder: Encoder, tokens: Tokens) -> Float[np.ndarray, "N D"]:
    """The vectors of tokens, with a bar where that takes a while.

    Args:
        encoder: That gives them.
        tokens: Of texts.
    """
    with progress.bar("embedding", len(tokens.ids), "text", delay=DELAY) as report:
        return encoder.vectors(tokens, report)


def means(examples: Examples, prefix: str = "") -> dict[str, float]:
    """{measure: its mean}.

    Args:
        examples: Of `Task.examples`.
        prefix: What names begin with.
    """
    return {f"{prefix}{name}": float(np.mean(x)) for name, x in examples.items()}
