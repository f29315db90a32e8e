// A field that leads to a node, a pool or a build by its name.
import { element } from "./dom.js";
import { hrefOf } from "./route.js";

// The best match of a text: an exact name, else the first that begins with it, else that has it.
export function bestMatch(choices, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return null;
  const tests = [(name) => name === wanted, (name) => name.startsWith(wanted),
    (name) => name.includes(wanted)];
  for (const test of tests) {
    const found = choices.find((choice) => test(choice.name.toLowerCase()));
    if (found) return found;
  }
  return null;
}

export function choicesOf(state) {
  const named = (view) => (item) => ({ view, name: String(item.name), key: item.name });
  return [...state.order.map((name) => ({ view: "node", name, key: name })),
    ...[...state.pools.values()].map(named("pool")),
    ...[...state.builds.values()].map((build) => ({ view: "build", key: build.id,
      name: build.name || `build ${build.id}` }))];
}

// `current()` gives the state. Names are offered once somebody comes to the field.
export function makeFind(form, input, names, { current, said }) {
  input.addEventListener("focus", () => {
    names.replaceChildren(...choicesOf(current()).map(({ view, name }) =>
      element("option", { value: name, label: view })));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const found = bestMatch(choicesOf(current()), input.value);
    if (!found) {
      said.textContent = `Nothing is named like ${input.value}`;
      input.setCustomValidity("No node, pool or build has such a name");
      input.reportValidity();
      return;
    }
    input.value = "";
    input.blur();
    window.location.hash = hrefOf(found.view, found.key);
  });
  input.addEventListener("input", () => input.setCustomValidity(""));
  return () => input.focus();
}
