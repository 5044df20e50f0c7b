"use strict";
// Sorts a table by a click or a key on a column's title; the page is complete without it.
document.documentElement.classList.add("js");
const powers = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const none = "\u2013";

function parseNumber(text) {
  const match = text.replaceAll("\u2212", "-").match(/^(<\s*)?([+-]?\d+(?:\.\d+)?)(?: ([kMGT])\b)?/);
  return match ? Number(match[2]) * (powers[match[3]] ?? 1) - (match[1] ? 1e-9 : 0) : null;
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const text = (row) => row.cells[column].textContent.trim();
    const isNumeric = original.every((row) => text(row) === none || parseNumber(text(row)) !== null);
    const first = column && isNumeric ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const now = { none: first, [first]: second, [second]: "none" }[head.getAttribute("aria-sort")];
      heads.forEach((other) => other.setAttribute("aria-sort", other === head ? now : "none"));
      const sign = now === "ascending" ? 1 : -1;
      const compare = (a, b) => {
        const [x, y] = [text(a), text(b)];
        if (x === none || y === none) return (x === none) - (y === none);
        return sign * (isNumeric ? parseNumber(x) - parseNumber(y) : x.localeCompare(y));
      };
      body.append(...(now === "none" ? original : [...original].sort(compare)));
    });
  });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);

// Unfold everything for printing.
const opened = [];
addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((folded) => {
    folded.open = true;
    opened.push(folded);
  });
});
addEventListener("afterprint", () => opened.splice(0).forEach((folded) => (folded.open = false)));
