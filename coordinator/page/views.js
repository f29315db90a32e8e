// What is shown of one node, one pool, one build, and of all tasks. Each view is made when somebody
// goes there: {ask: paths that it wants besides, update(model, answers)}; answers that are not
// there are null, and a first update comes without them.
import { element, keyed, setText } from "./dom.js";
import { bytes, count, span, timeOfDay } from "./format.js";
import { lasted, makeEvents, makeTasks, poolWords, runningIn, warmWords, worstState }
  from "./lists.js";
import { buildName, makeMark } from "./marks.js";
import { tasksHref } from "./route.js";
import { makeSlotStrip } from "./slot_strip.js";
import { linkCell, makeTable, stateCell, textCell } from "./tables.js";
import { makeTimeline } from "./timeline.js";

export function panel(title, ...more) {
  const head = element("div", { class: "head" }, element("h2", {}, title), ...more);
  return element("section", { class: "panel", "aria-label": title }, head);
}

// A view's first panel: a way back, the title, and facts as [name, text] pairs.
export function makeTitle(root) {
  const heading = element("h2", { tabindex: "-1" });
  const mark = makeMark(0);
  mark.root.hidden = true;
  const note = element("p", { class: "note" });
  const facts = element("dl", { class: "facts" });
  const gone = element("p", { class: "empty" });
  root.append(element("section", { class: "panel" }, element("div", { class: "title" },
    element("a", { class: "back", href: "#/" }, "← farm"), mark.root, heading, note), facts, gone));
  const set = keyed(facts, ([name]) => name, ([name]) => {
    const value = element("dd");
    return { root: element("div", {}, element("dt", {}, name), value), set: ([, text]) => {
      setText(value, text);
    } };
  });
  return {
    heading, mark,
    show(title, below, pairs) {
      setText(heading, title);
      setText(note, below);
      set(pairs);
      gone.hidden = true;
    },
    absent(title, text) {
      setText(heading, title);
      setText(note, "");
      set([]);
      setText(gone, text);
      gone.hidden = false;
    },
  };
}

// The oldest tasks of one pool or build, and the way to all of them: more rows would cost more each
// second than everything else on the page.
const TASKS_SHOWN = 50;
function makeOldest(title, filter, options) {
  const more = element("a", { class: "more", href: tasksHref(filter) });
  const root = panel(title, more);
  const show = makeTasks(root, options);
  return { root, path: `/api/v1/tasks?${new URLSearchParams({ ...filter, limit: TASKS_SHOWN })}`,
    update(answer) {
      const list = answer?.tasks ?? [];
      show(list);
      const total = answer?.total ?? list.length;
      setText(more, total > list.length ? `all ${count(total)} →` : "");
    } };
}

function stateWords({ state, heard }, now) {
  return state === "lost" && heard ? `lost, silent for ${span(now - heard)}` : state;
}

export function makeNodeView(root, name) {
  const title = makeTitle(root);
  const slots = panel("Slots");
  root.append(slots);
  const strip = makeSlotStrip(slots);
  const tasksPanel = panel("Tasks on it");
  const eventsPanel = panel("Events");
  root.append(tasksPanel, eventsPanel);
  const tasks = makeTasks(tasksPanel, { without: ["client"], empty: "No task runs here." });
  const events = makeEvents(eventsPanel, (event) => event.subject === name);
  const query = encodeURIComponent(name);
  return {
    ask: () => [`/api/v1/tasks?node=${query}&limit=1000`, `/api/v1/nodes?name=${query}`],
    heading: title.heading,
    update({ state, look, slots: bySlots }, [tasksAnswer, whole]) {
      events(state);
      tasks(tasksAnswer?.tasks ?? []);
      const node = state.nodes.get(name);
      slots.hidden = !node;
      if (!node) return title.absent(name, "There is no such node, or not any more.");
      strip(node, bySlots.get(name), tasksAnswer?.tasks ?? [], state, look);
      const more = whole?.nodes?.find((one) => one.name === name) ?? {};
      title.show(name, more.task_address ?? "", [
        ["State", stateWords(node, state.now)],
        ["Busy", `${count(node.running)} / ${count(node.slots)}`], ["Ready", count(node.ready)],
        ["Queued", count(node.queued)], ["Load", (node.load ?? 0).toFixed(1)],
        ["Core speed", node.speed ? node.speed.toFixed(2) : "–"],
        ["Memory free", `${bytes(node.memory_available)} of ${bytes(node.memory)}`],
        ["Toolchains", count(node.staged)], ["Completed", count(node.completed)],
        ["Failed", count(node.failed)], ["Version", more.version ?? "–"]]);
    },
  };
}

