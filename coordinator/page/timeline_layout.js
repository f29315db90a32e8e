// A build's jobs over slots and time: which lane each has, how many ran at once, and the window of
// time that is looked at. Pure.
import { byName } from "./state.js";

const NARROWEST_MS = 50;
const STEPS_MS = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000,
  300000, 600000, 1800000, 3600000, 7200000];

// {lanes: [{node, slot, first, jobs}], places: lane of a job, by placeOf; names}, by node and slot;
// `first` begins a node. A job without a slot yet is in the lane -1 of its node. `names`, of the
// result before, saves sorting the nodes again where they are the same.
export function lanesOf(jobs, names = []) {
  const nodes = new Map();
  for (const job of jobs) {
    let slots = nodes.get(job.node);
    if (!slots) nodes.set(job.node, slots = new Map());
    const slot = job.slot ?? -1;
    const there = slots.get(slot);
    if (there) there.push(job);
    else slots.set(slot, [job]);
  }
  const same = names.length === nodes.size && names.every((name) => nodes.has(name));
  const order = same ? names
    : [...nodes.keys()].map((name) => ({ name })).sort(byName).map(({ name }) => name);
  const lanes = [];
  const places = new Map();
  for (const node of order) {
    const slots = nodes.get(node);
    places.set(node, new Map());
    [...slots.keys()].sort((one, other) => one - other).forEach((slot, place) => {
      places.get(node).set(slot, lanes.length);
      lanes.push({ node, slot, first: place === 0, jobs: slots.get(slot) });
    });
  }
  return { lanes, places, names: order };
}

// The number of a job's lane.
export const placeOf = (places, { node, slot }) => places.get(node).get(slot ?? -1);

// A job's end so far.
export const endOf = (job, now) => job.ended ?? now;

// How many jobs ran, on average, in each of `bins` equal parts of a window.
export function concurrency(jobs, { from, to }, bins, now) {
  const wide = (to - from) / bins;
  const sums = new Float64Array(bins);
  for (const job of jobs) {
    if (job.started === null || job.started === undefined) continue;
    const begin = Math.max(job.started, from);
    const end = Math.min(endOf(job, now), to);
    for (let bin = Math.max(0, Math.floor((begin - from) / wide)); bin < bins; bin += 1) {
      const left = from + bin * wide;
      if (left >= end) break;
      sums[bin] += Math.min(end, left + wide) - Math.max(begin, left);
    }
  }
  return Array.from(sums, (sum) => sum / wide);
}

// All of the build: from its first job to its last, or to now while it goes on.
export function wholeWindow(jobs, build, now) {
  let from = Infinity, to = -Infinity;
  for (const job of jobs) {
    from = Math.min(from, job.accepted ?? job.started);
    to = Math.max(to, endOf(job, now));
  }
  if (from > to) [from, to] = [build?.begun ?? now - 1000, now];
  return { from, to: Math.max(to, from + NARROWEST_MS) };
}

// The window, `factor` times as wide, with the time `at` where it was; never beyond `whole`.
export function zoomed(window, factor, at, whole) {
  const wide = Math.min(whole.to - whole.from,
    Math.max(NARROWEST_MS, (window.to - window.from) * factor));
  const share = (at - window.from) / (window.to - window.from);
  return within({ from: at - share * wide, to: at + (1 - share) * wide }, whole);
}

export function panned({ from, to }, ms, whole) {
  return within({ from: from + ms, to: to + ms }, whole);
}

function within({ from, to }, whole) {
  const wide = to - from;
  const begin = Math.max(whole.from, Math.min(from, whole.to - wide));
  return { from: begin, to: Math.min(whole.to, begin + wide) };
}

// Times from `origin` on that are written at the axis, about one each 90 pixels.
export function ticksOf({ from, to }, origin, width) {
  const most = Math.max(2, width / 90);
  const step = STEPS_MS.find((size) => (to - from) / size <= most) ?? STEPS_MS.at(-1);
  const ticks = [];
  for (let at = Math.ceil((from - origin) / step) * step; at <= to - origin; at += step) {
    ticks.push({ at: at + origin, after: at });
  }
  return ticks;
}
