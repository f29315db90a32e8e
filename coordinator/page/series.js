// From points of time to lines: buckets, scales and ticks, without a canvas.

// Means over buckets of `wide` milliseconds that begin at its multiples, so that they do not move
// with the time: [[middle, value | null] …]. `place`: of the value in a point; `per`: a factor.
export function buckets(points, place, wide, per = 1) {
  const made = [];
  let begin = null, sum = 0, known = 0;
  const close = () => {
    if (begin !== null) made.push([begin + wide / 2, known ? (sum / known) * per : null]);
  };
  for (const point of points) {
    const at = Math.floor(point[0] / wide) * wide;
    if (at !== begin) {
      close();
      [begin, sum, known] = [at, 0, 0];
    }
    const value = point[place];
    if (value === null || value === undefined) continue;
    sum += value;
    known += 1;
  }
  close();
  return made;
}

// The least of 1, 2, 4, 5, 8 × 10^n that is not below `value`.
export function niceTop(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 8, 10].find((step) => step * power >= value * 0.999) * power;
}

// The bucket nearest to a time, or null.
export function nearest(line, at) {
  let best = null;
  for (const one of line) if (!best || Math.abs(one[0] - at) < Math.abs(best[0] - at)) best = one;
  return best;
}

const RECENT_POINTS = 10;

// Tasks a second and latencies, over the last ten points of the series.
export function lately(points, step) {
  const last = points.slice(-RECENT_POINTS);
  const ended = last.reduce((sum, point) => sum + (point[3] ?? 0), 0);
  const median = (place) => {
    const known = last.map((point) => point[place]).filter((value) => value !== null &&
      value !== undefined).sort((one, other) => one - other);
    return known.length ? known[Math.floor(known.length / 2)] : null;
  };
  const seconds = Math.max(1, last.length) * step / 1000;
  return { rate: ended / seconds, p50: median(4), p95: median(5) };
}
