"""Rankings as arrays that a student learns from, and the measures of those that are held out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kd_jax.data.padding import Tokens
from kd_jax.language.encoder import reading
from kd_jax.language.encoder.measures import Examples, shown
from kd_jax.language.encoder.rankings import Ranking, Rankings
from kd_jax.metrics import rankings as metrics
from kd_jax.metrics import similarity_ranks
from kd_jax.pretrained.encoder import Encoder

AGREEMENT = "ranking_agreement"
MEASURES: dict[str, Callable] = {
    AGREEMENT: metrics.kendall,
    "reciprocal_rank": metrics.reciprocal_rank,
    "ranking_gain": metrics.ndcg,
}
TEMPERATURE = 0.05  # that of sentence-transformers' usual scale of cosines, 20


class Lists(NamedTuple):
    """Rankings as arrays; a query's text is the first of its P + 1, and the positive the next.

    Attributes:
        texts: All different ones.
        places: Of the query and its passages among the texts; 0 where a list has fewer.
        scores: Of the passages; −∞ where a list has fewer.
    """

    texts: list[str]
    places: Int[np.ndarray, "N P1"]
    scores: Float[np.ndarray, "N P"]

    @property
    def there(self) -> np.ndarray:
        """Whether a place is taken [N, P + 1]."""
        return np.pad(self.scores > -np.inf, ((0, 0), (1, 0)), constant_values=True)

    def cosines(self, vectors: Float[np.ndarray, "K D"]) -> Float[np.ndarray, "N P"]:
        """Those of each query with its passages.

        Args:
            vectors: Of the texts.
        """
        rows = similarity_ranks.unit(np.asarray(vectors, np.float64))[self.places]
        return np.einsum("nd,npd->np", rows[:, 0], rows[:, 1:])


def lists(found: Sequence[Ranking]) -> Lists:
    """The Lists of rankings.

    Args:
        found: Those.
    """
    texts: dict[str, int] = {}
    most = max(len(each.passages) for each in found)
    places = np.zeros((len(found), most + 1), np.int32)
    scores = np.full((len(found), most), -np.inf, np.float32)
    for row, each in enumerate(found):
        own = [texts.setdefault(text, len(texts)) for text in (each.query, *each.passages)]
        places[row, : len(own)], scores[row, : len(each.scores)] = own, each.scores
    return Lists(list(texts), places, scores)


def unit_of(given: Lists, vectors: Float[np.ndarray, "K D"]) -> float:
    """How many of the given scores' units a cosine is: the quotient of what margins usually are.

    √mean m(scores)²/√mean m(cosines)², with m the margins of a positive passage over the others.

    Args:
        given: The lists.
        vectors: The teacher's, of the texts.
    """
    pairs = given.scores[:, 1:] > -np.inf
    margins = (x[:, :1] - x[:, 1:] for x in (given.scores, given.cosines(vectors)))
    given_size, own_size = (np.sqrt(np.mean(np.square(x[pairs]))) for x in margins)
    return float(max(given_size, 1e-12) / max(own_size, 1e-12))


class Ranked(NamedTuple):
    """Rankings that students learn from and are measured by.

    Attributes:
        lists: That are learned from.
        tokens: Of their texts.
        task: The measures of those for the choice, and then of the test's.
        dev: How many are for the choice.
        temperature: Of listwise_kl, in units of cosines.
        notes: What a person would want to know, a line each.
    """

    lists: Lists
    tokens: Tokens
    task: "RankingTask"
    dev: int
    temperature: float
    notes: list[str]

    def in_cosines(self, vectors: Float[np.ndarray, "K D"]) -> Lists:
        """The lists with scores in units of cosines.

        Args:
            vectors: The teacher's, of the texts.
        """
        return self.lists._replace(scores=self.lists.scores / unit_of(self.lists, vectors))


def prepared(
    teacher: Encoder, found: Rankings, max_length: int = 0, temperature: float = TEMPERATURE
) -> Ranked:
    """The Ranked of rankings.

    Args:
        teacher: The encoder that students learn from.
        found: In three parts.
        max_length: Tokens of a text that is learned from, longer ones are cut; 0: as many as the
            teacher reads.
        temperature: Of listwise_kl, in units of cosines.
    """
    given, notes = lists(found.train), list(found.notes)
    read = reading.read(teacher, given.texts, max_length)
    if read.longer:
        notes.append(
            f"{read.longer:,} of {len(given.texts):,} texts of the rankings are longer than "
            f"{read.max_length} tokens: cut"
        )
    task = RankingTask(teacher, found.dev + found.test)
    return Ranked(given, read.tokens, task, len(found.dev), temperature, notes)


class RankingTask:
    """Held-out rankings that encoders are measured on."""

    def __init__(self, teacher: Encoder, held: Sequence[Ranking]):
        """The measures of rankings.

        Args:
            teacher: Whose tokens students have too.
            held: That are measured.
        """
        self.lists = lists(held)
        self._tokens: Tokens = teacher.tokens(self.lists.texts)

    def examples(self, encoder: Encoder) -> Examples:
        """{measure: a number for each ranking}, larger is better.

        Args:
            encoder: That ranks passages by their cosine with the query.
        """
        tokens = encoder.tokens(self.lists.texts) if encoder.static else self._tokens
        ours, theirs = self.lists.cosines(shown(encoder, tokens)), self.lists.scores
        return {name: measure(ours, theirs) for name, measure in MEASURES.items()}
