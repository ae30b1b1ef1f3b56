"""The table of a decoder's students: columns of what was measured, and ratios by hand."""

import numpy as np
import pytest
from verdict_words import WHY, judging

from kd_jax.report import decoder_rows, decoder_table
from kd_jax.report.decoder_rows import Rows
from kd_jax.storage import no_verdicts

SAID = {"start": "cut", "baseline": "SFT on the text", "kept": "ULD", "notes": []}


def record(row, **more):
    return {"row": row, "seed": 0, "parameters": 10, "tokens": 8, **more}


def rows(**more):
    """Of two texts of 2 and 6 tokens, of which teacher and student have read 1 and 3 alike."""
    names = ["teacher", *list(SAID.values())[:3]]
    found = {}
    for n, name in enumerate(names):
        found[name] = {0: {
            "nll": np.array([4.0, 6.0 + n]), "uld": np.array([0.5, 1.0 - n / 4]),
            "tokens": np.array([2, 6]), "pairs": np.array([1, 3]),
        }}  # fmt: skip
    records = {name: [record(name, test_uld=0.3, test_nll=1.5, pairs=4, **more)] for name in names}
    return Rows(SAID, records, found)


def test_a_distance_is_the_mean_over_the_pairs_and_not_over_all_tokens():
    """Σ d / Σ pairs of d = (0, −1/4) is −1/16; of likelihoods 1/8, over all tokens."""
    given = rows()
    ours, theirs = given.sums["ULD"], given.sums["SFT on the text"]
    found = decoder_rows.differences(ours, theirs, "uld")
    assert found.mean() == pytest.approx(-0.25 / 4)
    # m + (d − m L) / L̄, m = −1/16, L = (1, 3), L̄ = 2
    np.testing.assert_allclose(found[0], [-1 / 32, -3 / 32])
    assert decoder_rows.differences(ours, theirs, "nll").mean() == pytest.approx(1 / 8)


def test_columns_are_of_what_was_measured():
    text = decoder_table.markdown(rows())
    assert "| ULD " in text and "accepted" not in text and "tokens of an answer" not in text
    assert "ULD −0.062 [" in text and "before 4 of them" in text
    written = decoder_table.markdown(rows(sample_tokens=12.25, sample_entropy=0.5))
    assert "tokens of an answer | their entropy, nats" in written
    assert "12.2 " in written and "Answers are sampled at temperature 1" in written


def held_out(count, seeds=1):
    """Rows of so many held-out texts, of which the first column has the differences 0, 1, 2, …"""
    random = np.random.default_rng(0)
    sums = {
        name: {
            seed: {
                **{metric: random.random(count) for metric in decoder_rows.MEASURES},
                "tokens": np.arange(2, count + 2),
            }
            for seed in range(seeds)
        }
        for name in ["teacher", *list(SAID.values())[:3]]
    }
    tested = {f"test_{metric}": 0.5 for metric in decoder_rows.MEASURES}
    records = {
        name: [record(name, **tested) | {"seed": seed} for seed in found]
        for name, found in sums.items()
    }
    return Rows(SAID, records, sums)


@pytest.mark.parametrize(
    "texts, seeds, why",
    [
        (1, 1, "1 held-out text, fewer than 3: no verdicts"),
        (2, 1, "2 held-out texts, fewer than 3: no verdicts"),
        (5, 2, "2 seeds: no verdicts, expected one seed, or 3 or more"),
    ],
)
def test_intervals_that_do_not_exist_are_dashes_and_the_reason_is_said(texts, seeds, why):
    text = decoder_table.markdown(held_out(texts, seeds))
    assert "nan" not in text and why in text.splitlines()[0]
    assert ("[–]" in text) == (texts == 1)
    assert no_verdicts.SAID.search(text)  # nothing else is said of seeds
    assert "no verdicts" not in decoder_table.markdown(held_out(3, 3))


@pytest.mark.parametrize("texts, seeds", [(1, 1), (5, 2), (9, 1), (9, 3)])
def test_of_a_run_that_is_not_judged_the_one_thing_said_is_why(texts, seeds):
    usual = held_out(texts, seeds)
    found = usual._replace(said={**SAID, "unjudged": WHY})
    text = decoder_table.markdown(found)
    assert text.splitlines()[0].endswith(f"; {WHY}**") and judging(decoder_table.markdown(usual))
    assert not judging(text) and text.count("no verdict") == 1
