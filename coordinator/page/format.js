// Numbers, times and sizes as people read them.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const KIB = 1024;

export const count = (number) => whole.format(number ?? 0);

// Three digits at most: 0.4, 12.3, 812.
export function rate(number) {
  return number >= 100 ? whole.format(number) : number.toFixed(1);
}

// A span of milliseconds: "310 ms", "2.3 s", "4 min 12 s", "3 h 5 min", "2 d 4 h".
export function span(ms) {
  if (ms === null || ms === undefined) return "–";
  const positive = Math.max(0, ms);
  if (positive < 999.5) return `${Math.round(positive)} ms`;
  const seconds = positive / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const steps = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];
  const [large, largeName, small, smallName] = steps.find(([size]) => Math.round(seconds) >= size);
  const first = Math.floor(Math.round(seconds) / large);
  const second = Math.floor((Math.round(seconds) % large) / small);
  return second ? `${first} ${largeName} ${second} ${smallName}` : `${first} ${largeName}`;
}

// A round span for an axis: "2 s" rather than "2.0 s".
export const brief = (ms) => span(ms).replace(".0 s", " s");

export function bytes(number) {
  if (!number) return "–";
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  const place = Math.min(names.length - 1, Math.floor(Math.log(number) / Math.log(KIB)));
  const value = number / KIB ** place;
  return `${value >= 100 || place === 0 ? Math.round(value) : value.toFixed(1)} ${names[place]}`;
}

export const timeOfDay = (ms) => clock.format(new Date(ms));

export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}
