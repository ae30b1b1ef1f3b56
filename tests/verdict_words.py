"""The words by which a text judges, none of which a smoke run may say."""

import re

WHY = "--preset=smoke shows that the command runs: no verdicts"
WORDS = (
    r"\b(BEATS|WORSE|INCONCLUSIVE|EQUIVALENT)\b",
    "gain is real|better choice|may be chance|than the margin|a circle beats",
    "verdicts are corrected|fewer than|[0-9] seeds: no verdicts",  # nor another reason
)


def judging(text):
    """The words in a text that judge, or that give another reason for no verdicts."""
    flat = " ".join(text.split())
    return [found[0] for words in WORDS for found in re.finditer(words, flat)]


def check_unjudged(printed, *folders):
    """Nothing that a smoke run printed or wrote judges, and it says once why."""
    paths = [path for folder in folders for path in folder.rglob("*.[ms][dv]*")]  # .md and .svg
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    assert {path.name for path in paths} >= {"table.md", "README.md"}
    assert {path: found for path, text in texts.items() if (found := judging(text))} == {}
    assert all(WHY in text for path, text in texts.items() if path.suffix == ".md")
    assert not judging(printed) and " ".join(printed.split()).count("no verdict") == 1
