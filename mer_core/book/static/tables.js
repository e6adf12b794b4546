// Tables that a cell printed sort by a click on the head of a column: largest first, then smallest first.
(() => {
  const ROWS = 3; // fewer need no order

  // The number that a cell starts with: `0.612 [0.55, 0.67]` and `61 %` sort by their first; null is none.
  const number = (text) => {
    const found = text.replace("−", "-").match(/^[+-]?\d[\d ,]*\.?\d*(e[+-]?\d+)?/i);
    return found && Number(found[0].replace(/[ ,]/g, ""));
  };
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (x !== null && y !== null) return x - y;
    return a.localeCompare(b, undefined, { numeric: true });
  };

  const sort = (table, head) => {
    const down = head.getAttribute("aria-sort") !== "descending";
    const column = [...head.parentNode.cells].indexOf(head);
    const said = (row) => row.cells[column].textContent.trim();
    const isEmpty = (row) => ["", "–", "-", "NaN"].includes(said(row)); // last either way
    const rows = [...table.tBodies[0].rows].sort(
      (a, b) => isEmpty(a) - isEmpty(b) || (down ? compare(said(b), said(a)) : compare(said(a), said(b))),
    );
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.tBodies[0].append(...rows);
  };

  const enable = (table) => {
    const rows = [...(table.tBodies[0]?.rows ?? [])];
    const isPlain = table.tHead?.rows.length === 1 && [table.tHead.rows[0], ...rows].every(
      (row) => row.cells.length === table.tHead.rows[0].cells.length && [...row.cells].every((c) => c.colSpan * c.rowSpan === 1),
    );
    if (rows.length < ROWS || !isPlain) return;
    for (const head of table.tHead.rows[0].cells) {
      if (!head.textContent.trim()) continue;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "mer-sort" });
      button.title = "Sort by this column";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  };

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".cell_output table").forEach(enable));
})();
