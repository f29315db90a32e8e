// Which view the address names: "#/", "#/node/w1", "#/pool/cc", "#/build/3", "#/tasks?node=w1".

const WITH_NAME = ["node", "pool", "build"];
const FILTERS = ["node", "pool", "build"];

// {view, name, filters}. What is no view is the overview.
export function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?");
  const [, view = "", name = ""] = path.split("/");
  if (WITH_NAME.includes(view) && name !== "") return { view, name: decoded(name), filters: {} };
  if (view !== "tasks") return { view: "overview", name: "", filters: {} };
  const asked = new URLSearchParams(query);
  const filters = {};
  for (const key of FILTERS) if (asked.get(key)) filters[key] = asked.get(key);
  return { view: "tasks", name: "", filters };
}

export function hrefOf(view, name) {
  return `#/${view}/${encodeURIComponent(name)}`;
}

export function tasksHref(filters) {
  const query = new URLSearchParams(filters).toString();
  return query ? `#/tasks?${query}` : "#/tasks";
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
