"""A table on a terminal fits its width, keeps what matters, and says how many rows beat what."""

import re

import pytest
from rich.text import Text

from kd_jax.report import markdown_blocks, terminal_page
from kd_jax.report.publishing import publish

RECORDS = publish.all_records()
TABLE = """Mean over 5 students.
[95 %]: of the paired difference.

| method | paper | test errors of 1,500 | vs. labels only [95 %] | verdict | NLL | agrees |
|---|---|---|---|---|---|---|
| labels only | 146 | 139.1 ± 9.5 | – | – | 0.454 | 91.3% |
| soft targets, T=1 | 74 | 128.7 ± 8.8 | −10.4 [−16.6, −4.2] | BEATS | 0.343 | 92.0% |
| soft targets, T=2 | – | 127.0 ± 8.8 | −12.1 [−16.6, −4.2] | BEATS | 0.343 | 92.0% |
| permuted teacher, T=3 | – | 155.2 ± 9.5 | +16.1 [+7.2, +25.0] | WORSE | 0.5 | 90.0% |
"""


def test_columns_are_dropped_by_importance():
    whole = terminal_page.page(TABLE, 120)
    assert "agrees" in whole and "not shown" not in whole
    narrow = terminal_page.page(TABLE, 68)
    assert "not shown in 68 columns: paper, NLL, agrees" in narrow
    for kept in ("139.1 ± 9.5", "−10.4 [−16.6, −4.2]", "▲ BEATS", "▼ WORSE", "soft targets"):
        assert kept in narrow


def test_columns_without_a_word_are_neither_shown_nor_missed():
    silent = re.sub("BEATS|WORSE", "–", TABLE)
    assert "verdict" not in terminal_page.page(silent, 120)
    assert "not shown in 68 columns: NLL, agrees\n" in terminal_page.page(silent, 68)


def test_of_columns_of_one_name_that_which_is_left_out_is_told():
    twice = "| method | errors | 95 % | harder | 95 % |\n|---|---|---|---|---|\n"
    page = terminal_page.page(twice + "| soft | 10.0 | [9.0, 11.0] | 20.0 | [19.0, 21.0] |\n", 40)
    assert "not shown in 40 columns: 95 % of harder\n" in page


def test_headers_are_folded_where_a_line_is_too_short_alone():
    costs = "| network | ms for 128 |\n|---|---|\n| teacher | 1.7 |\n"
    assert "network  ms for 128" in terminal_page.page(costs, 40)
    assert max(map(len, terminal_page.page(costs, 16).splitlines())) <= 16


@pytest.mark.parametrize("width, kept", [(50, [0, 3, 4]), (38, [0, 2, 4]), (24, [0, 4])])
def test_a_terminal_too_narrow_for_what_matters_has_the_names_and_what_fits(width, kept):
    """Names need 9 columns, numbers 11, a difference 19, a verdict 7, and 2 before each."""
    (table,) = markdown_blocks.tables(markdown_blocks.parse(TABLE))
    assert terminal_page.fitting(table, width) == kept
    assert max(map(len, terminal_page.page(TABLE, width).splitlines())) <= width


def test_one_sentence_says_what_beats_the_baseline():
    assert "2 of 3 rows beat labels only; most: soft targets, T=2 (−12.1)." in (
        terminal_page.page(TABLE, 120)
    )
    none = TABLE.replace("BEATS", "INCONCLUSIVE")
    assert "0 of 3 rows beat labels only." in terminal_page.page(none, 120)
    one = "".join(TABLE.splitlines(keepends=True)[:7])
    assert "The one row beats labels only; most: soft targets, T=1 (−10.4)." in (
        terminal_page.page(one, 120)
    )
    assert "The one row does not beat labels only." in (
        terminal_page.page(one.replace("BEATS", "WORSE"), 120)
    )


def test_verdicts_are_colored_where_colors_are_wanted():
    plain, colored = (terminal_page.page(TABLE, 100, color=x) for x in (False, True))
    assert "\x1b[1;32m▲ BEATS" in colored and "\x1b" not in plain
    assert Text.from_ansi(colored).plain.split() == plain.split()


def test_a_verdict_behind_numbers_becomes_its_mark():
    cells = "| student | 10 |\n|---|---|\n| soft | +4.0 [+1.0, +7.0] BEATS |\n| hint | – |\n"
    page = terminal_page.page(cells, 80)
    assert "+4.0 [+1.0, +7.0] ▲" in page and "BEATS" not in page


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("width", [80, 120])
def test_committed_tables_fit(name, width):
    text = (RECORDS[name] / "table.md").read_text(encoding="utf-8")
    lines = terminal_page.page(text, width).splitlines()
    wide = [line for line in lines if len(line) > width]
    assert not wide, wide[0]


def test_bold_paragraphs_have_no_marks_on_a_terminal():
    assert terminal_page.page("**soft beats labels**\n\nMean.\n", 40).splitlines()[0] == (
        "soft beats labels"
    )


def test_a_file_gets_markdown_and_a_terminal_the_drawing(monkeypatch):
    assert terminal_page.shown(TABLE) == TABLE
    monkeypatch.setattr(terminal_page.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "90")
    assert terminal_page.shown(TABLE) == terminal_page.page(TABLE, 90)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[1;32m" in terminal_page.shown(TABLE)


SEVERAL = """| row | KL, nats | verdict | NLL, nats | verdict | same token, % | verdict |
|---|---|---|---|---|---|---|
| forward KL | −0.161 [−0.2, −0.1] | BEATS | +0.277 [+0.2, +0.3] | WORSE | +1.3 [+0.6, +2] | BEATS |
"""


def test_a_verdict_stands_beside_what_it_judges_or_neither_is_shown():
    (table,) = markdown_blocks.tables(markdown_blocks.parse(SEVERAL))
    assert terminal_page.fitting(table, 120) == [*range(7)]
    for width in range(20, 121):
        kept = terminal_page.fitting(table, width)
        assert all((n in kept) == (n + 1 in kept) for n in (1, 3, 5)), (width, kept)
    silent = terminal_page.page(re.sub("BEATS|WORSE", "–", SEVERAL), 80)
    assert "verdict" not in silent and "same token" in silent  # which has room now
    narrow = terminal_page.page(SEVERAL, 80).splitlines()
    assert narrow[-1] == "not shown in 80 columns: same token, %"
    assert terminal_page.page(SEVERAL, 50).splitlines()[-1] == (
        "not shown in 50 columns: NLL, nats; same token, %"
    )
