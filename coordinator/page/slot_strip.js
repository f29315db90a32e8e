// One node's slots, large: each with its heat and the task on it.
import { element, keyed, setAttribute, setText } from "./dom.js";
import { span } from "./format.js";
import { paintBuild, paintHeat } from "./grid_paint.js";
import { buildName } from "./marks.js";
import { prepare } from "./palette.js";
import { HEATS } from "./slots.js";

const SIZE = 22;

function makeSlot({ slot }) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  canvas.style.width = canvas.style.height = `${SIZE}px`;
  const number = element("b", {}, String(slot));
  const words = element("span");
  const root = element("li", {}, canvas, number, words);
  let painted = "";
  return { root, set: ({ heat, build, words: text, look }) => {
    setText(words, text);
    setAttribute(root, "title", text);
    const now = [heat, build, look.mode, look.version].join(" ");
    if (now === painted) return;
    painted = now;
    const context = prepare(canvas, SIZE, SIZE);
    context.clearRect(0, 0, SIZE, SIZE);
    if (look.mode === "build") paintBuild(context, look.palette, build, heat, 0, 0, SIZE);
    else paintHeat(context, look.palette, heat, 0, 0, SIZE);
  } };
}

export function makeSlotStrip(root) {
  const list = element("ul", { class: "slots" });
  root.append(list);
  const set = keyed(list, (item) => item.slot, makeSlot);
  return function update(node, { heat, build }, tasks, state, look) {
    const bySlot = new Map(tasks.map((task) => [task.slot, task]));
    set(Array.from(heat, (one, slot) => {
      const task = bySlot.get(slot);
      const busy = HEATS[one] === "busy";
      const whose = busy ? buildName(state.builds.get(build[slot]), build[slot]) : HEATS[one];
      const words = task && busy ? `${task.label} · ${span(task.age_ms)}` : whose;
      return { slot, heat: one, build: build[slot], words, look };
    }));
  };
}
