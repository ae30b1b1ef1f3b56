"""Equal texts: drawn into one part, counted once there, and told where they are given."""

import numpy as np
from refusals import refused

from kd_jax.data import texts


def halves(count, rows, split, seed):
    """The draw of `count` rows of one class by NumPy alone, of which only `rows` take part."""
    order = [n for n in np.random.default_rng(seed).permutation(count) if n in rows]
    sizes = [round(share * len(rows)) for share in split]
    assert sum(sizes) == len(rows)
    ends = np.cumsum(sizes)
    return [sorted(order[end - size : end]) for size, end in zip(sizes, ends)]


def test_texts_without_duplicates_are_drawn_as_ever():
    whole = [f"x{n}" for n in range(60)]
    parts = texts.parted(texts.Texts(whole), seed=7)
    for part, rows in zip(parts[:3], halves(60, range(60), texts.SPLIT, 7)):
        assert part.texts == [whole[n] for n in rows]
    assert len(parts.notes) == 1


def test_equal_texts_are_drawn_into_one_part_and_count_once_where_they_are_held_out():
    """Each text twice: 48 of 60 are learned from, twice, and six are in each other part, once."""
    whole = [f"x{n}" for n in range(60)] * 2
    parts = texts.parted(texts.Texts(whole), seed=7)
    train, dev, test = halves(120, range(60), texts.SPLIT, 7)
    assert parts.dev.texts == [whole[n] for n in dev]
    assert parts.test.texts == [whole[n] for n in test]
    assert parts.train.texts == [whole[n] for n in train] * 2
    assert parts.notes == [
        "texts: train 96, dev 6, test 6",
        "60 of 120 texts are equal to an earlier one: equal ones are drawn into one part, and dev "
        "and test have each once",
    ]


def test_equal_texts_are_drawn_of_each_class_alike():
    """Classes of 40 and of 20 different texts, of which some stand there three times."""
    names = [*(f"a{n}" for n in range(40)), *(f"b{n}" for n in range(20))]
    whole = names + names[30:50] * 2
    labels = np.array([name[0] == "b" for name in whole], np.int32)
    parts = texts.parted(texts.Texts(whole, labels), split=(0.5, 0.25, 0.25), seed=1)
    different = [set(part.texts) for part in parts[:3]]
    assert set.union(*different) == set(names) and sum(map(len, different)) == 60
    for part, own, count in zip(parts[:3], different, (30, 15, 15)):
        assert len(own) == count and sum(text[0] == "b" for text in own) == count // 3
        assert [text[0] == "b" for text in part.texts] == part.labels.tolist()
    assert len(parts.test.texts) == 15  # each once
    assert sorted(parts.train.texts) == sorted(x for x in whole if x in different[0])


def test_equal_texts_of_different_labels_are_in_one_part():
    """A class of which every text is one of another class's too leaves no share of its own."""
    whole = [f"x{n}" for n in range(20)] * 2
    labels = np.repeat(np.arange(2, dtype=np.int32), 20)
    parts = texts.parted(texts.Texts(whole, labels), seed=1)
    assert not set(parts.train.texts) & {*parts.dev.texts, *parts.test.texts}
    assert [len(part.texts) for part in parts[:3]] == [32, 2, 2]
    assert np.bincount(parts.train.labels).tolist() == [16, 16]


def test_equal_texts_of_a_test_that_is_given_are_told(write):
    train = write("t.txt", "".join(f"x{n}\n" for n in range(20)) + "x3\n")
    test = write("s.txt", "a\nb\na\nc\na\n")
    found = texts.read_texts(train, test=test)
    assert found.test.texts == ["a", "b", "a", "c", "a"]
    assert found.notes[1:] == [
        "1 of 21 texts is equal to an earlier one: equal ones are drawn into one part, and dev "
        "has each once",
        f"2 of 5 texts of --test={test} are equal to an earlier one there, and count as "
        "independent",
    ]
    whole = texts.read_texts(train, dev=write("d.txt", "q\n"), test=write("u.txt", "r\n"))
    assert len(whole.train.texts) == 21 and len(whole.notes) == 1  # nothing is drawn


def test_texts_of_a_test_that_are_learned_from_are_told(write):
    place = write("learned.txt", "a b\nc\nd e\n")
    dev, test = write("dev.txt", "z\nd e\na b\n"), write("test.txt", "x\n c \ny\n")
    same = texts.read_texts(place, dev=dev, test=test)
    assert same.notes[1:] == [
        f"2 of 3 texts of --dev={dev} are learned from too: they stay there, but say nothing about "
        "new texts",
        f"1 of 3 texts of --test={test} is learned from too: it stays there, but says nothing "
        "about new texts",
    ]
    apart = texts.read_texts(place, dev=write("dev.txt", "z\n"), test=write("t.txt", "C\n"))
    assert not apart.notes[1:]


def test_a_test_that_is_all_learned_from_is_none(write):
    place, one = write("learned.txt", "a b\nc\nd e\n"), write("one.txt", "c\n")
    other = write("o.txt", "z\n")
    said = "every text of --{}=.* is learned from: expected others"
    refused(said.format("test"), texts.read_texts, place, dev=other, test=place)
    refused(said.format("dev"), texts.read_texts, place, dev=one, test=other)
    some = [texts.Texts(list(each)) for each in ("abc", "xy", "c")]
    refused("every text of test is learned from", texts.parted, *some)
    found = texts.parted(some[0], some[1], texts.Texts(["q", "c", "q"]))
    assert len(found.notes) == 3  # with sizes


def test_too_few_different_texts_for_three_parts_are_one_line(write):
    refused("of 12 texts .3 different. none is left for dev: give more",
            texts.read_texts, write("a.txt", "a\nb\nc\n" * 4))  # fmt: skip
