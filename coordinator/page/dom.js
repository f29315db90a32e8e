// Making and changing elements. Text of peers reaches the page here only, as text and never as
// markup.

// element("td", {class: "wide", title: "…"}, child | text …)
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Writes only what differs: a text that is written again costs a new layout.
export function setText(node, text) {
  if (node.kilnText === text) return;
  node.kilnText = text;
  node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, value);
  }
}

// Makes the children of `parent` the elements of `items`, in their order. `make(item)` gives
// {root, set(item)}, which is kept for the next item of the same key. What has the focus keeps it.
export function keyed(parent, key, make) {
  let rows = new Map();
  return (items) => {
    const next = new Map();
    const names = new Set(items.map(key));
    for (const [name, row] of rows) if (!names.has(name)) row.root.remove();
    const held = parent.contains(document.activeElement) ? document.activeElement : null;
    let at = parent.firstElementChild;
    for (const item of items) {
      const name = key(item);
      const row = rows.get(name) ?? make(item);
      row.set(item);
      next.set(name, row);
      if (row.root === at) at = at.nextElementSibling;
      else parent.insertBefore(row.root, at);
    }
    rows = next;
    if (held && held !== document.activeElement) held.focus({ preventScroll: true });
  };
}

export function byId(id) {
  return document.getElementById(id);
}
