// A build's letter and colour: both, so that neither is needed alone.
import { element, setAttribute, setText } from "./dom.js";

const COLOURS = 8;

// {letter, colour}; colour is a number of a custom property --build-N, or null for unknown builds.
export function markOf(id) {
  if (!(id > 0)) return { letter: "?", colour: null };
  return { letter: String.fromCharCode(65 + ((id - 1) % 26)), colour: (id - 1) % COLOURS };
}

// An element that shows it: {root, set(id)}.
export function makeMark(id) {
  const root = element("span", { class: "mark", "aria-hidden": "true" });
  const set = (now) => {
    const { letter, colour } = markOf(now);
    setText(root, letter);
    setAttribute(root, "class", colour === null ? "mark" : `mark mark-${colour}`);
  };
  set(id);
  return { root, set };
}

export function buildName(build, id) {
  return build?.name || (id > 0 ? `build ${id}` : "unknown build");
}
