// What the colours mean, with how many slots there are of each: the same cells as in the grid.
import { element, keyed, setText } from "./dom.js";
import { count } from "./format.js";
import { paintHeat } from "./grid_paint.js";
import { buildName, makeMark } from "./marks.js";
import { prepare } from "./palette.js";
import { hrefOf } from "./route.js";
import { HEATS } from "./slots.js";

const BUILDS_SHOWN = 12;
const WORDS = {
  cold: "cold: nothing is there yet", staged: "staged: its compilers are on the disk",
  ready: "ready: an executor waits", busy: "busy: a task runs",
  draining: "draining: no new tasks", lost: "lost: the node is gone, or silent",
};

function makeHeat(palette, name) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const number = element("b");
  const root = element("li", { title: WORDS[name] }, canvas, name, number);
  let painted = null;
  return { root, set: (item) => {
    setText(number, count(item.count));
    if (painted === palette()) return;
    painted = palette();
    const context = prepare(canvas, 14, 14);
    context.clearRect(0, 0, 14, 14);
    paintHeat(context, painted, HEATS.indexOf(name), 0, 0, 14);
  } };
}

function makeBuild(build, stand) {
  const mark = makeMark(build.id);
  mark.root.style.marginRight = "0";
  const name = element("a", { href: hrefOf("build", build.id) });
  const number = element("b");
  const root = element("li", {}, mark.root, name, number);
  root.addEventListener("pointerenter", () => stand("pointer", build.id));
  root.addEventListener("pointerleave", () => stand("pointer", 0));
  name.addEventListener("focus", () => stand("focus", build.id));
  name.addEventListener("blur", () => stand("focus", 0));
  return { root, set: (now) => {
    setText(name, buildName(now, now.id));
    setText(number, count(now.running));
  } };
}

// `stand(by, id)`: the pointer or the focus is at a build, or at none (0).
export function makeLegend(root, stand) {
  let palette = null;
  const set = keyed(root, (item) => item.key, (item) => (item.heat
    ? makeHeat(() => palette, item.heat) : makeBuild(item.build, stand)));
  const adapted = (items) => set(items);
  return (state, heats, look) => {
    palette = look.palette;
    if (look.mode === "heat") {
      adapted(HEATS.filter((name) => heats[name] > 0 || !["draining", "lost"].includes(name))
        .map((heat) => ({ key: heat, heat, count: heats[heat] })));
      return;
    }
    const running = [...state.builds.values()].filter((build) => build.running)
      .sort((one, other) => other.running - one.running).slice(0, BUILDS_SHOWN);
    adapted(running.map((build) => ({ key: build.id, build, ...build })));
  };
}
