// What the tests of the page's modules stand on.

export function equal(actual, expected, what = "") {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what}: is ${one}, expected ${other}`);
}

export function holds(condition, what) {
  if (!condition) throw new Error(what);
}
