"""The automaton: digits move a state through ten permutations; what is the state in the end?

    3 , 1 , 4 , 1 , 5 , 9 :

    answer   # d                          nothing but the last state
    terse    a j # d                      every second state before it
    chain    3 e 1 a 4 b 1 j 5 f 9 d # d  every digit and the state that it leads to

No step can be left out, and none done before the one before it, so an answer without a chain takes
a network as deep as the text is long.
"""

import numpy as np

from experiments.reasoning import problems
from experiments.reasoning.problems import END, MARK, PADDING
from kd_jax.training import keys

DIGITS, STATES = tuple("0123456789"), tuple("abcdefghij")  # the first state is a
VOCABULARY = (PADDING, *DIGITS, *STATES, ",", ":", MARK, END)
USUAL, HARDER = (6,), (7, 8)  # digits of training and of harder test problems


def permutations(base_seed):
    """The automaton: [digit, state] is the next state."""
    random = np.random.default_rng(keys.number(base_seed, "draw", "automaton"))
    return random.permuted(np.tile(np.arange(len(STATES)), (len(DIGITS), 1)), axis=1)


def states(moves, digits):
    """The state after each of the digits, as numbers; moves: of `permutations`."""
    found, state = [], 0
    for digit in digits:
        state = int(moves[digit, state])
        found.append(state)
    return found


def problem(moves, digits):
    """The GeneratedProblem of a list of digits.

    Prompt and chain both take two words a step, so a digit stands always equally far before its
    copy: rotary positions know distances, not places.
    """
    named = [STATES[state] for state in states(moves, digits)]
    prompt = [word for digit in digits for word in (DIGITS[digit], ",")][:-1] + [":"]
    chain = [word for digit, state in zip(digits, named) for word in (DIGITS[digit], state)]
    return problems.with_solutions(prompt, len(digits), named[-1], named[1:-1:2], chain)


def load(counts, base_seed, teacher):
    """The Family of a teacher with so many problems {split: count}; see `problems.splits`."""
    moves = permutations(base_seed)

    def draw(random, steps):
        return problem(moves, random.integers(len(DIGITS), size=steps).tolist())

    found = problems.splits(draw, counts, (USUAL, HARDER), base_seed, teacher)
    return problems.Family(VOCABULARY, found)
