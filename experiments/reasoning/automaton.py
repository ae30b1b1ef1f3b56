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

DIGITS, STATES = tuple("0123456789"), tuple("abcdefghij")  # the first state is a
VOCABULARY = (PADDING, *DIGITS, *STATES, ",", ":", MARK, END)
USUAL, HARDER = (6,), (7, 8)  # digits of training and of harder test problems
SEED = 8

# PERMUTATIONS[digit, state] is the next state
PERMUTATIONS = np.random.default_rng(0).permuted(np.tile(np.arange(10), (10, 1)), axis=1)


def states(digits):
    """The state after each of the digits, as numbers."""
    found, state = [], 0
    for digit in digits:
        state = int(PERMUTATIONS[digit, state])
        found.append(state)
    return found


def problem(digits):
    """The GeneratedProblem of a list of digits.

    Prompt and chain both take two words a step, so a digit stands always equally far before its
    copy: rotary positions know distances, not places.
    """
    named = [STATES[state] for state in states(digits)]
    prompt = [word for digit in digits for word in (DIGITS[digit], ",")][:-1] + [":"]
    chain = [word for digit, state in zip(digits, named) for word in (DIGITS[digit], state)]
    return problems.with_solutions(prompt, len(digits), named[-1], named[1:-1:2], chain)


def draw(random, steps):
    """A GeneratedProblem of so many random digits."""
    return problem(random.integers(len(DIGITS), size=steps).tolist())


def load(counts):
    """The Family with so many problems {split: count}; "harder" has more digits than all others."""
    wanted = {n: (count, HARDER if n == "harder" else USUAL) for n, count in counts.items()}
    return problems.Family(VOCABULARY, problems.disjoint(draw, wanted, SEED))
