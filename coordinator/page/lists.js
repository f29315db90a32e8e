// The tables of builds, pools and tasks, and the list of events.
import { element, keyed, setAttribute, setText } from "./dom.js";
import { count, plural, span, timeOfDay } from "./format.js";
import { hrefOf } from "./route.js";
import { goesOn } from "./state.js";
import { buildCell, linkCell, makeTable, stateCell, textCell } from "./tables.js";

const EVENTS_SHOWN = 80;
const OLD_MS = 10_000;  // an age at which a task's bar is full

// ---- builds ------------------------------------------------------------------------------------

export function makeBuilds(root) {
  let now = 0;
  const columns = [
    { title: "Build", kind: "wide", make: buildCell((build) => build.id, (build) => build,
      (build) => build.client) },
    { title: "Now", kind: "number", make: textCell((build) => count(build.running)) },
    { title: "Waits", kind: "number", make: textCell((build) =>
      (build.waiting ? count(build.waiting) : ""), (build) =>
      (build.waiting ? `waits for ${plural(build.waiting, "more slot")}` : "")) },
    { title: "Done", kind: "number", make: textCell((build) => count(build.done)) },
    { title: "For", kind: "number quiet", make: textCell((build) => span(lasted(build, now))) },
  ];
  const update = makeTable(root, { caption: "Builds", columns, key: (build) => build.id,
    href: (build) => hrefOf("build", build.id),
    empty: () => "No build in the last 30 minutes. Begin one: make CC=\"kiln gcc\" -j16" });
  return (state, most = 8) => {
    now = state.now;
    const all = [...state.builds.values()];
    const going = all.filter(goesOn);
    const others = all.filter((build) => !goesOn(build));
    update([...going, ...others].slice(0, most));
  };
}

// How long a build has taken so far, or took.
export function lasted(build, now) {
  const end = goesOn(build) ? now : build.last;
  return Math.max(0, end - build.begun);
}

// ---- pools -------------------------------------------------------------------------------------

const WORST_FIRST = ["broken", "lost", "warming", "cold", "draining", "quiesced", "ready"];

// Its states as words, the most urgent first: "2 warming, 22 ready".
export function poolWords(pool) {
  const nodes = pool.nodes ?? {};
  return WORST_FIRST.filter((state) => nodes[state]).map((state) => `${nodes[state]} ${state}`)
    .join(", ") || "no nodes";
}

export function worstState(pool) {
  return WORST_FIRST.find((state) => pool.nodes?.[state]) ?? "cold";
}

// Executors that are ready, of those that are to be kept so.
export function warmWords({ executors_ready: ready, executors_wanted: wanted }) {
  return wanted ? `${count(ready)} / ${count(wanted)}` : count(ready);
}

export const runningIn = (pool) => pool.executors_busy ?? pool.running;

export function makePools(root) {
  const update = makeTable(root, { caption: "Pools", key: (pool) => pool.name,
    columns: [
      { title: "Pool", make: linkCell("pool", (pool) => pool.name) },
      { title: "Nodes", kind: "wide", make: stateCell(worstState, poolWords) },
      { title: "Warm", kind: "number", make: textCell(warmWords) },
      { title: "Now", kind: "number", make: textCell((pool) => count(runningIn(pool))) },
    ],
    href: (pool) => hrefOf("pool", pool.name),
    empty: () => "No pools yet. Make one: kiln pool create cc --toolchain gcc --warm all" });
  return (state) => update([...state.pools.values()]);
}

// ---- tasks -------------------------------------------------------------------------------------

function phaseCell() {
  const root = element("span", { class: "phase" });
  return { root, set: (task) => {
    setAttribute(root, "data-phase", task.phase);
    setText(root, task.phase);
  } };
}

function ageCell() {
  const bar = element("i");
  const text = element("span");
  const root = element("span", {}, element("span", { class: "age slim", "aria-hidden": "true" },
    bar), text);
  return { root, set: (task) => {
    bar.style.width = `${Math.min(100, (100 * task.age_ms) / OLD_MS)}%`;
    setText(text, span(task.age_ms));
    setAttribute(root, "title", `${task.phase} for ${span(task.phase_ms)}`);
  } };
}

function placeWords({ node, slot }) {
  return slot === null || slot === undefined ? node : `${node} · ${slot}`;
}

// `without`: columns that say nothing new here ("node", "pool", "build").
export function makeTasks(root, { without = [], empty = "No task runs." } = {}) {
  const columns = [
    { title: "Phase", make: phaseCell },
    { title: "Age", make: ageCell },
    { title: "File", kind: "wide", make: textCell((task) => task.label, (task) =>
      `${task.label}\nattempt ${task.attempt}${task.pid ? `, pid ${task.pid}` : ""}`) },
    { id: "node", title: "Node", make: linkCell("node", (task) => task.node, placeWords) },
    { id: "pool", title: "Pool", kind: "slim", make: linkCell("pool", (task) => task.pool) },
    { id: "build", title: "Build", kind: "task-build",
      make: buildCell((task) => task.build, (task) => ({ name: task.build_name })) },
    { id: "client", title: "Of", kind: "quiet slim", make: textCell((task) => task.client ?? "") },
  ].filter((column) => !without.includes(column.id));
  return makeTable(root, { caption: "Tasks", columns, key: (task) => task.attempt,
    empty: () => empty });
}

// ---- events ------------------------------------------------------------------------------------

function subjectHref(event) {
  const view = /^(node|pool)_/.exec(event.kind ?? "")?.[1];
  return view ? hrefOf(view, event.subject) : null;
}

function makeEvent(event) {
  const what = element("span", { class: "what" });
  const href = subjectHref(event);
  what.append(href ? element("a", { href }, event.text) : event.text);
  const root = element("li", { "data-severity": event.severity, title: event.kind },
    element("time", { datetime: new Date(event.at).toISOString() }, timeOfDay(event.at)), what);
  return { root, set: () => {} };
}

// The latest first. `about` chooses some of them.
export function makeEvents(root, about = () => true) {
  const list = element("ul", { class: "scroll events", tabindex: "0", "aria-label": "Events" });
  const nothing = element("p", { class: "empty" }, "Nothing has happened yet.");
  root.append(list, nothing);
  const set = keyed(list, (event) => event.id, makeEvent);
  let before = null;
  return (state) => {
    if (before === state.events) return;
    before = state.events;
    const shown = state.events.filter(about).slice(-EVENTS_SHOWN).reverse();
    list.hidden = shown.length === 0;
    nothing.hidden = !list.hidden;
    set(shown);
  };
}
