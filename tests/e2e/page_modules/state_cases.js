import { apply, emptyState } from "/page/state.js";
import { countHeats, slotsOf } from "/page/slots.js";
import { equal, holds } from "./check.js";

const node = (name, more = {}) => ({ name, slots: 4, state: "ready", busy: [], ...more });
const full = (more = {}) => ({ epoch: "a", seq: 5, full: true, now: 1000, nodes: [], pools: [],
  builds: [], events: [], series: { step: 1000, points: [] }, ...more });
const delta = (more = {}) => ({ epoch: "a", seq: 6, full: false, now: 2000, ...more });

export function a_full_answer_is_everything() {
  const state = apply(emptyState(), full({ nodes: [node("w10"), node("w2")] }));
  equal(state.order, ["w2", "w10"], "in the order of people");
  equal(state.touched, null, "all is new");
  const next = apply(state, full({ nodes: [node("w3")] }));
  equal(next.order, ["w3"], "nothing of before is left");
}

export function a_delta_changes_what_it_names() {
  const before = apply(emptyState(), full({ nodes: [node("a"), node("b")], farm: { slots: 8 } }));
  const after = apply(before, delta({ nodes: [node("b", { running: 2 })] }));
  equal([...after.touched], ["b"]);
  equal([after.nodes.get("b").running, after.nodes.get("a").running], [2, undefined]);
  equal(after.farm.slots, 8, "what is not named stays");
  equal(before.nodes.get("b").running, undefined, "a state is never changed");
}

export function nodes_come_go_and_grow() {
  let state = apply(emptyState(), full({ nodes: [node("a"), node("b")] }));
  state = apply(state, delta({ gone: ["a"], nodes: [node("c")] }));
  equal(state.order, ["b", "c"]);
  equal(state.touched, null, "places are other ones");
  state = apply(state, delta({ nodes: [node("c", { slots: 9 })] }));
  equal(state.touched, null, "so are they when a node grows");
}

export function another_epoch_asks_for_all() {
  const before = apply(emptyState(), full({ nodes: [node("a")] }));
  const after = apply(before, delta({ epoch: "b", nodes: [node("z")] }));
  holds(after.strange, "it is of another story");
  equal(after.order, ["a"]);
  equal(apply(after, full({ epoch: "b" })).strange, false);
}

export function series_and_events_are_joined_once() {
  const series = (...points) => ({ step: 1000, points });
  let state = apply(emptyState(), full({ series: series([1000, 1], [2000, 2]),
    events: [{ id: 1 }, { id: 2 }] }));
  state = apply(state, delta({ series: series([2000, 2], [3000, 3]),
    events: [{ id: 2 }, { id: 3 }] }));
  equal(state.points, [[1000, 1], [2000, 2], [3000, 3]]);
  equal(state.events.map((event) => event.id), [1, 2, 3]);
  for (let at = 4; at < 1000; at += 1) {
    state = apply(state, delta({ series: series([at * 1000, at]) }));
  }
  equal(state.points.length, 600, "ten minutes are kept");
}

export function pools_go_by_name() {
  const pools = [{ name: "a" }, { name: "b" }, { name: "c" }];
  let state = apply(emptyState(), full({ pools }));
  state = apply(state, delta({ gone_pools: ["a", "b"] }));
  equal([...state.pools.keys()], ["c"]);
}

export function builds_are_kept_half_an_hour() {
  const hour = 3600_000;
  const builds = [{ id: 1, begun: 0, last: 10 }, { id: 2, begun: 5, last: hour - 1000 },
    { id: 3, begun: 7, last: 10, running: 1 }];
  const state = apply(emptyState(), full({ now: hour, builds }));
  equal([...state.builds.keys()], [3, 2], "the newest first, and what still runs");
}

export function missing_members_do_no_harm() {
  const state = apply(emptyState(), { nodes: [{ name: "w" }] });
  equal(state.order, ["w"]);
  equal(slotsOf(state.nodes.get("w")).heat.length, 0);
  apply(state, { full: true });
}

export function slots_have_the_heat_of_the_contract() {
  const heats = (more) => Array.from(slotsOf(node("w", more)).heat);
  equal(heats({}), [0, 0, 0, 0], "cold");
  equal(heats({ staged: 1, ready: 1, busy: [[0, 7]] }), [3, 2, 1, 1]);
  equal(Array.from(slotsOf(node("w", { busy: [[2, 7], [3, 0]] })).build), [-1, -1, 7, 0]);
  equal(heats({ state: "draining", ready: 2, busy: [[1, 7]] }), [4, 3, 4, 4]);
  equal(heats({ state: "lost", busy: [[1, 7]] }), [5, 5, 5, 5]);
  equal(heats({ busy: [[99, 1]] }), [0, 0, 0, 0], "a slot that is none");
  equal(countHeats([slotsOf(node("w", { ready: 3 }))]),
    { cold: 1, staged: 0, ready: 3, busy: 0, draining: 0, lost: 0 });
}