function poolNodeColumns() {
  const on = (row) => row.pool ?? {};
  return [
    { title: "Node", make: linkCell("node", (row) => row.node) },
    { title: "State", make: stateCell((row) => (row.state === "ready" ? on(row).state : row.state)
      ?? "cold") },
    { title: "Ready", kind: "number", make: textCell((row) => count(on(row).ready)) },
    { title: "Busy", kind: "number", make: textCell((row) => count(on(row).busy)) },
    { title: "Starting", kind: "number", make: textCell((row) => count(on(row).starting)) },
    { title: "Wanted", kind: "number slim", make: textCell((row) => count(row.wanted)) },
    { title: "Tasks", kind: "number slim", make: textCell((row) => count(on(row).tasks)) },
    { title: "Found warm", kind: "number slim", make: textCell((row) => warmShare(on(row))) },
    { title: "Trouble", kind: "wide trouble", make: textCell((row) => on(row).reason ?? "",
      (row) => on(row).output) },
  ];
}

function warmShare({ warm_hits: hits = 0, warm_misses: misses = 0 }) {
  return hits + misses ? `${Math.round((100 * hits) / (hits + misses))} %` : "–";
}

export function makePoolView(root, name) {
  const title = makeTitle(root);
  const nodesPanel = panel("Its nodes");
  const tasks = makeOldest("Tasks in it", { pool: name },
    { without: ["pool"], empty: "No task runs in it." });
  const eventsPanel = panel("Events");
  root.append(nodesPanel, tasks.root, eventsPanel);
  nodesPanel.style.setProperty("--tall", "420px");
  const nodes = makeTable(nodesPanel, { caption: "Nodes of the pool", key: (row) => row.node,
    columns: poolNodeColumns(), empty: () => "No node is selected." });
  const events = makeEvents(eventsPanel, (event) => event.subject === name);
  const query = encodeURIComponent(name);
  return {
    ask: () => [tasks.path, `/api/v1/pools?name=${query}`],
    heading: title.heading,
    update({ state }, [tasksAnswer, whole]) {
      events(state);
      tasks.update(tasksAnswer);
      const one = whole?.pools?.find((pool) => pool.definition?.spec?.name === name);
      nodes(one?.nodes ?? []);
      const pool = state.pools.get(name);
      if (!pool) return title.absent(name, "There is no such pool, or not any more.");
      title.show(name, pool.trouble ? `✕ ${pool.trouble}` : "", [
        ["State", worstState(pool)], ["Nodes", poolWords(pool)], ["Context", pool.context],
        ["Executors ready", warmWords(pool)], ["Running", count(runningIn(pool))],
        ["Waiting", count(pool.waiting)], ["Version", count(pool.version)]]);
    },
  };
}

