"""Generated problems with one right answer, in the words of a small vocabulary.

Every problem comes with three solutions, from no thought to all of it. Each ends with MARK, the
answer and END, so one rule reads the answer off whatever a decoder writes.
"""

from typing import NamedTuple

import numpy as np

from kd_jax.data.padding import padded
from kd_jax.errors import require
from kd_jax.training import keys

MARK, END, PADDING = "#", "<end>", ""
ANSWER, TERSE, CHAIN = "answer", "terse", "chain"
TRIES = 50  # draws per problem that is wanted
OF_TEACHER = "teacher", "train"  # splits of a teacher and its students


class GeneratedProblem(NamedTuple):
    """prompt: words; answer: one word; steps: operations it takes; solutions {style: words}."""

    prompt: tuple
    answer: str
    steps: int
    solutions: dict


class Family(NamedTuple):
    """vocabulary: a word's id is its place; splits {name: [GeneratedProblem]}."""

    vocabulary: tuple
    splits: dict


def with_solutions(prompt, steps, answer, terse, chain):
    """The GeneratedProblem with its three solutions, of the words that come before the answer."""
    end = MARK, answer, END
    solutions = {ANSWER: end, TERSE: (*terse, *end), CHAIN: (*chain, *end)}
    return GeneratedProblem(tuple(prompt), answer, steps, solutions)


def splits(draw, counts, steps, base_seed, teacher):
    """{split: [GeneratedProblem]}, as many as `counts` says, no prompt twice.

    What is tested on is the same for all teachers. Each of them draws the problems of its own and
    of its students.

    Args:
        draw: (numpy Generator, steps) -> GeneratedProblem.
        counts: {split: how many}.
        steps: (those of usual problems, those of the split "harder").
        base_seed: what the draws follow from.
        teacher: which of several.
    """
    usual, harder = steps
    wanted = {}
    for name, count in counts.items():
        own = (teacher,) * (name in OF_TEACHER)
        seed = keys.number(base_seed, "draw", f"{name} problems", *own)
        wanted[name] = count, harder if name == "harder" else usual, seed
    return disjoint(draw, wanted)


def disjoint(draw, wanted):
    """{split: [GeneratedProblem]}, no prompt twice, within a split or in two.

    Splits are drawn in the order given, each from the problems that are left: the first ones do
    not depend on the later ones.

    Args:
        draw: (numpy Generator, steps) -> GeneratedProblem.
        wanted: {split: (how many, steps to draw from, seed of the draws)}.

    Raises:
        InputError: a family has not so many problems.
    """
    seen, drawn = set(), {}
    for name, (count, steps, seed) in wanted.items():
        random, found = np.random.default_rng(seed), []
        drawn[name] = found
        for _ in range(TRIES * count):
            if len(found) == count:
                break
            problem = draw(random, steps[random.integers(len(steps))])
            if problem.prompt not in seen:
                seen.add(problem.prompt)
                found.append(problem)
        require(
            len(found) == count,
            f"{len(found)} {name} problems are left where {count} were asked for: ask for fewer",
        )
    return drawn


def encoded(vocabulary, texts, left=False):
    """The Tokens of texts, tuples of words, padded on the right or left."""
    numbers = {word: number for number, word in enumerate(vocabulary)}
    return padded([[numbers[word] for word in text] for text in texts], left, multiple=1)


def answer_in(vocabulary, ids):
    """The answer in token ids that a decoder wrote: the word after the first MARK, or None."""
    text = [vocabulary[number] for number in ids]
    if MARK not in text[:-1]:
        return None
    return text[text.index(MARK) + 1]
