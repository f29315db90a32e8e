// Where each node's slots are drawn: tiles that flow like words, in the largest cells that fit.

const CELLS = [32, 28, 24, 22, 20, 18, 16, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3];
const ROWS = [2, 4, 1, 8];
const LABEL_FROM = 9;  // cells below have no room for names
const LABEL_WIDTH = 58;

function measures(cell, rows) {
  const labelled = cell >= LABEL_FROM;
  return {
    cell, rows, gap: cell >= 12 ? 3 : cell >= 7 ? 2 : 1,
    between: labelled ? 18 : cell + 2, below: labelled ? 16 : cell >= 5 ? cell + 2 : 5,
    label: labelled ? 17 : 0,
  };
}

function tile(slots, { cell, gap, rows, label }) {
  const columns = Math.max(1, Math.ceil(slots / rows));
  const used = Math.max(1, Math.min(rows, Math.ceil(slots / columns)));
  const width = columns * (cell + gap) - gap;
  return {
    columns, width: label ? Math.max(width, LABEL_WIDTH) : width,
    height: used * (cell + gap) - gap + label,
  };
}

// All places for these numbers of slots, or null when a tile is wider than there is room.
function flow(slots, width, sizes) {
  const tiles = new Map();
  const places = [];
  let x = 0, y = 0, lowest = 0;
  let between = sizes.between;
  if (new Set(slots).size === 1) {
    between = spread(slots.length, width, tile(slots[0], sizes), sizes);
  }
  for (const number of slots) {
    if (!tiles.has(number)) tiles.set(number, tile(number, sizes));
    const { columns, width: w, height: h } = tiles.get(number);
    if (w > width) return null;
    if (x > 0 && x + w > width + 0.5) {
      x = 0;
      y = lowest + sizes.below;
    }
    places.push({ x, y, w, h, columns });
    x += w + between;
    lowest = Math.max(lowest, y + h);
  }
  return { ...sizes, places, width, height: lowest };
}

// Tiles of one size are spread over the whole width, if that takes several rows.
function spread(count, width, { width: w }, { between }) {
  const each = Math.floor((width + between) / (w + between));
  if (each < 2 || count <= each) return between;
  return Math.min((width - each * w) / (each - 1), between * 2.6);
}

// The plan for nodes with these numbers of slots in `width`: the largest cells with which it is not
// higher than `height`; the smallest ones if there are none.
export function plan(slots, width, height) {
  const most = Math.max(1, ...slots);
  const choices = ROWS.filter((rows) => rows <= most || rows === 1);
  let last = null;
  for (const cell of CELLS) {
    for (const rows of choices) {
      const made = flow(slots, width, measures(cell, rows));
      if (made && made.height <= height) return made;
      if (made && (!last || made.cell < last.cell || made.height < last.height)) last = made;
    }
  }
  return last ?? flow(slots, Infinity, measures(CELLS[CELLS.length - 1], 8));
}

// {node, slot} at a point; slot is -1 beside the cells. Null where no tile is.
export function hit({ places, cell, gap }, slots, x, y) {
  const slack = 2;
  const node = places.findIndex((place) => x >= place.x - slack && x <= place.x + place.w + slack &&
    y >= place.y - slack && y <= place.y + place.h + slack);
  if (node < 0) return null;
  const { x: left, y: top, columns } = places[node];
  const column = Math.floor((x - left) / (cell + gap));
  const row = Math.floor((y - top) / (cell + gap));
  const slot = row * columns + column;
  const within = column >= 0 && column < columns && row >= 0 && slot < slots[node];
  return { node, slot: within ? slot : -1 };
}

// The tile that an arrow key leads to: beside, or nearest in the next row.
export function neighbour({ places }, from, key) {
  const { x, y, w } = places[from];
  if (key === "ArrowLeft") return Math.max(0, from - 1);
  if (key === "ArrowRight") return Math.min(places.length - 1, from + 1);
  const down = key === "ArrowDown";
  const rows = places.map((place) => place.y).filter((other) => (down ? other > y : other < y));
  if (rows.length === 0) return from;
  const row = down ? Math.min(...rows) : Math.max(...rows);
  const middle = x + w / 2;
  let best = from, least = Infinity;
  places.forEach((place, number) => {
    const away = Math.abs(place.x + place.w / 2 - middle);
    if (place.y === row && away < least) [best, least] = [number, away];
  });
  return best;
}
