"""Rankings of one's own: a query, its passages and a reranker's scores of them, one a line.

    {"query": "…", "positive": "…", "negatives": ["…", "…"], "scores": [7.1, 2.3, -4.0]}

The scores are of the positive passage and then of the negatives in their order; of a better passage
they are larger, in any unit. Lists may be of different lengths, a pair has one negative. Other keys
are left alone.
"""

import math
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kd_jax.data import subsets, texts
from kd_jax.errors import require
from kd_jax.language import json_lines
from kd_jax.pretrained.settings import quoted, shown

LIKE = '{"query": "…", "positive": "…", "negatives": ["…"], "scores": [2.5, 0.1]}'
EMPTY = "there is nothing to rank; remove the line"


class Ranking(NamedTuple):
    """A query and its passages.

    Attributes:
        query: A text.
        passages: The positive one first.
        scores: Of the passages.
    """

    query: str
    passages: list[str]
    scores: list[float]


class Rankings(NamedTuple):
    """Rankings in three parts, of which no two share a query.

    Attributes:
        train: That are learned from.
        dev: That a choice is made on.
        test: That are read once.
        notes: What a person would want to know, a line each.
    """

    train: list[Ranking]
    dev: list[Ranking]
    test: list[Ranking]
    notes: list[str]


def read(path: str | os.PathLike, split: Sequence[float] = texts.SPLIT, seed: int = 0) -> Rankings:
    """The Rankings of a file.

    Args:
        path: A .jsonl file.
        split: Parts of its queries: training, dev, test.
        seed: Of the draw of the parts.

    Raises:
        InputError: The file or a line is not what is expected, which it names; all scores of every
            query are the same; or there are too few queries for three parts.
    """
    found = [
        _ranking(line, json_lines.place(path, number))
        for number, line in json_lines.read(path, LIKE)
    ]
    require(found, f"{path} holds no line: expected one object a line, like {LIKE}")
    differ = any(len(set(each.scores)) > 1 for each in found)
    require(differ, f"{path}: every query has one score for all its passages: nothing is ranked")
    return parted(found, split, seed, os.fspath(path))


def parted(
    found: Sequence[Ranking], split: Sequence[float] = texts.SPLIT, seed: int = 0, name: str = ""
) -> Rankings:
    """Rankings in three parts, drawn by their queries.

    Args:
        found: All of them.
        split: As for `read`.
        seed: As for `read`.
        name: Of the file, for messages.

    Raises:
        InputError: There are too few queries for three parts.
    """
    queries = list(dict.fromkeys(each.query for each in found))
    rows = subsets.stratified(np.zeros(len(queries), np.int32), split, seed)
    parts: list[list[Ranking]] = []
    for part, own in zip(texts.PARTS, rows):
        require(
            len(own),
            f"{name or 'rankings'}: different queries: {len(queries)}, too few for {part}: give "
            "more, or another --split",
        )
        chosen = {queries[row] for row in own}
        parts.append([each for each in found if each.query in chosen])
    sizes = ", ".join(f"{part} {len(own):,}" for part, own in zip(texts.PARTS, parts))
    train, dev, test = parts
    return Rankings(train, dev, test, [f"{sizes} rankings of {len(queries):,} queries"])


def _ranking(line, where):
    query, positive = (_text(line, key, where) for key in ("query", "positive"))
    negatives, scores = (_list(line, key, where) for key in ("negatives", "scores"))
    passages = [positive, *(json_lines.filled(x, "negatives", where, EMPTY) for x in negatives)]
    require(
        len(scores) == len(passages),
        f"{where}: scores has {len(scores)} numbers, expected {len(passages)}: that of the "
        f"positive and then of the {len(negatives)} negatives",
    )
    for score in scores:
        number = isinstance(score, (int, float)) and not isinstance(score, bool)
        require(
            number and abs(score) < 1e30 and not math.isnan(score),
            f"{where}: a score is {quoted(score)}, expected a finite number",
        )
    return Ranking(query, passages, [float(x) for x in scores])


def _text(line, key, where) -> str:
    return json_lines.filled(json_lines.value(line, key, where), key, where, EMPTY)


def _list(line, key, where) -> list[Any]:
    found = json_lines.value(line, key, where)
    require(
        isinstance(found, list) and found,
        f"{where}: {key} is {shown(found)}, expected a list, not an empty one",
    )
    return found
