import { hit, neighbour, plan } from "/page/grid_layout.js";
import { concurrency, lanesOf, panned, placeOf, ticksOf, wholeWindow, zoomed }
  from "/page/timeline_layout.js";
import { equal, holds } from "./check.js";

const many = (count, slots) => new Array(count).fill(slots);

function assertApart({ places, width }) {
  places.forEach((place, number) => {
    holds(place.x + place.w <= width + 1, `tile ${number} leaves the room`);
    const next = places[number + 1];
    holds(!next || next.y > place.y || next.x >= place.x + place.w, `tile ${number} is covered`);
  });
}

export function small_farms_have_large_cells_with_names() {
  const made = plan(many(2, 4), 900, 450);
  equal([made.cell, made.label > 0], [32, true]);
  assertApart(made);
}

export function a_thousand_nodes_fit() {
  const made = plan(many(1000, 16), 930, 450);
  holds(made.height <= 450, `it is ${made.height} high`);
  holds(made.cell >= 3, "cells can be seen");
  assertApart(made);
}

export function nodes_of_all_sizes_flow() {
  const made = plan([1, 2, 64, 16, 3, 96, 8, 8], 500, 300);
  equal(made.places.length, 8);
  assertApart(made);
  plan([], 500, 300);
  plan(many(3000, 64), 300, 200);
  equal(plan([65536], 100, 100).places.length, 1, "even what cannot fit has a place");
}

export function a_point_is_found_in_its_slot() {
  const slots = many(24, 16);
  const made = plan(slots, 900, 450);
  for (const [node, slot] of [[0, 0], [7, 15], [23, 6]]) {
    const { x, y, columns } = made.places[node];
    const each = made.cell + made.gap;
    const [column, row] = [slot % columns, Math.floor(slot / columns)];
    equal(hit(made, slots, x + column * each + 1, y + row * each + 1), { node, slot });
  }
  const { x, y, h } = made.places[3];
  equal(hit(made, slots, x + 1, y + h - 2), { node: 3, slot: -1 }, "its name");
  equal(hit(made, slots, 899, 9999), null);
}

export function arrows_lead_to_neighbours() {
  const made = plan(many(24, 16), 900, 450);
  const row = made.places.filter((place) => place.y === 0).length;
  equal(["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"].map((key) => neighbour(made, 1, key)),
    [2, 1 + row, 0, 1]);
  equal(neighbour(made, 23, "ArrowRight"), 23);
  equal(neighbour(made, 23, "ArrowDown"), 23);
}

const job = (node, slot, accepted, started, ended) => ({ node, slot, accepted, started, ended });

export function lanes_are_by_node_and_slot() {
  const jobs = [job("w10", 1, 1), job("w2", 3), job("w2", 0), job("w2", null), job("w10", 1, 2)];
  const { lanes, places, names } = lanesOf(jobs);
  equal(lanes.map(({ node, slot, first }) => [node, slot, first]),
    [["w2", -1, true], ["w2", 0, false], ["w2", 3, false], ["w10", 1, true]]);
  equal(placeOf(places, jobs[0]), 3);
  equal(placeOf(places, jobs[3]), 0);
  equal(lanes[3].jobs.map((one) => one.accepted), [1, 2]);
  equal(names, ["w2", "w10"]);
  equal(lanesOf(jobs, names).lanes, lanes);
  equal(lanesOf([...jobs, job("w1", 0)], names).names, ["w1", "w2", "w10"]);
  equal(lanesOf(jobs.slice(0, 1), names).names, ["w10"]);
}

export function concurrency_is_the_mean_of_what_ran() {
  const jobs = [job("w", 0, 0, 0, 100), job("w", 1, 0, 50, null), job("w", 2, 0, null, null)];
  equal(concurrency(jobs, { from: 0, to: 200 }, 4, 150), [1, 2, 1, 0]);
}

export function windows_stay_within_the_build() {
  const whole = wholeWindow([job("w", 0, 1000, 1100, 3000), job("w", 1, 1500, null, null)], null,
    5000);
  equal(whole, { from: 1000, to: 5000 });
  const nearer = zoomed(whole, 0.5, 1000, whole);
  equal(nearer, { from: 1000, to: 3000 });
  equal(panned(nearer, 99999, whole), { from: 3000, to: 5000 });
  equal(zoomed(nearer, 100, 2000, whole), whole);
  equal(wholeWindow([], { begun: 10 }, 500), { from: 10, to: 500 });
}

export function ticks_are_round_and_few() {
  const ticks = ticksOf({ from: 1000, to: 61_000 }, 1000, 900);
  equal(ticks.map((tick) => tick.after), [0, 10000, 20000, 30000, 40000, 50000, 60000]);
  holds(ticksOf({ from: 0, to: 9e9 }, 0, 400).length < 2000, "even of a very long build");
}
