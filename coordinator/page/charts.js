// Three charts of the last ten minutes, with one cross-hair through all of them.
import { element, setText } from "./dom.js";
import { brief, count, rate, span, timeOfDay } from "./format.js";
import { FONT, prepare } from "./palette.js";
import { buckets, lately, nearest, niceTop } from "./series.js";

const SPAN_MS = 10 * 60 * 1000;
const BUCKET_MS = 5000;
const HEIGHT = 84, TOP = 6, BOTTOM = 15;

const briefRate = (value) => rate(value).replace(".0", "");

// A line's style: filled, whole, or dashed, so that two lines differ without colours.
const CHARTS = [
  { title: "Busy and waiting", text: count, lines: [
    { name: "busy", place: 1, colour: "ready", fill: true, exact: true },
    { name: "waiting", place: 2, colour: "muted", dash: [3, 3], exact: true }] },
  { title: "Tasks per second", text: rate, axis: briefRate, lines: [
    { name: "tasks/s", place: 3, colour: "ready", fill: true, rate: true, recent: "rate" }] },
  { title: "Latency", text: span, axis: brief, lines: [
    { name: "p50", place: 4, colour: "ready", recent: "p50" },
    { name: "p95", place: 5, colour: "accent", dash: [4, 3], recent: "p95" }] },
];

function trace(context, line, x, y) {
  let drawing = false;
  context.beginPath();
  for (const [at, value] of line) {
    if (value === null) {
      drawing = false;
      continue;
    }
    if (drawing) context.lineTo(x(at), y(value));
    else context.moveTo(x(at), y(value));
    drawing = true;
  }
}

function fillBelow(context, line, x, y, colour, floor) {
  const known = line.filter(([, value]) => value !== null);
  if (known.length < 2) return;
  const shade = context.createLinearGradient(0, TOP, 0, floor);
  shade.addColorStop(0, colour);
  shade.addColorStop(1, "transparent");
  trace(context, known, x, y);
  context.lineTo(x(known[known.length - 1][0]), floor);
  context.lineTo(x(known[0][0]), floor);
  context.globalAlpha = 0.42;
  context.fillStyle = shade;
  context.fill();
  context.globalAlpha = 1;
}

function ground(context, palette, width, top, text) {
  const floor = HEIGHT - BOTTOM;
  context.font = `10px ${FONT}`;
  context.strokeStyle = palette.line;
  context.fillStyle = palette.muted;
  context.lineWidth = 1;
  for (const share of [0, 0.5, 1]) {
    const at = Math.round(TOP + (1 - share) * (floor - TOP)) + 0.5;
    context.beginPath();
    context.moveTo(0, at);
    context.lineTo(width, at);
    context.stroke();
  }
  context.textAlign = "left";
  context.fillText(text(top), 0, TOP + 11);
  context.textBaseline = "alphabetic";
  context.fillText("10 min ago", 0, HEIGHT - 3);
  context.textAlign = "center";
  context.fillText("5 min", width / 2, HEIGHT - 3);
  context.textAlign = "right";
  context.fillText("now", width, HEIGHT - 3);
}

function drawChart(canvas, spec, state, palette, pointed) {
  const width = canvas.clientWidth;
  const context = prepare(canvas, width, HEIGHT);
  context.clearRect(0, 0, width, HEIGHT);
  const floor = HEIGHT - BOTTOM;
  const end = state.now;
  const x = (at) => width - ((end - at) / SPAN_MS) * width;
  const lines = spec.lines.map((line) => buckets(state.points, line.place, BUCKET_MS,
    line.rate ? 1000 / state.step : 1).filter(([at]) => end - at <= SPAN_MS));
  const top = niceTop(Math.max(0, ...lines.flat().map(([, value]) => value ?? 0)));
  const y = (value) => floor - (value / top) * (floor - TOP);
  spec.lines.forEach(({ fill, colour }, place) => {
    if (fill) fillBelow(context, lines[place], x, y, palette[colour], floor);
  });
  ground(context, palette, width, top, spec.axis ?? spec.text);
  spec.lines.forEach(({ colour, dash }, place) => {
    context.strokeStyle = palette[colour];
    context.lineWidth = 1.6;
    context.lineJoin = "round";
    context.setLineDash(dash ?? []);
    trace(context, lines[place], x, y);
    context.stroke();
    context.setLineDash([]);
  });
  const at = pointed === null ? null : end - (1 - pointed) * SPAN_MS;
  if (at !== null) {
    context.strokeStyle = palette.muted;
    context.beginPath();
    context.moveTo(x(at), TOP);
    context.lineTo(x(at), floor);
    context.stroke();
  }
  return spec.lines.map((line, place) => valueAt(line, lines[place], state, at));
}

// What is read at a time, or now (null): of what is counted at a moment the last count itself, of
// the rest what the row of numbers says.
function valueAt({ exact, place, recent }, line, { points, step }, at) {
  if (at !== null) return nearest(line, at)?.[1] ?? null;
  return exact ? points.at(-1)?.[place] ?? null : lately(points, step)[recent];
}

export function makeCharts(root) {
  let last = null, pointed = null;
  const charts = CHARTS.map((spec) => {
    const read = element("p", { class: "read" });
    const values = spec.lines.map((line) => {
      const value = element("b");
      read.append(value, ` ${line.name}${line === spec.lines[spec.lines.length - 1] ? "" : "   "}`);
      return value;
    });
    const when = read.appendChild(element("span"));
    const canvas = element("canvas", { role: "img", tabindex: "0", "aria-label": spec.title });
    root.append(element("div", { class: "chart" },
      element("div", { class: "head" }, element("h2", {}, spec.title), read), canvas));
    canvas.addEventListener("pointermove", (event) => {
      pointed = event.offsetX / canvas.clientWidth;
      draw();
    });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -BUCKET_MS, ArrowRight: BUCKET_MS }[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      pointed = Math.min(1, Math.max(0, (pointed ?? 1) + by / SPAN_MS));
      draw();
    });
    for (const leaving of ["pointerleave", "blur"]) {
      canvas.addEventListener(leaving, () => {
        pointed = null;
        draw();
      });
    }
    return { spec, canvas, values, when };
  });

  function draw() {
    if (!last) return;
    const { state, palette } = last;
    const when = pointed === null ? "" : ` at ${timeOfDay(state.now - (1 - pointed) * SPAN_MS)}`;
    for (const chart of charts) {
      const shown = drawChart(chart.canvas, chart.spec, state, palette, pointed);
      shown.forEach((value, place) => {
        setText(chart.values[place], value === null ? "–" : chart.spec.text(value));
      });
      setText(chart.when, when);
      chart.canvas.setAttribute("aria-label", `${chart.spec.title}: ` + chart.spec.lines.map(
        ({ name }, place) => `${name} ${chart.values[place].textContent}`).join(", "));
    }
  }

  return function update(state, palette) {
    last = { state, palette };
    draw();
  };
}
