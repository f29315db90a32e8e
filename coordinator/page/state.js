// What is known of the farm. `apply` is pure: a state and an answer of /api/v1/live give the next
// state, and what changed on the way.

const POINTS_KEPT = 600;
const EVENTS_KEPT = 400;
const BUILDS_KEPT = 64;
const BUILD_KEPT_MS = 30 * 60 * 1000;

const natural = new Intl.Collator("en", { numeric: true });
export const byName = (one, other) => natural.compare(one.name, other.name);

export const goesOn = (build) => Boolean(build.running || build.queued || build.waiting);

export function emptyState() {
  return {
    known: false, epoch: null, seq: 0, now: 0, started: 0, version: "", farm: {},
    nodes: new Map(), pools: new Map(), builds: new Map(), events: [], points: [], step: 1000,
    order: [],       // nodes' names, sorted
    touched: null,   // names of the nodes that this answer changed; null: all, and who is there
    strange: false,  // a part of another epoch's story: everything must be asked for again
  };
}

export function apply(before, answer) {
  const full = answer.full !== false;
  if (!full && answer.epoch !== before.epoch) return { ...before, strange: true };
  const from = full ? emptyState() : before;
  const nodes = merged(from.nodes, answer.nodes, "name", answer.gone);
  const same = !full && nodes.size === from.nodes.size &&
    (answer.nodes ?? []).every((node) => sameShape(from.nodes.get(node.name), node));
  return {
    known: true, strange: false,
    epoch: answer.epoch ?? null, seq: answer.seq ?? 0, now: answer.now ?? from.now,
    started: answer.started ?? from.started, version: answer.version ?? from.version,
    farm: answer.farm ?? from.farm, nodes,
    pools: merged(from.pools, answer.pools, "name", answer.gone_pools),
    builds: keptBuilds(merged(from.builds, answer.builds, "id", answer.gone_builds), answer.now),
    events: joined(from.events, answer.events, (event) => event.id, EVENTS_KEPT),
    points: joined(from.points, answer.series?.points, (point) => point[0], POINTS_KEPT),
    step: answer.series?.step ?? from.step,
    order: same ? from.order : [...nodes.values()].sort(byName).map((node) => node.name),
    touched: same ? new Set((answer.nodes ?? []).map((node) => node.name)) : null,
  };
}

function sameShape(before, node) {
  return before !== undefined && before.slots === node.slots;
}

function merged(before, items, key, gone) {
  if (!items?.length && !gone?.length) return before;
  const after = new Map(before);
  for (const name of gone ?? []) after.delete(name);
  for (const item of items ?? []) after.set(item[key], item);
  return after;
}

function keptBuilds(builds, now) {
  const kept = [...builds.values()]
    .filter((build) => goesOn(build) || !now || now - build.last <= BUILD_KEPT_MS)
    .sort((one, other) => other.begun - one.begun || other.id - one.id).slice(0, BUILDS_KEPT);
  return new Map(kept.map((build) => [build.id, build]));
}

// Appends what is later than the last of `before`.
function joined(before, items, order, most) {
  if (!items?.length) return before;
  const last = before.length ? order(before[before.length - 1]) : -Infinity;
  const fresh = items.filter((item) => order(item) > last)
    .sort((one, other) => order(one) - order(other));
  return fresh.length ? [...before, ...fresh].slice(-most) : before;
}
