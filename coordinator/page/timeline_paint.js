// Draws a build's timeline: above how many jobs ran at once, below each job in its slot's lane.
import { brief } from "./format.js";
import { FONT, prepare } from "./palette.js";
import { concurrency, endOf, placeOf, ticksOf } from "./timeline_layout.js";
import { niceTop } from "./series.js";

export const GUTTER = 74;
export const SHAPE_HEIGHT = 74;
const AXIS = 18;
const LABEL_FROM = 11;   // lanes below have no room for a job's name

// {height, of: lanes' tops}: lanes share `room`, nodes a little apart.
export function laneHeights(lanes, room) {
  const nodes = lanes.filter((lane) => lane.first).length;
  const share = Math.floor((room - nodes * 5) / Math.max(1, lanes.length));
  const lane = Math.max(4, Math.min(18, share));
  let y = 4;
  const tops = lanes.map(({ first }, place) => {
    if (first && place > 0) y += 5;
    const top = y;
    y += lane;
    return top;
  });
  return { lane, tops, height: y + 5 };
}

export function timeScale(window, width) {
  const wide = Math.max(1, width - GUTTER - 6);
  const per = wide / (window.to - window.from);
  return { x: (at) => GUTTER + (at - window.from) * per,
    at: (x) => window.from + (x - GUTTER) / per, per };
}

// The upper part, with the axis at its foot.
export function paintShape(canvas, view) {
  const { palette, jobs, window, whole, now } = view;
  const width = canvas.clientWidth;
  const context = prepare(canvas, width, SHAPE_HEIGHT);
  context.clearRect(0, 0, width, SHAPE_HEIGHT);
  const scale = timeScale(window, width);
  const bins = Math.max(10, Math.floor((width - GUTTER) / 4));
  const counts = concurrency(jobs, window, bins, now);
  const top = niceTop(Math.max(1, ...counts));
  const floor = SHAPE_HEIGHT - AXIS;
  const y = (value) => floor - (value / top) * (floor - 6);
  const each = (width - GUTTER - 6) / bins;
  const shade = context.createLinearGradient(0, 0, 0, floor);
  shade.addColorStop(0, palette.busy);
  shade.addColorStop(0.4, palette.ready);
  shade.addColorStop(1, palette.staged);
  context.fillStyle = shade;
  counts.forEach((value, bin) => {
    context.fillRect(GUTTER + bin * each, y(value), each - 0.6, floor - y(value));
  });
  context.font = `10px ${FONT}`;
  context.fillStyle = palette.muted;
  context.textAlign = "left";
  context.fillText(`${top} at once`, 2, 14);
  context.textAlign = "center";
  for (const { at, after } of ticksOf(window, whole.from, width - GUTTER)) {
    const x = Math.round(scale.x(at)) + 0.5;
    if (x > width - 20) continue;
    context.fillText(after === 0 ? "0" : brief(after), x, SHAPE_HEIGHT - 5);
    context.fillRect(x - 0.5, floor, 1, 4);
  }
}

function paintGround(context, view, width, seen) {
  const { palette, lanes, heights, window, whole } = view;
  const scale = timeScale(window, width);
  context.fillStyle = palette.line;
  for (const { at } of ticksOf(window, whole.from, width - GUTTER)) {
    context.fillRect(Math.round(scale.x(at)), seen.from, 1, seen.to - seen.from);
  }
  context.font = `11px ${FONT}`;
  context.textAlign = "left";
  context.textBaseline = "top";
  let free = 0;
  lanes.forEach((lane, place) => {
    if (!lane.first) return;
    const top = heights.tops[place];
    const hidden = top + 12 < seen.from || top - 3 > seen.to;
    context.fillStyle = palette.line;
    if (place > 0 && !hidden) context.fillRect(0, top - 3, width, 1);
    if (top < free) return;
    free = top + 12;
    if (hidden) return;
    context.fillStyle = palette.muted;
    context.fillText(lane.node.length > 10 ? `${lane.node.slice(0, 9)}…` : lane.node, 6, top);
  });
}

function paintJob(context, view, job, top, scale, width) {
  const { palette, heights, now } = view;
  const high = heights.lane - (heights.lane > 5 ? 2 : 1);
  const left = scale.x(job.accepted ?? job.started);
  const right = scale.x(endOf(job, now));
  if (right < GUTTER || left > width) return;
  const begin = job.started === null || job.started === undefined ? right : scale.x(job.started);
  if (begin - left >= 0.5 || begin >= right) {  // the wait, where it can be seen
    context.fillStyle = palette.staged;
    context.fillRect(left, top + high * 0.3, Math.max(0.5, begin - left), high * 0.4);
  }
  if (begin >= right) return;
  const goes = job.ended === null || job.ended === undefined;
  context.fillStyle = job.lost ? palette.lost : goes ? palette.busy : palette.ready;
  const wide = Math.max(1, right - begin - (scale.per > 0.004 ? 0.7 : 0));
  context.fillRect(begin, top, wide, high);
  if (job.lost) context.fillText("✕", Math.min(right + 2, width - 12), top + high / 2);
  if (heights.lane < LABEL_FROM || right - begin < 46) return;
  const name = job.label.split("/").at(-1);
  const from = Math.max(begin, GUTTER) + 4;
  context.font = `10px ${FONT}`;
  if (context.measureText(name).width > right - from - 4) return;
  context.fillStyle = goes || job.lost ? palette.chamber : palette["mark-text"];
  context.textBaseline = "middle";
  context.fillText(name, from, top + high / 2 + 0.5);
}

function paintChosen(context, view, scale) {
  const { palette, heights, places, chosen, now } = view;
  const left = scale.x(chosen.accepted ?? chosen.started);
  context.strokeStyle = palette.focus;
  context.lineWidth = 2;
  context.strokeRect(left - 1, heights.tops[placeOf(places, chosen)] - 1,
    Math.max(3, scale.x(endOf(chosen, now)) - left + 2), heights.lane + 1);
}

// The lower part, of which the canvas shows `seen`, from and to so many pixels below its top: of a
// large farm it is longer than a canvas may be, and than can be drawn each second. `view.chosen` is
// the job with a frame, or null.
export function paintLanes(canvas, view, seen) {
  const { lanes, heights, window, chosen } = view;
  const width = canvas.clientWidth;
  const high = seen.to - seen.from;
  canvas.style.height = `${high}px`;
  const context = prepare(canvas, width, high);
  context.clearRect(0, 0, width, high);
  context.save();
  context.translate(0, -seen.from);
  paintGround(context, view, width, seen);
  const scale = timeScale(window, width);
  context.beginPath();
  context.rect(GUTTER, seen.from, width - GUTTER, high);
  context.clip();
  context.textAlign = "left";
  lanes.forEach(({ jobs }, place) => {
    const top = heights.tops[place];
    if (top + heights.lane < seen.from || top > seen.to) return;
    for (const job of jobs) paintJob(context, view, job, top, scale, width);
  });
  if (chosen) paintChosen(context, view, scale);
  context.restore();
}
