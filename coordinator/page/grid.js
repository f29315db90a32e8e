// The nodes as tiles of slots: painted where something changed, asked by pointer and by keyboard.
import { element, setText } from "./dom.js";
import { plural } from "./format.js";
import { hit, neighbour, plan } from "./grid_layout.js";
import { paintFrame, paintNode } from "./grid_paint.js";
import { buildName } from "./marks.js";
import { prepare } from "./palette.js";
import { HEATS } from "./slots.js";

const LOWEST = 150;

// `open(name)` is called for the node that somebody chose; `tip` shows and `said` reads out.
export function makeGrid(root, { open, tip, said }) {
  const canvas = element("canvas", {
    tabindex: "0", role: "application", "aria-label": "Nodes: arrow keys move, Enter opens one" });
  const empty = element("p", { class: "empty" });
  root.append(canvas, empty);
  let farm = null, slots = null, look = null;  // of the last update
  let planned = null, shape = "";
  let chosen = -1, pointed = -1;

  const node = (number) => farm.nodes.get(farm.order[number]);
  const sizes = () => farm.order.map((name) => farm.nodes.get(name).slots);

  function arrange() {
    const style = getComputedStyle(root);
    const width = root.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = Math.max(LOWEST, window.innerHeight * (width < 600 ? 0.9 : 0.5));
    planned = plan(sizes(), Math.max(40, width - 4), height);
    canvas.style.height = `${planned.height + 8}px`;
    const context = prepare(canvas, width, planned.height + 8);
    context.clearRect(0, 0, width, planned.height + 8);
  }

  // The plan's corner is 2 px within the canvas, for the frames.
  function context() {
    const made = canvas.getContext("2d");
    const dots = window.devicePixelRatio || 1;
    made.setTransform(dots, 0, 0, dots, 2 * dots, 2 * dots);
    return made;
  }

  function paint(number, at = context()) {
    if (number < 0 || number >= farm.order.length) return;
    const place = planned.places[number];
    paintNode(at, planned, place, node(number), slots.get(farm.order[number]), look);
    const focused = document.activeElement === canvas && number === chosen;
    if (focused) paintFrame(at, place, look.palette.focus, 2);
    else if (number === pointed) paintFrame(at, place, look.palette.muted, 1);
  }

  function describe(number, slot) {
    const one = node(number);
    const { heat, build } = slots.get(one.name);
    const head = `${one.name} · ${one.state}`;
    const lines = [`${one.running ?? 0} of ${plural(one.slots, "slot")} busy, ${one.ready ?? 0} ` +
      `ready, load ${(one.load ?? 0).toFixed(1)}`];
    if (slot >= 0) {
      const id = build[slot];
      const whose = id < 0 ? "" : `, ${buildName(farm.builds.get(id), id)}`;
      lines.push(`slot ${slot}: ${HEATS[heat[slot]]}${whose}`);
    }
    return [head, ...lines];
  }

  function choose(number) {
    const before = chosen;
    chosen = Math.max(0, Math.min(number, farm.order.length - 1));
    paint(before);
    paint(chosen);
    setText(said, describe(chosen, -1).join(": "));
    const box = canvas.getBoundingClientRect();
    const place = planned.places[chosen];
    tip.show(describe(chosen, -1), box.left + place.x + place.w / 2, box.top + place.y + place.h);
  }

  function point(event) {
    if (!planned || farm.order.length === 0) return;
    const at = hit(planned, sizes(), event.offsetX - 2, event.offsetY - 2);
    const before = pointed;
    pointed = at ? at.node : -1;
    if (before !== pointed) {
      paint(before);
      paint(pointed);
    }
    canvas.style.cursor = at ? "pointer" : "default";
    if (at) tip.show(describe(at.node, at.slot), event.clientX, event.clientY);
    else tip.hide();
  }

  function leave() {
    const before = pointed;
    pointed = -1;
    if (farm) paint(before);
    tip.hide();
  }

  function key(event) {
    if (!farm?.order.length) return;
    if (event.key.startsWith("Arrow")) choose(neighbour(planned, Math.max(chosen, 0), event.key));
    else if (event.key === "Home") choose(0);
    else if (event.key === "End") choose(farm.order.length - 1);
    else if (event.key === "Enter" && chosen >= 0) open(farm.order[chosen]);
    else return;
    event.preventDefault();
  }

  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("click", (event) => {
    point(event);
    if (pointed >= 0) open(farm.order[pointed]);
  });
  canvas.addEventListener("keydown", key);
  canvas.addEventListener("focus", () => {
    if (farm?.order.length && canvas.matches(":focus-visible")) choose(Math.max(chosen, 0));
  });
  canvas.addEventListener("blur", () => {
    if (farm) paint(chosen);
    tip.hide();
  });

  function update(state, slotsByName, lookNow) {
    [farm, slots] = [state, slotsByName];
    const now = [state.order.length, root.clientWidth, window.innerHeight, lookNow.mode,
      lookNow.build, lookNow.palette.ground, lookNow.version, window.devicePixelRatio].join(" ");
    const all = state.touched === null || now !== shape;
    [shape, look] = [now, lookNow];
    canvas.hidden = state.order.length === 0;
    empty.hidden = !canvas.hidden;
    if (canvas.hidden) return showEmpty(state);
    if (all) arrange();
    const at = context();
    state.order.forEach((name, number) => {
      if (all || state.touched.has(name)) paint(number, at);
    });
  }

  function showEmpty(state) {
    if (empty.kilnKnown === state.known) return;
    empty.kilnKnown = state.known;
    const command = `kiln-worker --coordinator ${window.location.hostname || "HOST"}`;
    empty.replaceChildren(...(state.known
      ? ["No worker has joined yet. Start one with ", element("br"), element("code", {}, command)]
      : ["Waiting for the coordinator …"]));
  }

  return { update, focus: () => canvas.focus({ focusVisible: true }), layout: () => planned };
}
