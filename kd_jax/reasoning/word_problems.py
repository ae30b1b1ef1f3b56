"""Word problems of a small grammar: what has a person in the end, after 2 to 6 changes?

    Ann has 5  Ben has 8  Ann finds 4  Ben halves it  Ann loses 2  ? Ann

    answer   # 7
    terse    9 7 # 7
    chain    Ann has 5  Ben has 8 skip  Ann finds 4  5 + 4 = 9 ; 9 - 4 = 5 ok
             Ben halves it skip  Ann loses 2  9 - 2 = 7 ; 7 + 2 = 9 ok  # 7

What Ben does distracts. The terse solution has the results, as a person would note them; the chain
reads every sentence again, skips it or calculates, and checks that by undoing it. All numbers are
whole, from 0 to 20.
"""

from kd_jax.reasoning import problems
from kd_jax.reasoning.problems import END, MARK, PADDING

LIMIT, LARGEST = 20, 9  # of what a person has, of what is found or lost at once
NAMES = "Ann", "Ben", "Cem", "Dia", "Eva", "Fay"
VERBS = "has", "finds", "loses", "doubles", "halves"
SIGNS = "+", "-", "=", ";", "ok", "skip"
WORDS = (PADDING, *map(str, range(LIMIT + 1)), *NAMES, *VERBS, "it", "?", *SIGNS, MARK, END)
USUAL, HARDER = (2, 3), (4, 5, 6)  # steps of training and of harder test problems
DISTRACTING = 1  # changes of the other person
SEED = 8


def possible(value):
    """[(verb, amount)] of every change of what somebody has, the amount by which it changes."""
    finds = [("finds", n) for n in range(1, min(LARGEST, LIMIT - value) + 1)]
    loses = [("loses", n) for n in range(1, min(LARGEST, value) + 1)]
    doubles = [("doubles", value)] * (0 < 2 * value <= LIMIT)
    halves = [("halves", value // 2)] * (value > 0 and value % 2 == 0)
    return finds, loses, doubles, halves


def change(random, value):
    """(verb, amount) of one change: first a verb that is possible, then an amount."""
    kinds = [kind for kind in possible(value) if kind]
    kind = kinds[random.integers(len(kinds))]
    return kind[random.integers(len(kind))]


def changed(value, verb, amount):
    """What somebody has after a change."""
    return value + amount if verb in ("finds", "doubles") else value - amount


def story(random, name, steps):
    """[(sentence about one person, what is calculated then: value, verb, amount)], in order.

    The first sentence says what there is, and nothing is calculated: None.
    """
    value = int(random.integers(1, LIMIT + 1))
    told = [((name, "has", str(value)), None)]
    for _ in range(steps):
        verb, amount = change(random, value)
        sentence = name, verb, str(amount) if verb in ("finds", "loses") else "it"
        told.append((sentence, (value, verb, amount)))
        value = changed(value, verb, amount)
    return told


def checked(value, verb, amount):
    """The words of one calculation and of the one that undoes it."""
    result = changed(value, verb, amount)
    sign, undo = ("+", "-") if result == value + amount else ("-", "+")
    forth = str(value), sign, str(amount), "=", str(result)
    return *forth, ";", str(result), undo, str(amount), "=", str(value), "ok"


def shuffled(random, first, second):
    """Two lists as one in random order, in which each keeps its own."""
    of_first = random.permutation([True] * len(first) + [False] * len(second))
    rests = iter(first), iter(second)
    return [next(rests[0] if mine else rests[1]) for mine in of_first]


def draw(random, steps):
    """A Problem of so many steps."""
    name, other = (NAMES[n] for n in random.choice(len(NAMES), 2, replace=False))
    own, distracting = story(random, name, steps), story(random, other, DISTRACTING)
    prompt, chain = [], []
    for sentence, calculation in shuffled(random, own, distracting):
        prompt += sentence
        chain += sentence
        if sentence[0] == other:
            chain.append("skip")
        elif calculation:
            chain += checked(*calculation)
    results = [str(changed(*calculation)) for _, calculation in own[1:]]
    return problems.solved((*prompt, "?", name), steps, results[-1], results, chain)


def load(counts):
    """The Family with so many problems {split: count}; "harder" has more steps than all others."""
    wanted = {n: (count, HARDER if n == "harder" else USUAL) for n, count in counts.items()}
    return problems.Family(WORDS, problems.disjoint(draw, wanted, SEED))
