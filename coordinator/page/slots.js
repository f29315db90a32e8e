// The heat of each slot of a node, and the build that has it.

export const HEATS = ["cold", "staged", "ready", "busy", "draining", "lost"];
const [COLD, STAGED, READY, BUSY, DRAINING, LOST] = HEATS.keys();

// {heat, build}: two arrays by slot; build is -1 where no task runs, 0 where it is not known whose.
// Of the free slots the first ones are those with a ready executor.
export function slotsOf(node) {
  const size = Math.max(0, Math.min(node.slots ?? 0, 65536));
  const heat = new Uint8Array(size);
  const build = new Int32Array(size).fill(-1);
  if (node.state === "lost") {
    return { heat: heat.fill(LOST), build };
  }
  for (const [slot, id] of node.busy ?? []) {
    if (slot >= size) continue;
    heat[slot] = BUSY;
    build[slot] = id;
  }
  const idle = node.state === "draining" ? DRAINING : node.staged > 0 ? STAGED : COLD;
  let ready = node.state === "draining" ? 0 : node.ready ?? 0;
  for (let slot = 0; slot < size; slot += 1) {
    if (heat[slot] !== BUSY) heat[slot] = ready-- > 0 ? READY : idle;
  }
  return { heat, build };
}

// How many slots of all nodes have each heat, by its name.
export function countHeats(slots) {
  const counts = new Array(HEATS.length).fill(0);
  for (const { heat } of slots) for (const one of heat) counts[one] += 1;
  return Object.fromEntries(HEATS.map((name, place) => [name, counts[place]]));
}
