// Puts the page together: asks the coordinator, and shows what it says in the view of the address.
import { makeCharts } from "./charts.js";
import { byId, setAttribute, setText } from "./dom.js";
import { makeFind } from "./find.js";
import { count } from "./format.js";
import { makeGrid } from "./grid.js";
import { makeHelp } from "./help.js";
import { listenForKeys } from "./keys.js";
import { makeLegend } from "./legend.js";
import { makeBuilds, makeEvents, makePools, makeTasks } from "./lists.js";
import { makeNumbers } from "./numbers.js";
import { readPalette } from "./palette.js";
import { askJson, makePoller } from "./poll.js";
import { hrefOf, parseRoute } from "./route.js";
import { countHeats, slotsOf } from "./slots.js";
import { apply, emptyState } from "./state.js";
import { makeStatus } from "./status.js";
import { makeTheme } from "./theme.js";
import { makeTip } from "./tip.js";
import { VIEWS } from "./views.js";

const TASKS_SHOWN = 14;

// What the parts show. `look` is how slots are painted; its version counts what changes all of it.
const model = {
  state: emptyState(), slots: new Map(), heats: countHeats([]),
  look: { mode: "heat", build: 0, palette: readPalette(), version: 0 },
};
let route = parseRoute(window.location.hash);
let view = null;      // of one thing; null: the overview
let answers = [];     // of the view's further questions
let firstShown = false;

const said = byId("said");
const tip = makeTip(byId("tip"));
const grid = makeGrid(byId("grid"), { said, tip,
  open: (name) => { window.location.hash = hrefOf("node", name); } });
const status = makeStatus(byId("status"), byId("status-text"), byId("about"));
const showNumbers = makeNumbers(byId("numbers"));
const showCharts = makeCharts(byId("charts"));
const showLegend = makeLegend(byId("legend"), standOut);
const showBuilds = makeBuilds(byId("builds"));
const showPools = makePools(byId("pools"));
const showEvents = makeEvents(byId("events"));
const showTasks = makeTasks(byId("running").querySelector(".tasks"));

// ---- showing -----------------------------------------------------------------------------------

function showOverview() {
  if (model.look.build !== outstanding()) look({ build: outstanding() });
  grid.update(model.state, model.slots, model.look);
  showLegend(model.state, model.heats, model.look);
  showCharts(model.state, model.look.palette);
  showBuilds(model.state);
  showPools(model.state);
  showEvents(model.state);
  const tasks = answers[0]?.tasks ?? [];
  showTasks(tasks.slice(0, TASKS_SHOWN));
  const total = answers[0]?.total ?? tasks.length;
  setText(byId("running-more"), total ? `all ${count(total)} →` : "");
}

function show() {
  showNumbers(model.state, model.heats);
  if (view) view.update(model, answers);
  else showOverview();
}

// Lets the browser's tools, and tests, see what showing costs.
// An update has two halves: the farm, and lists and view.
function measured(name, action) {
  const begin = performance.now();
  action();
  performance.measure(name, { start: begin, end: performance.now() });
  if (performance.getEntriesByName(name).length > 300) performance.clearMeasures(name);
}

function take(answer) {
  model.state = apply(model.state, answer);
  const { state, slots } = model;
  const names = state.touched ?? state.order;
  if (state.touched === null) slots.clear();
  for (const name of names) slots.set(name, slotsOf(state.nodes.get(name)));
  model.heats = countHeats(slots.values());
  status.update(state);
}

// ---- asking ------------------------------------------------------------------------------------

async function lookAtFarm() {
  const since = model.state.known && !model.state.strange ? `?since=${model.state.seq}` : "";
  const answer = await askJson(`/api/v1/live${since}`);
  if (answer === null) throw new Error("the coordinator has no /api/v1/live");
  if (since && answer.full === false && answer.epoch !== model.state.epoch) {
    model.state = { ...model.state, strange: true };
    return lookAtFarm();
  }
  measured("kiln-update", () => {
    take(answer);
    show();
  });
  if (!firstShown) {
    firstShown = true;
    performance.measure("kiln-first-view", { start: 0, end: performance.now() });
  }
  const asked = view;
  const paths = view ? view.ask() : [`/api/v1/tasks?limit=${TASKS_SHOWN}`];
  const more = [];
  for (const path of paths) more.push(await askJson(path));
  if (asked !== view) return undefined;  // somebody went elsewhere meanwhile
  answers = more;
  model.state = { ...model.state, touched: new Set() };
  measured("kiln-update-view", show);
  return undefined;
}

