// The row of numbers that says at a glance how the farm is.
import { element, setAttribute, setText } from "./dom.js";
import { count, plural, rate, span } from "./format.js";
import { lately } from "./series.js";

const BAR = ["busy", "ready", "staged", "cold", "draining"];

function makeNumber(name, wide) {
  const value = element("div", { class: "value" });
  const note = element("div", { class: "note" });
  const main = element("span");
  const small = element("small");
  value.append(main, small);
  const root = element("div", { class: wide ? "number wide" : "number" },
    element("div", { class: "name" }, name), value);
  if (!wide) root.append(note);
  const set = (text, after, below, bad = false) => {
    setText(main, text);
    setText(small, after);
    setText(note, below);
    setAttribute(note, "class", bad ? "note bad" : "note");
  };
  return { root, set };
}

export function makeNumbers(root) {
  const busy = makeNumber("Slots busy", true);
  const waiting = makeNumber("Waiting");
  const speed = makeNumber("Throughput");
  const latency = makeNumber("Latency");
  const nodes = makeNumber("Nodes");
  const done = makeNumber("Tasks completed");
  const bar = element("div", { class: "bar", role: "img" });
  const parts = BAR.map((name) => bar.appendChild(element("i", { class: name })));
  busy.root.append(bar);
  root.append(...[busy, waiting, speed, latency, nodes, done].map((one) => one.root));

  function showBar(heats) {
    const sum = BAR.reduce((all, name) => all + heats[name], 0) || 1;
    BAR.forEach((name, place) => {
      parts[place].style.width = `${(heats[name] / sum) * 100}%`;
      parts[place].hidden = heats[name] === 0;
    });
    setAttribute(bar, "aria-label", BAR.map((name) => `${heats[name]} ${name}`).join(", "));
  }

  return function update({ farm, points, step }, heats) {
    const share = farm.slots ? Math.round((100 * farm.running) / farm.slots) : 0;
    busy.set(count(farm.running), ` / ${count(farm.slots)}  ·  ${share} %`, "");
    showBar(heats);
    waiting.set(count(farm.waiting), " requests", `${count(farm.queued)} queued on workers`);
    const now = lately(points, step);
    speed.set(rate(now.rate), " tasks/s", `${plural(farm.clients ?? 0, "client")}`);
    latency.set(span(now.p50), " p50", `${span(now.p95)} p95`);
    const { nodes_ready: ready = 0, nodes_draining: draining = 0, nodes_lost: lost = 0 } = farm;
    const notes = [draining ? `▼ ${draining} draining` : "", lost ? `✕ ${lost} lost` : ""];
    nodes.set(count(ready), " ready", notes.filter(Boolean).join("  ") || "all are well", lost > 0);
    done.set(count(farm.completed), "", "since the workers started");
  };
}
