"""The families of problems: every solution against a plain evaluation of the text it solves."""

import collections

import numpy as np
import pytest

from experiments.reasoning import automaton, problems, word_problems
from experiments.reasoning.problems import ANSWER, CHAIN, TERSE
from kd_jax.errors import InputError

COUNTS = {"test": 80, "harder": 60, "validation": 40, "teacher": 300, "train": 200}
CHANGES = {
    "has": lambda value, number: number,
    "finds": lambda value, number: value + number,
    "loses": lambda value, number: value - number,
    "doubles": lambda value, number: value * 2,
    "halves": lambda value, number: value / 2,
}


@pytest.fixture(scope="module", params=[word_problems, automaton], ids=["words", "automaton"])
def family(request):
    return request.param.load(COUNTS, 0, 0)


def sentences(prompt):
    """The (letter, name, verb, amount) of a prompt, its last word aside: who is asked about."""
    *story, mark, asked = prompt
    assert mark == "?" and len(story) % 4 == 0
    return list(zip(*(story[place::4] for place in range(4)))), asked


def evaluated(prompt):
    """What the person in question has after every sentence about her, as the text says it."""
    told, asked = sentences(prompt)
    owned, values = {}, []
    for _, name, verb, word in told:
        number = int(word) if word.isdigit() else None
        owned[name] = CHANGES[verb](owned.get(name), number)
        if name == asked:
            values.append(owned[name])
    assert len(owned) == 2  # somebody distracts
    return values


def test_word_problems_say_what_their_solutions_say():
    found = word_problems.load(COUNTS, 0, 0)
    verbs = collections.Counter()
    for problem in (p for split in found.splits.values() for p in split):
        first, *results = evaluated(problem.prompt)
        assert len(results) == problem.steps and 0 <= min(results) <= max(results) <= 9
        assert problem.answer == str(int(results[-1])) and results[-1] == int(results[-1])
        end = ("#", problem.answer, "<end>")
        assert problem.solutions[ANSWER] == end
        assert problem.solutions[TERSE][-3:] == problem.solutions[CHAIN][-3:] == end
        calculations = problem.solutions[TERSE][:-3]
        assert calculations == tuple(word for line in lines(problem) for word in line[:5])
        verbs.update(problem.prompt)
    assert all(verbs[verb] > 100 for verb in CHANGES)


def test_sentences_are_lettered_from_any_letter_on():
    firsts = set()
    for problem in word_problems.load(COUNTS, 0, 0).splits["harder"]:
        letters = [ord(letter[0]) - ord("a") for letter, *_ in sentences(problem.prompt)[0]]
        firsts.add(letters[0])
        assert letters == [(letters[0] + n) % 12 for n in range(problem.steps + 3)]
    assert firsts == set(range(12))


def lines(problem):
    """The calculations [12 words] of a chain, which takes the prompt sentence after sentence."""
    told, asked = sentences(problem.prompt)
    words, found, known = iter(problem.solutions[CHAIN][:-3]), [], "unknown"
    for letter, name, verb, amount in told:
        assert (next(words), next(words)) == (letter, name)
        if name != asked:
            assert (next(words), next(words)) == ("skip", known)
            continue
        assert (next(words), next(words)) == (verb, amount)
        if verb == "has":
            known = amount
        else:
            found.append([next(words) for _ in range(12)])
            known = next(words)
            assert known == found[-1][4]
    assert next(words, None) is None
    return found


def test_every_calculation_of_a_chain_is_true_and_is_undone():
    for problem in word_problems.load(COUNTS, 0, 0).splits["harder"]:
        values, calculations = evaluated(problem.prompt), lines(problem)
        assert len(calculations) == problem.steps == len(values) - 1
        for before, after, line in zip(values, values[1:], calculations):
            left, sign, right, equals, result, *rest = line
            assert (equals, rest[0], rest[-1]) == ("=", ";", "ok")
            for text, value in ((line[:3], after), (line[6:9], before)):
                assert eval(" ".join(text)) == value
            assert int(left) == before and int(result) == after == int(rest[1])
            assert int(rest[-2]) == before and {sign, rest[2]} == {"+", "-"} and right == rest[3]


