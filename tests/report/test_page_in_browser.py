"""A browser shows all of the page of the committed records, at any width and without an error."""

import pytest
from browser import seen

from kd_jax.report import page
from kd_jax.report.publishing import publish
from kd_jax.storage.run_folder import Run

WIDTHS = 390, 1280
# sorts the quickstart's first table by its second column, filters it and saves it
PROBE = """page => {
  const section = page.querySelector("#quickstart");
  if (!section) return null;
  const table = section.querySelector("table"), body = table.tBodies[0];
  const names = () => [...body.rows].filter(x => !x.hidden).map(x => x.cells[0].textContent.trim());
  const original = names(), click = () => table.querySelectorAll("thead button")[1].click();
  click();
  const ascending = names().slice(0, 4);
  click();
  const descending = names();
  click();
  const undone = names(), bar = table.parentNode.previousElementSibling;
  const field = bar.querySelector("input");
  field.value = "Soft targets + labels";
  field.dispatchEvent(new Event("input"));
  const filtered = names().length;
  let file = null;
  page.defaultView.Blob = class { constructor(parts) { file = parts[0]; } };
  page.defaultView.URL.createObjectURL = () => "data:,";
  [...bar.querySelectorAll("button")].at(-1).click();
  return {
    original, ascending, descending, undone, filtered,
    file: [file[0], file.slice(1, 9)],
    sticky: getComputedStyle(body.rows[0].cells[0]).position,
  };
}"""
WRONG = "<div style='width: 700px'>x</div><img src=none.png><script>lost()</script>"


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """What is seen of the page at each width, and of a page with faults."""
    folder, wrong = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("wrong")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        committed = page.write().resolve()
    (wrong / "wrong.html").write_text(WRONG)
    pages = [*((committed, width) for width in WIDTHS), (wrong / "wrong.html", 390)]
    return seen(pages, wrong, PROBE)


def test_a_browser_shows_all_of_it_at_any_width(views):
    figures = sum(len(list(folder.glob("*.svg"))) for folder in publish.all_records().values())
    for width, found in zip(WIDTHS, views):
        assert found["title"] == "kd_jax: results" and found["errors"] == []
        assert found["wide"] <= width
        shown = [folder for folder in publish.all_records().values() if [*folder.glob("*.svg")]]
        assert found["images"] == found["drawn"] == figures + len(shown)  # the cards' too


def test_a_click_sorts_a_word_filters_and_a_table_is_saved(views):
    table = publish.all_records()["quickstart"] / "table.md"
    rows = [line for line in table.read_text().splitlines() if line.startswith("|")]
    lines = [line.split("|")[1:3] for line in rows if "±" in line]
    by_errors = sorted(lines, key=lambda cells: float(cells[1].split("±")[0]))
    for found in views[: len(WIDTHS)]:
        probe = found["probe"]
        assert probe["ascending"][1:] == [name.strip() for name, _ in by_errors[:3]]
        assert probe["descending"][0] == by_errors[-1][0].strip()
        assert probe["filtered"] == sum("soft targets + labels" in name for name, _ in lines)
        assert probe["file"][:2] == ["\ufeff", '"method"'] and probe["sticky"] == "sticky"
        assert probe["undone"] == probe["original"]


CHOOSE = """page => {
  const table = page.querySelector("table[data-kind=compared]");
  const fields = [...table.parentNode.previousElementSibling.querySelectorAll("select")];
  const shown = () => [...table.tBodies[0].rows].filter(row => !row.hidden).map(
    row => [...row.cells].filter(cell => !cell.hidden).map(cell => cell.textContent));
  const all = shown();
  fields.forEach((field, n) => {
    field.value = field.options[n + 1].value;
    field.dispatchEvent(new Event("change"));
  });
  return { all, two: shown() };
}"""


def test_two_of_several_runs_are_compared_by_what_differs_between_them(tmp_path):
    for width, depth in ((8, 1), (9, 1), (9, 2)):
        run = Run(tmp_path, "demo", {"preset": "default", "width": width, "depth": depth})
        run.append([{"row": "a", "seed": 0}])
        run.conclude(lambda folder: "| row |\n|-----|\n| a   |\n")
        run._lock.release()
    (found,) = seen([(page.write(tmp_path).resolve(), 390)], tmp_path, CHOOSE)
    names = [line[0] for line in found["probe"]["all"]]
    assert names == ["width", "depth", "minutes", "found"] and found["errors"] == []
    chosen = {name: values for name, *values in found["probe"]["two"]}
    assert all(len(set(values)) == 2 for values in chosen.values()) and len(chosen) in (1, 2)
    assert set(chosen) <= {"width", "depth"}


def test_the_browser_would_have_seen_faults(views):
    found = views[-1]
    assert found["wide"] >= 700 and found["images"] == 1 and found["drawn"] == 0
    assert any("lost is not defined" in line for line in found["errors"])