const poller = makePoller(lookAtFarm, status.told);

// ---- what people do ----------------------------------------------------------------------------

function look(change) {
  Object.assign(model.look, change);
  model.look.version += 1;
}

function repaint(change) {
  look(change);
  if (model.state.known) show();
}

function setMode(mode) {
  for (const name of ["heat", "build"]) {
    const button = byId(`by-${name}`);
    setAttribute(button, "aria-checked", String(name === mode));
    setAttribute(button, "tabindex", name === mode ? "0" : "-1");
  }
  repaint({ mode });
}

// A build stands out that the pointer is at, or else the focus. A row that goes may take the focus
// with it, in the middle of an update or without a word: it counts while its build is there, and is
// looked at when the update is over.
const standing = { pointer: 0, focus: 0 };
const outstanding = () =>
  [standing.pointer, standing.focus].find((id) => model.state.builds.has(id)) ?? 0;

function standOut(by, id) {
  standing[by] = id;
  queueMicrotask(() => {
    if (model.look.build !== outstanding()) repaint({ build: outstanding() });
  });
}

function go({ focus }) {
  route = parseRoute(window.location.hash);
  const details = byId("details");
  tip.hide();
  details.replaceChildren();
  Object.assign(details, { kilnTip: tip, kilnSaid: said });
  answers = [];
  view = VIEWS[route.view]?.(details, route.name, route.filters) ?? null;
  byId("overview").hidden = view !== null;
  details.hidden = view === null;
  document.title = route.name ? `${route.name} · Kiln` : "Kiln";
  Object.assign(standing, { pointer: 0, focus: 0 });
  repaint({ build: 0 });
  if (focus) view?.heading.focus({ preventScroll: true });
  if (focus) window.scrollTo(0, 0);
  poller.now();
}

const back = () => {
  if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
  else if (view) window.location.hash = "#/";
};
const nextTheme = makeTheme(byId("theme"), () => repaint({ palette: readPalette() }));
const openHelp = makeHelp(byId("help"), byId("help-open"));
const find = makeFind(byId("find"), byId("find-text"), byId("find-names"),
  { current: () => model.state, said });

for (const mode of ["heat", "build"]) {
  byId(`by-${mode}`).addEventListener("click", () => setMode(mode));
}
byId("by-heat").parentElement.addEventListener("keydown", (event) => {
  if (!event.key.startsWith("Arrow")) return;
  event.preventDefault();
  setMode(model.look.mode === "heat" ? "build" : "heat");
  byId(`by-${model.look.mode}`).focus();
});
function buildOfRow({ target }) {
  const link = target.closest("tr")?.querySelector("a[href]");
  return Number(/#\/build\/(\d+)/.exec(link?.getAttribute("href"))?.[1] ?? 0);
}
for (const [by, comes, goes] of [["pointer", "pointerover", "pointerleave"],
  ["focus", "focusin", "focusout"]]) {
  byId("builds").addEventListener(comes, (event) => standOut(by, buildOfRow(event)));
  byId("builds").addEventListener(goes, () => standOut(by, 0));
}
listenForKeys({
  "?": openHelp, "/": find, d: nextTheme, Escape: back, h: () => setMode("heat"),
  b: () => setMode("build"), t: () => { window.location.hash = "#/tasks"; },
  g: () => {
    if (view) window.location.hash = "#/";
    requestAnimationFrame(grid.focus);
  },
});
window.addEventListener("hashchange", () => go({ focus: true }));
window.addEventListener("resize", () => repaint({}));
setMode("heat");
go({ focus: false });
