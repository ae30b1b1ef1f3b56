"""An experiment's page has the claims that it answers, beside what papers print of them."""

from kd_jax.report.publishing import answered_claims

PAGE = """\
# Claims

**3 claims.**

## Hinton 2015 (arXiv 1503.02531)

| claim     | result   | published | difference [95 %] | where                            |
|-----------|----------|-----------|-------------------|----------------------------------|
| it is so  | open \\* | 86 %      | +1 [−1, +3]       | [a](../experiments/a/README.md)  |
| it is not | open     | no number | +2 [−1, +5]       | [ab](../experiments/ab/README.md) |

## Tang 2020

| claim   | result | published | ours | difference [95 %] | where                           |
|---------|--------|-----------|------|-------------------|---------------------------------|
| perhaps | open   | no number | 5.5  | –                 | [a](../experiments/a/README.md) |
"""


def test_the_claims_of_an_experiment_in_one_table():
    found = answered_claims.answered(PAGE, "a")
    assert found.startswith("## Claims of papers\n\n") and "(../../docs/claims.md)" in found
    assert found.splitlines()[-4:] == [
        "| paper | claim | result | published | ours | difference [95 %] |",
        "|---|---|---|---|---|---|",
        "| Hinton 2015 (arXiv 1503.02531) | it is so | open \\* | 86 % | – | +1 [−1, +3] |",
        "| Tang 2020 | perhaps | open | no number | 5.5 | – |",
    ]


def test_one_that_answers_none_has_no_such_part():
    assert answered_claims.answered(PAGE, "b") == ""
