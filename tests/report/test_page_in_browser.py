"""A browser shows all of the page of the committed records, at any width and without an error."""

import pytest
from browser import seen

from kd_jax.report import page, publish

WIDTHS = 390, 1280
WRONG = "<div style='width: 700px'>x</div><img src=none.png><script>lost()</script>"


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """What is seen of the page at each width, and of a page with faults."""
    folder, wrong = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("wrong")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        committed = page.write().resolve()
    (wrong / "wrong.html").write_text(WRONG)
    return seen([*((committed, width) for width in WIDTHS), (wrong / "wrong.html", 390)], wrong)


def test_a_browser_shows_all_of_it_at_any_width(views):
    figures = sum(len(list(folder.glob("*.png"))) for folder in publish.all_records().values())
    for width, found in zip(WIDTHS, views):
        assert found["title"] == "kd_jax: results" and found["errors"] == []
        assert found["wide"] <= width
        assert found["images"] == found["drawn"] == figures


def test_the_browser_would_have_seen_faults(views):
    found = views[-1]
    assert found["wide"] >= 700 and found["images"] == 1 and found["drawn"] == 0
    assert any("lost is not defined" in line for line in found["errors"])
