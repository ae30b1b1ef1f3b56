"""Numbers in prose are cells of committed tables, found by title, row and column."""

import pytest

from kd_jax.errors import InputError
from kd_jax.report import cells

TABLE = """Errors in percent.

| row | errors |
|-----|--------|
| a   | 1.0    |

By part

| part | row | errors |
|------|-----|--------|
| x    | a   | 2.0    |
| x    | b   | 3.0    |
| y    | a   | 4.0    |
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "table.md").write_text(TABLE)
    return tmp_path


def test_a_place_becomes_its_cell(folder):
    prose = "first {{records | | a | errors}}, then {{records | By\npart | x | b | errors}} %"
    assert cells.filled(prose, folder) == "first 1.0, then 3.0 %"
    assert cells.filled("a {b} {c", folder) == "a {b} {c"
    assert cells.filled("{{records | part | x | b | errors}}", folder) == "3.0"


def test_of_tables_alike_the_one_that_has_the_column_is_taken(folder):
    tables = [f"| data | {x} |\n|---|---|\n| a | {x} 1 |\n" for x in ("wide", "high")]
    (folder / "records" / "table.md").write_text("\n".join(tables))
    prose = "{{records | data | a | high}}, {{records | | a | wide}}"
    assert cells.filled(prose, folder) == "high 1, wide 1"


TWICE = """Digits

| row | errors |
|-----|--------|
| a   | 1.0    |

Against labels

| row | less |
|-----|------|
| a   | 2.0  |

Letters

| row | errors |
|-----|--------|
| a   | 3.0    |

Against labels

| row | less |
|-----|------|
| a   | 4.0  |
"""


def test_of_two_tables_with_one_title_a_title_above_tells_which(folder):
    (folder / "records" / "table.md").write_text(TWICE)
    prose = "{{records | %s | a | less}}"
    assert cells.filled(prose % "Against labels", folder) == "2.0"
    assert cells.filled(prose % "Digits > Against labels", folder) == "2.0"
    assert cells.filled(prose % "Letters >\n  Against labels", folder) == "4.0"
    assert cells.filled(prose % "Let… > Against labels", folder) == "4.0"
    assert cells.filled("{{records | Let… | a | errors}}", folder) == "3.0"
    with pytest.raises(InputError, match="no table 'Words > Against labels'"):
        cells.filled(prose % "Words > Against labels", folder)


@pytest.mark.parametrize(
    "place, said",
    [
        ("exploration | | a | errors", "there is no exploration/table.md"),
        ("records | By seed | a | errors", "no table 'By seed'"),
        ("records | By part | x | errors", r"no single row \['x'\] below 'By part'"),
        ("records | By part | z | errors", r"no single row \['z'\] below 'By part'"),
        ("records | | a | accuracy", "no column 'accuracy'"),
    ],
)
def test_a_place_that_is_not_there_is_named(folder, place, said):
    with pytest.raises(InputError, match=said):
        cells.filled(f"{{{{{place}}}}}", folder)
