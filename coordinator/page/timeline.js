// A build's timeline: follows the build while all of it is shown; wheel, drag and keys look closer.
import { element, setText } from "./dom.js";
import { plural, span, timeOfDay } from "./format.js";
import { endOf, lanesOf, panned, placeOf, wholeWindow, zoomed } from "./timeline_layout.js";
import { laneHeights, paintLanes, paintShape, SHAPE_HEIGHT, timeScale } from "./timeline_paint.js";

export function jobWords(job, now) {
  const where = job.slot === null || job.slot === undefined ? job.node
    : `${job.node}, slot ${job.slot}`;
  if (job.started === null || job.started === undefined) {
    return `${job.label} on ${where}: ${job.phase} for ${span(endOf(job, now) - job.accepted)}`;
  }
  const waited = span(job.started - (job.accepted ?? job.started));
  const ran = span(endOf(job, now) - job.started);
  const goes = job.ended === null || job.ended === undefined;
  return `${job.label} on ${where}: ${waited} until it ran, ` +
    `${goes ? "runs for" : "then"} ${ran}, ` +
    `from ${timeOfDay(job.started)}${job.pool ? `, pool ${job.pool}` : ""}` +
    (job.lost ? ", lost with its node" : "");
}

function button(text, label, action) {
  const made = element("button", { class: "quiet", type: "button", "aria-label": label,
    title: label }, text);
  made.addEventListener("click", action);
  return made;
}

