// Tables whose rows stay while what they show changes.
import { element, keyed, setAttribute, setText } from "./dom.js";
import { buildName, makeMark } from "./marks.js";
import { hrefOf } from "./route.js";

// `columns`: {title, kind: a class, make(): {root, set(item)}}. `href(item)`, if given, is where a
// click on a row leads; the cell that has the link is the keyboard's way.
export function makeTable(root, { caption, columns, key, href, empty }) {
  const head = element("tr", {}, ...columns.map(({ title, kind }) =>
    element("th", { class: kind, scope: "col" }, title)));
  const body = element("tbody");
  const table = element("table", { "aria-label": caption }, element("thead", {}, head), body);
  const nothing = element("p", { class: "empty" });
  root.append(element("div", { class: "scroll" }, table), nothing);

  const set = keyed(body, key, (first) => {
    const cells = columns.map((column) => column.make(first));
    const row = element("tr", { class: href ? "open" : null },
      ...cells.map((cell, place) => element("td", { class: columns[place].kind }, cell.root)));
    let now = first;
    if (href) {
      row.addEventListener("click", (event) => {
        if (!event.target.closest("a")) window.location.hash = href(now);
      });
    }
    return { root: row, set: (item) => {
      now = item;
      cells.forEach((cell) => cell.set(item));
    } };
  });

  return function update(items) {
    table.hidden = items.length === 0;
    nothing.hidden = !table.hidden;
    if (nothing.hidden === false) setText(nothing, empty());
    set(items);
  };
}

// A cell of text.
export function textCell(text, title) {
  return () => {
    const root = element("span");
    return { root, set: (item) => {
      setText(root, text(item));
      if (title) setAttribute(root, "title", title(item) || null);
    } };
  };
}

// A cell that is a link to a view; without a name it is a dash.
export function linkCell(view, name, text = name) {
  return () => {
    const root = element("a");
    return { root, set: (item) => {
      const to = name(item);
      setText(root, to ? text(item) : "–");
      setAttribute(root, "href", to ? hrefOf(view, to) : null);
    } };
  };
}

// A build's mark and name, as a link, and after it whose it is. `id`, `build` and `client` of the
// item.
export function buildCell(id, build, client = () => "") {
  return () => {
    const mark = makeMark(0);
    const text = element("span");
    const whose = element("span", { class: "whose" });
    const root = element("span", {}, element("a", {}, mark.root, text), whose);
    const link = root.firstElementChild;
    return { root, set: (item) => {
      mark.set(id(item));
      setText(text, buildName(build(item), id(item)));
      setText(whose, client(item) ?? "");
      setAttribute(link, "href", id(item) > 0 ? hrefOf("build", id(item)) : null);
    } };
  };
}

// What a pool or a node is, with its sign.
export function stateCell(state, text = state) {
  return () => {
    const root = element("span", { class: "state" });
    return { root, set: (item) => {
      setAttribute(root, "data-state", state(item));
      setText(root, text(item));
    } };
  };
}
