"""Word problems of a small grammar: what has a person in the end, after 2 to 6 changes?

    c: Ann has 5  d: Ben has 8  e: Ann finds 4  f: Ben halves it  g: Ann loses 2  ? Ann

    answer   # 7
    terse    5 + 4 = 9  9 - 2 = 7  # 7
    chain    c: Ann has 5  d: Ben skip 5  e: Ann finds 4  5 + 4 = 9 ; 9 - 4 = 5 ok 9
             f: Ben skip 9  g: Ann loses 2  9 - 2 = 7 ; 7 + 2 = 9 ok 7  # 7

What Ben does distracts. The terse solution has the calculations, as a person would note them; the
chain takes sentence after sentence, skips or calculates, checks that by undoing it, and ends every
line with what there is so far. All numbers are whole, from 0 to 9. Sentences are lettered from any
letter on, a: after l:, so that no letter is new in longer problems.
"""

from experiments.reasoning import problems
from experiments.reasoning.problems import END, MARK, PADDING

LIMIT = 9  # of what a person has
NAMES = "Ann", "Ben", "Cem", "Dia", "Eva", "Fay"
VERBS = "has", "finds", "loses", "doubles", "halves"
SIGNS = "+", "-", "=", ";", "ok", "skip", "unknown"
LETTERS = tuple(f"{letter}:" for letter in "abcdefghijkl")  # of sentences
NUMBERS = tuple(map(str, range(LIMIT + 1)))
VOCABULARY = (PADDING, *NUMBERS, *NAMES, *VERBS, "it", "?", *SIGNS, *LETTERS, MARK, END)
USUAL, HARDER = (2, 3), (4, 5, 6)  # steps of training and of harder test problems
DISTRACTING = 1  # changes of the other person


def possible(value):
    """[(verb, amount)] of every change of what somebody has, the amount by which it changes."""
    finds = [("finds", n) for n in range(1, LIMIT - value + 1)]
    loses = [("loses", n) for n in range(1, value + 1)]
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
    sentences: list[tuple] = [((name, "has", str(value)), None)]
    for _ in range(steps):
        verb, amount = change(random, value)
        sentence = name, verb, str(amount) if verb in ("finds", "loses") else "it"
        sentences.append((sentence, (value, verb, amount)))
        value = changed(value, verb, amount)
    return sentences


def calculated(value, verb, amount):
    """The words of one calculation."""
    result = changed(value, verb, amount)
    return str(value), "+" if result > value else "-", str(amount), "=", str(result)


def checked(value, verb, amount):
    """The words of one calculation and of the one that undoes it."""
    value, sign, amount, _, result = forth = calculated(value, verb, amount)
    return *forth, ";", result, {"+": "-", "-": "+"}[sign], amount, "=", value, "ok"


def shuffled(random, first, second):
    """Two lists as one in random order, in which each keeps its own."""
    of_first = random.permutation([True] * len(first) + [False] * len(second))
    rests = iter(first), iter(second)
    return [next(rests[0] if mine else rests[1]) for mine in of_first]


def line(letter, sentence, calculation, known):
    """The words of a chain about one sentence, up to what there is then: `known` if it is skipped.

    calculation: of `story`, None for the first one about a person; False for somebody else's.
    """
    if calculation is False:
        return letter, sentence[0], "skip", known
    if calculation is None:
        return letter, *sentence
    return letter, *sentence, *checked(*calculation), str(changed(*calculation))


def draw(random, steps):
    """A GeneratedProblem of so many steps."""
    name, other = (NAMES[n] for n in random.choice(len(NAMES), 2, replace=False))
    own = story(random, name, steps)
    distracting = [(sentence, False) for sentence, _ in story(random, other, DISTRACTING)]
    first, known = random.integers(len(LETTERS)), "unknown"
    prompt, chain = [], []
    for number, each in enumerate(shuffled(random, own, distracting), first):
        letter, (sentence, calculation) = LETTERS[number % len(LETTERS)], each
        prompt += letter, *sentence
        chain += line(letter, sentence, calculation, known)
        known = chain[-1]
    terse = [word for _, calculation in own[1:] for word in calculated(*calculation)]
    return problems.with_solutions((*prompt, "?", name), steps, terse[-1], terse, chain)


def load(counts, base_seed, teacher):
    """The Family of a teacher with so many problems {split: count}; see `problems.splits`."""
    found = problems.splits(draw, counts, (USUAL, HARDER), base_seed, teacher)
    return problems.Family(VOCABULARY, found)