export function makeBuildView(root, text) {
  const id = Number(text);
  const title = makeTitle(root);
  title.mark.root.hidden = false;
  title.mark.set(id);
  const timelinePanel = element("section", { class: "panel", "aria-label": "Timeline" });
  const tasks = makeOldest("Tasks now", { build: id },
    { without: ["build", "client"], empty: "No task of it runs now." });
  root.append(timelinePanel, tasks.root);
  const parts = { tip: root.kilnTip, said: root.kilnSaid };
  const timeline = makeTimeline(timelinePanel, parts);
  const jobs = new Map();  // by id, the oldest first
  let next = null, last = null;
  let drawn = null;  // of which answer, and how

  // null: the coordinator knows no such build, or does not any more.
  function follow(answer) {
    if (answer === undefined) return;
    if (answer === null) jobs.clear();
    [next, last] = [answer?.next ?? null, answer];
    for (const job of answer?.jobs ?? []) jobs.set(job.id, job);
    const first = answer?.first ?? 0;  // older ones are not kept
    for (const id of jobs.keys()) {
      if (id >= first) break;
      jobs.delete(id);
    }
  }

  return {
    ask: () => [tasks.path,
      `/api/v1/timeline?build=${id}${next === null ? "" : `&since=${next}`}`],
    heading: title.heading,
    update({ state, look }, [tasksAnswer, answer]) {
      const same = drawn?.answer === answer && drawn?.version === look.version;
      if (!same) follow(answer);
      const build = state.builds.get(id) ?? last?.build;
      timelinePanel.hidden = !build;
      // The timeline looks at its own size: before rows come and go that is known.
      if (build && !same) {
        timeline(jobs, last ?? {}, build, last?.now ?? state.now, look.palette);
      }
      tasks.update(tasksAnswer);
      if (!build) return title.absent(`build ${id}`, "There is no such build, or not any more.");
      drawn = { answer, version: look.version };
      title.show(buildName(build, id), build.client ?? "", [
        ["Running", count(build.running)], ["Queued", count(build.queued)],
        ["Waits for slots", count(build.waiting ?? 0)],
        ["Done", count(build.done)], ["Took so far", span(lasted(build, state.now))],
        ["Begun", timeOfDay(build.begun)]]);
    },
  };
}

function makeFilter(name, filters) {
  const select = element("select");
  const root = element("label", {}, name, select);
  select.addEventListener("change", () => {
    const next = { ...filters, [name]: select.value };
    if (!select.value) delete next[name];
    window.location.hash = tasksHref(next);
  });
  let before = "";
  return { root, set: (choices) => {
    const now = choices.map(([value, text]) => `${value} ${text}`).join("\n");
    if (now === before) return;
    before = now;
    select.replaceChildren(element("option", { value: "" }, "all"),
      ...choices.map(([value, text]) => element("option", { value }, text)));
    select.value = filters[name] ?? "";
  } };
}

export function makeTasksView(root, _, filters) {
  const title = makeTitle(root);
  const tasksPanel = panel("Tasks");
  root.append(tasksPanel);
  const made = ["node", "pool", "build"].map((name) => makeFilter(name, filters));
  tasksPanel.append(element("div", { class: "filters" }, ...made.map((one) => one.root)));
  const tasks = makeTasks(tasksPanel, { empty: "No task runs that is like this." });
  return {
    ask: () => [`/api/v1/tasks?${new URLSearchParams({ ...filters, limit: 500 })}`],
    heading: title.heading,
    update({ state }, [answer]) {
      const has = (name, list) => (filters[name] && !list.some(([value]) =>
        String(value) === filters[name]) ? [...list, [filters[name], filters[name]]] : list);
      made[0].set(has("node", state.order.map((name) => [name, name])));
      made[1].set(has("pool", [...state.pools.keys()].map((name) => [name, name])));
      made[2].set(has("build", [...state.builds.values()].map((build) =>
        [build.id, `${buildName(build, build.id)}, since ${timeOfDay(build.begun)}`])));
      const list = answer?.tasks ?? [];
      tasks(list);
      const total = answer?.total ?? list.length;
      title.show("Tasks now", total > list.length ? `the oldest ${count(list.length)}` : "",
        [["Running here", count(total)]]);
    },
  };
}

export const VIEWS = { node: makeNodeView, pool: makePoolView, build: makeBuildView,
  tasks: makeTasksView };
