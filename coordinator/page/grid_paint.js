// Draws nodes' slots. Heat is a fire that grows: an empty cell, an ember in it, a larger one, all
// of it, so that it can be read without the colours.
import { markOf } from "./marks.js";
import { FONT } from "./palette.js";
import { HEATS } from "./slots.js";

const SHARE = { staged: 0.4, ready: 0.72 };  // of a cell's side, that the ember has
const SHAPES_FROM = 6;   // cells below show their colour alone
const GLOWS_FROM = 9;
const LETTERS_FROM = 13;
const DIM = 0.16;

function box(context, x, y, size) {
  if (size < 6) context.fillRect(x, y, size, size);
  else {
    context.beginPath();
    context.roundRect(x, y, size, size, Math.min(3.5, size / 4));
    context.fill();
  }
}

function ember(context, x, y, cell, share) {
  const size = Math.max(2, Math.round(cell * share));
  const inset = (cell - size) / 2;
  box(context, x + inset, y + inset, size);
}

function cross(context, palette, x, y, cell) {
  const inset = cell / 4;
  context.strokeStyle = palette.lost;
  context.lineWidth = Math.max(1, cell / 10);
  context.beginPath();
  context.moveTo(x + inset, y + inset);
  context.lineTo(x + cell - inset, y + cell - inset);
  context.moveTo(x + cell - inset, y + inset);
  context.lineTo(x + inset, y + cell - inset);
  context.stroke();
}

function hatch(context, palette, x, y, cell) {
  context.strokeStyle = palette.draining;
  context.lineWidth = Math.max(1, cell / 9);
  context.beginPath();
  context.moveTo(x + cell * 0.15, y + cell * 0.85);
  context.lineTo(x + cell * 0.85, y + cell * 0.15);
  context.stroke();
}

// Glowing cells, painted once per palette and size and then copied: gradients are dear.
const glows = new WeakMap();

function glow(palette, name, size) {
  const dots = window.devicePixelRatio || 1;
  const key = `${name} ${size} ${dots}`;
  if (!glows.has(palette)) glows.set(palette, new Map());
  const made = glows.get(palette);
  if (!made.has(key)) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.ceil(size * dots);
    const context = canvas.getContext("2d");
    context.scale(canvas.width / size, canvas.width / size);
    const shade = context.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2,
      size * 0.72);
    if (name === "busy") {
      shade.addColorStop(0, palette["busy-core"]);
      shade.addColorStop(0.22, palette["busy-core"]);
      shade.addColorStop(0.92, palette["busy-edge"]);
    } else {
      shade.addColorStop(0, palette.ready);
      shade.addColorStop(1, palette["ready-edge"]);
    }
    context.fillStyle = shade;
    box(context, 0, 0, size);
    made.set(key, canvas);
  }
  return made.get(key);
}

function paintGlow(context, palette, name, x, y, size) {
  context.drawImage(glow(palette, name, size), x, y, size, size);
}

// One cell by its heat.
export function paintHeat(context, palette, heat, x, y, cell) {
  const name = HEATS[heat];
  if (name === "busy" && cell >= GLOWS_FROM) return paintGlow(context, palette, name, x, y, cell);
  context.fillStyle = name === "busy" ? palette.busy : palette.cold;
  box(context, x, y, cell);
  if (name === "busy") return;
  if (name === "lost") return cross(context, palette, x, y, cell);
  if (name === "draining") return hatch(context, palette, x, y, cell);
  if (name === "cold") return;
  if (name === "ready" && cell >= GLOWS_FROM) {
    const size = Math.round(cell * SHARE.ready);
    const inset = (cell - size) / 2;
    return paintGlow(context, palette, name, x + inset, y + inset, size);
  }
  context.fillStyle = palette[name];
  ember(context, x, y, cell, SHARE[name]);
}

