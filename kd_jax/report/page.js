"use strict";

// "−17.0 [−22.9, −11.1]" is the number before its interval, "1,500" is 1500; else a text.
function key(cell) {
  const text = cell.textContent.trim();
  const number = parseFloat(text.replaceAll("−", "-").replaceAll(",", ""));
  return /^[+−\d]/.test(text) && !isNaN(number) ? number : text === "–" ? Infinity : text;
}

function before(one, other) {
  if (typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0;
  return typeof one === "number" ? -1 : 1;
}

function make(tag, attributes, parent) {
  const element = Object.assign(document.createElement(tag), attributes);
  parent.append(element);
  return element;
}

// A click on a title sorts by its column, a second one the other way, a third one undoes it.
function sortable(table) {
  const body = table.tBodies[0], original = [...body.rows];
  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, column) => {
    const button = make("button", { type: "button", title: "Sort by this column" }, title);
    button.append(...[...title.childNodes].filter(x => x !== button));
    button.onclick = () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const order = next[title.ariaSort ?? "none"];
      titles.forEach(x => { x.ariaSort = null; });
      if (order !== "none") title.ariaSort = order;
      const sign = order === "descending" ? -1 : 1;
      const rows = order === "none" ? original : [...original].sort(
        (one, other) => sign * before(key(one.cells[column]), key(other.cells[column])));
      body.append(...rows);
    };
  });
}

function filtered(table, bar) {
  const rows = [...table.tBodies[0].rows];
  const field = make("input", { type: "search", placeholder: "filter rows" }, bar);
  field.setAttribute("aria-label", "Show the rows that contain");
  field.oninput = () => {
    const wanted = field.value.toLowerCase();
    rows.forEach(row => { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
  };
}

function saved(table, bar, name) {
  const button = make("button", { type: "button", textContent: "CSV" }, bar);
  button.title = "Save this table for a spreadsheet";
  button.onclick = () => {
    const quoted = cell => `"${cell.textContent.trim().replaceAll('"', '""')}"`;
    const lines = [...table.rows].map(row => [...row.cells].map(quoted).join(","));
    const file = new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], { type: "text/csv" });
    const link = make("a", { href: URL.createObjectURL(file), download: `${name}.csv` }, bar);
    link.click();
    link.remove();
  };
}

// Of more than two runs any two can be chosen; what they have in common is hidden then.
function compared(table, bar) {
  const titles = [...table.tHead.rows[0].cells].slice(1);
  if (titles.length < 3) return;
  const fields = [0, 1].map(number => {
    const field = make("select", {}, bar);
    field.setAttribute("aria-label", number ? "Second run" : "First run");
    make("option", { value: -1, textContent: "all runs" }, field);
    titles.forEach((title, n) => make("option", { value: n, textContent: title.textContent }, field));
    return field;
  });
  const show = () => {
    const chosen = fields.map(field => Number(field.value));
    const all = chosen.includes(-1);
    for (const row of table.rows) {
      const cells = [...row.cells].slice(1);
      cells.forEach((cell, n) => { cell.hidden = !all && !chosen.includes(n); });
      const [one, other] = chosen.map(n => cells[n]?.textContent.trim());
      row.hidden = row.parentNode === table.tBodies[0] && !all && one === other;
    }
  };
  fields.forEach(field => { field.onchange = show; });
}

for (const table of document.querySelectorAll("table[data-name]")) {
  const bar = document.createElement("div");
  bar.className = "tools";
  table.parentNode.before(bar);
  if (table.dataset.kind === "compared") compared(table, bar);
  else sortable(table);
  if (table.tBodies[0].rows.length > 5 && table.dataset.kind !== "compared") filtered(table, bar);
  saved(table, bar, table.dataset.name);
}