def test_states_of_the_automaton_by_hand():
    # digit 3 sends 0 to 4, digit 1 sends 4 to 0, digit 4 sends 0 to 1, digit 1 sends 1 to 9,
    # digit 5 sends 9 to 5 and digit 9 sends 5 to 3
    moves = np.tile(np.arange(10), (10, 1))
    moves[[3, 1, 4, 1, 5, 9], [0, 4, 0, 1, 9, 5]] = [4, 0, 1, 9, 5, 3]
    problem = automaton.problem(moves, [3, 1, 4, 1, 5, 9])
    assert " ".join(problem.prompt) == "3 , 1 , 4 , 1 , 5 , 9 :"
    said = {style: " ".join(words) for style, words in problem.solutions.items()}
    assert said == {
        ANSWER: "# d <end>",
        TERSE: "a j # d <end>",
        CHAIN: "3 e 1 a 4 b 1 j 5 f 9 d # d <end>",
    }
    assert [len(words) for words in problem.solutions.values()] == [3, 5, 15]


def test_every_digit_permutes_the_states_in_its_own_way():
    rows = automaton.permutations(0).tolist()
    assert all(sorted(row) == list(range(10)) for row in rows)
    assert len({tuple(row) for row in rows}) == 10


def test_no_problem_is_in_two_splits_and_harder_ones_have_more_steps(family):
    prompts = [p.prompt for split in family.splits.values() for p in split]
    assert len(prompts) == sum(COUNTS.values()) == len(set(prompts))
    steps = {name: {p.steps for p in split} for name, split in family.splits.items()}
    assert min(steps["harder"]) > max(steps["train"] | steps["test"] | steps["teacher"])
    assert {name: len(split) for name, split in family.splits.items()} == COUNTS


def test_splits_do_not_depend_on_those_after_them(family):
    loads = {p: module.load for module in (word_problems, automaton) for p in [module.VOCABULARY]}
    fewer = loads[family.vocabulary](COUNTS | {"train": 20}, 0, 0)
    assert fewer.splits["train"] == family.splits["train"][:20]
    assert fewer.splits["teacher"] == family.splits["teacher"]


def test_teachers_are_tested_alike_and_learn_from_problems_of_their_own(family):
    load = {p.VOCABULARY: p.load for p in (word_problems, automaton)}[family.vocabulary]
    second, other = load(COUNTS, 0, 1), load(COUNTS, 1, 0)
    for name in COUNTS:
        prompts, theirs, new = (
            [p.prompt for p in found.splits[name]] for found in (family, second, other)
        )
        assert (prompts == theirs) == (name in ("test", "harder", "validation"))
        assert prompts != new  # of another base seed


def test_the_automaton_of_another_base_seed_is_another():
    assert (automaton.permutations(0) != automaton.permutations(1)).any()


def test_problems_become_numbers_and_answers_are_read_off_them(family):
    some = family.splits["test"]
    assert len(set(family.vocabulary)) == len(family.vocabulary) and family.vocabulary[0] == ""
    prompts = problems.encoded(family.vocabulary, [p.prompt for p in some], left=True)
    for problem, ids, mask in zip(some, *prompts):
        assert tuple(family.vocabulary[n] for n in ids[mask]) == problem.prompt and mask[-1]
        for text in problem.solutions.values():
            numbers = [family.vocabulary.index(word) for word in text]
            assert problems.answer_in(family.vocabulary, numbers) == problem.answer


def test_answers_that_are_not_there():
    words = word_problems.VOCABULARY

    def said(text):
        return problems.answer_in(words, [words.index(word) for word in text.split()])

    assert said("# 7 <end>") == "7" and said("9 7 # 7") == "7"
    assert said("9 7 #") is None and said("9 7 <end>") is None and said("") is None
    assert said("# 3 # 4") == "3" and said("# #") == "#"


def test_a_family_that_is_too_small_is_one_line():
    with pytest.raises(InputError, match="10 b problems are left where 11 were asked for") as found:
        problems.disjoint(
            lambda random, steps: problems.GeneratedProblem(
                (int(random.integers(15)),), "", steps, {}
            ),
            {"a": (5, (1,), 0), "b": (11, (1,), 1)},
        )
    assert "\n" not in str(found.value)