// One cell by the build that has it.
export function paintBuild(context, palette, build, heat, x, y, cell) {
  const name = HEATS[heat];
  if (build < 0) {
    context.fillStyle = palette.cold;
    box(context, x, y, cell);
    if (name === "lost") cross(context, palette, x, y, cell);
    if (name === "draining") hatch(context, palette, x, y, cell);
    return;
  }
  const { letter, colour } = markOf(build);
  context.fillStyle = colour === null ? palette["build-unknown"] : palette.builds[colour];
  box(context, x, y, cell);
  if (cell < LETTERS_FROM) return;
  context.fillStyle = palette["mark-text"];
  context.font = `700 ${Math.round(cell * 0.58)}px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(letter, x + cell / 2, y + cell / 2 + 0.5);
}

function paintName(context, palette, plan, place, node) {
  const signs = { lost: "✕ ", draining: "▼ " };
  context.font = `11px ${FONT}`;
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.fillStyle = node.state === "lost" ? palette.bad : palette.muted;
  let text = (signs[node.state] ?? "") + node.name;
  const room = place.w + Math.min(plan.between - 4, 12);
  while (text.length > 2 && context.measureText(text).width > room) text = `${text.slice(0, -2)}…`;
  context.fillText(text, place.x, place.y + place.h - 3);
}

// All cells of a node that are too small for shapes: colour by colour, as changing it is dear.
function paintSmall(context, plan, place, { heat, build }, { palette, mode, build: alone }) {
  const each = plan.cell + plan.gap;
  const groups = new Map();
  for (let slot = 0; slot < heat.length; slot += 1) {
    const dim = alone && build[slot] !== alone;
    const key = (mode === "build" ? 64 + build[slot] : heat[slot]) * 2 + (dim ? 1 : 0);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(slot);
  }
  for (const [key, slots] of groups) {
    context.globalAlpha = key % 2 ? DIM : 1;
    context.fillStyle = smallColour(palette, mode, heat[slots[0]], build[slots[0]]);
    for (const slot of slots) {
      context.fillRect(place.x + (slot % place.columns) * each,
        place.y + Math.floor(slot / place.columns) * each, plan.cell, plan.cell);
    }
  }
  context.globalAlpha = 1;
}

function smallColour(palette, mode, heat, build) {
  if (mode === "heat") return palette[HEATS[heat]];
  if (build < 0) return palette.cold;
  const { colour } = markOf(build);
  return colour === null ? palette["build-unknown"] : palette.builds[colour];
}

function paintLarge(context, { cell, gap }, place, { heat, build }, look) {
  for (let slot = 0; slot < heat.length; slot += 1) {
    const x = place.x + (slot % place.columns) * (cell + gap);
    const y = place.y + Math.floor(slot / place.columns) * (cell + gap);
    context.globalAlpha = look.build && build[slot] !== look.build ? DIM : 1;
    if (look.mode === "build") {
      paintBuild(context, look.palette, build[slot], heat[slot], x, y, cell);
    } else {
      paintHeat(context, look.palette, heat[slot], x, y, cell);
    }
  }
  context.globalAlpha = 1;
}

// One node. `look`: {palette, mode: "heat" | "build", build: the one to stand out, or 0}.
export function paintNode(context, plan, place, node, slots, look) {
  const edge = Math.min(3, plan.below / 2);
  context.clearRect(place.x - edge, place.y - edge,
    place.w + edge + Math.min(plan.between - edge, 14), place.h + edge * 2);
  const paint = plan.cell < SHAPES_FROM ? paintSmall : paintLarge;
  paint(context, plan, place, slots, look);
  if (plan.label) paintName(context, look.palette, plan, place, node);
  else if (node.state === "lost") {
    const beyond = place.w * 0.2;
    cross(context, look.palette, place.x - beyond, place.y + (place.h - place.w) / 2 - beyond,
      place.w + 2 * beyond);
  }
}

// A frame around a node: of the one under the pointer or the keyboard's.
export function paintFrame(context, place, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(place.x - 2, place.y - 2, place.w + 4, place.h + 4);
}