export function makeTimeline(root, { tip, said }) {
  const shape = element("canvas", { role: "img", "aria-label": "Jobs that ran at once" });
  shape.style.height = `${SHAPE_HEIGHT}px`;
  const lanes = element("canvas", { tabindex: "0", role: "application", "aria-label":
    "Timeline: plus and minus zoom, arrow keys move, n and p choose jobs, 0 shows all" });
  // As tall as all lanes; the canvas stays in the part of it that is seen.
  const all = element("div", {}, lanes);
  const scroll = element("div", { class: "scroll" }, all);
  const chosenText = element("p", { class: "chosen" });
  const note = element("p", { class: "more" });
  const tools = element("div", { class: "tools" });
  root.append(element("div", { class: "head" }, element("h2", {}, "Timeline"), note, tools), shape,
    scroll, chosenText);
  root.classList.add("timeline");

  let jobs = [], build = null, now = 0, palette = null, dropped = 0;
  let window_ = null;     // null: all of the build, whatever it has become
  let chosen = null, drag = null;
  let placed = lanesOf([]), heights = laneHeights([], 0);

  const whole = () => wholeWindow(jobs, build, now);
  const shown = () => window_ ?? whole();

  function tell() {
    const notes = [`${plural(jobs.length, "job")} on ${plural(placed.lanes.length, "slot")}`];
    if (dropped) notes.push(`${plural(dropped, "earlier one")} not kept`);
    if (window_) {
      const { from, to } = whole();
      notes.push(`${span(window_.to - window_.from)} of ${span(to - from)} shown`);
    }
    setText(note, notes.join(", "));
  }

  const scene = () => ({ palette, jobs, ...placed, heights, window: shown(), whole: whole(), now,
    chosen });

  function drawLanes(painted = scene()) {
    const from = Math.round(Math.min(scroll.scrollTop,
      Math.max(0, heights.height - scroll.clientHeight)));
    paintLanes(lanes, painted, { from, to: from + Math.min(heights.height, scroll.clientHeight) });
  }

  function draw() {
    if (!palette) return;
    tell();
    const painted = scene();
    paintShape(shape, painted);
    all.style.height = `${heights.height}px`;
    drawLanes(painted);
  }

  function look(next) {
    const { from, to } = whole();
    const same = next.from <= from && next.to >= to;
    window_ = same ? null : next;
    draw();
  }

  const middle = () => (shown().from + shown().to) / 2;
  const nearer = (factor, at = middle()) => look(zoomed(shown(), factor, at, whole()));
  const along = (share) => look(panned(shown(), (shown().to - shown().from) * share, whole()));

  function bringIntoSight(top) {
    const room = scroll.clientHeight - heights.lane;
    if (top < scroll.scrollTop) scroll.scrollTop = top - 4;
    else if (top > scroll.scrollTop + room) scroll.scrollTop = top - room + 4;
  }

  function choose(job) {
    chosen = job;
    setText(chosenText, job ? jobWords(job, now) : "");
    if (job) {
      setText(said, jobWords(job, now));
      bringIntoSight(heights.tops[placeOf(placed.places, job)]);
    }
    const { from, to } = shown();
    if (job && window_ && (job.accepted < from || endOf(job, now) > to)) {
      along(((job.accepted + endOf(job, now)) / 2 - middle()) / (to - from));
    }
    draw();
  }

  function step(by) {
    if (jobs.length === 0) return;
    const byTime = [...jobs].sort((one, other) => one.accepted - other.accepted ||
      one.id - other.id);
    const place = chosen ? byTime.findIndex((job) => job.id === chosen.id) : by > 0 ? -1 : 0;
    choose(byTime[(place + by + byTime.length) % byTime.length]);
  }

  function jobAt(x, y) {
    const scale = timeScale(shown(), lanes.clientWidth);
    const down = y + scroll.scrollTop;
    const lane = heights.tops.findIndex((top) => down >= top - 1 && down < top + heights.lane);
    const at = scale.at(x);
    const slack = 2 / scale.per;
    return placed.lanes[lane]?.jobs.findLast((job) => at <= endOf(job, now) + slack &&
      at >= (job.accepted ?? job.started) - slack) ?? null;
  }

  const keys = {
    "+": () => nearer(0.6), "=": () => nearer(0.6), "-": () => nearer(1 / 0.6),
    "0": () => look(whole()), ArrowLeft: () => along(-0.2), ArrowRight: () => along(0.2),
    ArrowUp: () => scroll.scrollBy(0, -60), ArrowDown: () => scroll.scrollBy(0, 60),
    Home: () => along(-1e6), End: () => along(1e6), n: () => step(1), p: () => step(-1),
  };
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  scroll.addEventListener("scroll", () => {
    tip.hide();
    if (palette) drawLanes();
  });
  lanes.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;  // the wheel alone scrolls
    event.preventDefault();
    const at = timeScale(shown(), lanes.clientWidth).at(event.offsetX);
    nearer((event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8, at);
  }, { passive: false });
  lanes.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, window: shown(), moved: false };
    lanes.setPointerCapture(event.pointerId);
  });
  lanes.addEventListener("pointermove", (event) => {
    if (drag && Math.abs(event.clientX - drag.x) > 3) drag.moved = true;
    if (drag?.moved) {
      const { per } = timeScale(drag.window, lanes.clientWidth);
      look(panned(drag.window, (drag.x - event.clientX) / per, whole()));
      return;
    }
    const job = jobAt(event.offsetX, event.offsetY);
    if (!job) return tip.hide();
    const [head, words] = [job.label, jobWords(job, now).slice(job.label.length + 1)];
    tip.show([head, words], event.clientX, event.clientY);
  });
  lanes.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) choose(jobAt(event.offsetX, event.offsetY));
    drag = null;
  });
  lanes.addEventListener("pointerleave", tip.hide);
  tools.append(button("−", "Farther (−)", () => nearer(1 / 0.6)),
    button("+", "Nearer (+)", () => nearer(0.6)), button("all", "All of it (0)", keys["0"]));

  // `known`: Map of jobs by id.
  return function update(known, last, buildNow, nowMs, paletteNow) {
    jobs = [...known.values()];
    [build, now, palette, dropped] = [buildNow, nowMs, paletteNow, last.dropped ?? 0];
    placed = lanesOf(jobs, placed.names);
    heights = laneHeights(placed.lanes, Math.max(160, window.innerHeight * 0.55));
    if (chosen) {
      chosen = known.get(chosen.id) ?? null;
      setText(chosenText, chosen ? jobWords(chosen, now) : "");
    }
    draw();
  };
}
