import { bestMatch } from "/page/find.js";
import { brief, bytes, count, plural, rate, span } from "/page/format.js";
import { poolWords, worstState } from "/page/lists.js";
import { markOf } from "/page/marks.js";
import { lately } from "/page/series.js";
import { LONGEST_MS, pauseAfter } from "/page/poll.js";
import { hrefOf, parseRoute, tasksHref } from "/page/route.js";
import { buckets, nearest, niceTop } from "/page/series.js";
import { equal, holds } from "./check.js";

export function spans_have_two_units_at_most() {
  equal([0, 310, 999.6, 2340, 59_940, 59_960, 252_000, 11_100_000, 187_200_000].map(span),
    ["0 ms", "310 ms", "1.0 s", "2.3 s", "59.9 s", "1 min", "4 min 12 s", "3 h 5 min", "2 d 4 h"]);
  equal([span(null), span(-5), brief(2000)], ["–", "0 ms", "2 s"]);
}

export function numbers_are_short() {
  equal([count(12345), rate(812.4), rate(12.34), bytes(0), bytes(512), bytes(65.7 * 2 ** 30)],
    ["12,345", "812", "12.3", "–", "512 B", "65.7 GiB"]);
  equal([plural(1, "job"), plural(2, "job")], ["1 job", "2 jobs"]);
}

export function every_name_survives_the_address() {
  for (const name of ["w1", "a/b?c#d", "<img src=x onerror=alert(1)>", "é %41 &=", "#/build/3"]) {
    const { view, name: parsed } = parseRoute(hrefOf("node", name));
    equal([view, parsed], ["node", name]);
  }
  equal(parseRoute(tasksHref({ node: "a&b=c" })).filters, { node: "a&b=c" });
}

export function what_is_no_view_is_the_overview() {
  for (const hash of ["", "#", "#/", "#/node/", "#/nothing/x", "#/constructor/x", "x"]) {
    equal(parseRoute(hash).view, "overview", hash);
  }
  equal(parseRoute("#/node/%zz").name, "%zz", "not even encoded");
}

export function pauses_grow_and_end() {
  equal([0, 1, 2, 3, 4].map(pauseAfter), [1000, 1000, 2000, 4000, 8000]);
  equal(pauseAfter(50), LONGEST_MS);
}

export function a_name_is_found_by_its_best_match() {
  const choices = ["w1", "w10", "new1", "cc"].map((name) => ({ name }));
  equal(["w1", "W10", "ew", "c", " ", "zz"].map((text) => bestMatch(choices, text)?.name ?? null),
    ["w1", "w10", "new1", "cc", null, null]);
}

export function pools_tell_the_worst_first() {
  const pool = { nodes: { ready: 3, broken: 1, warming: 2 } };
  equal([poolWords(pool), worstState(pool)], ["1 broken, 2 warming, 3 ready", "broken"]);
  equal([poolWords({}), worstState({})], ["no nodes", "cold"]);
}

export function builds_differ_by_letter_and_colour() {
  const marks = Array.from({ length: 26 }, (_, number) => markOf(number + 1));
  equal(new Set(marks.map((mark) => mark.letter)).size, 26);
  equal([markOf(1), markOf(27).letter, markOf(0)],
    [{ letter: "A", colour: 0 }, "A", { letter: "?", colour: null }]);
}

export function lately_is_the_last_ten_points() {
  const points = Array.from({ length: 20 }, (_, at) => [at, 0, 0, at < 10 ? 99 : 4,
    at % 2 ? 100 : null, at % 2 ? 300 : null]);
  equal(lately(points, 1000), { rate: 4, p50: 100, p95: 300 });
  equal(lately([], 1000), { rate: 0, p50: null, p95: null });
}

export function buckets_stand_still_and_keep_gaps() {
  const points = [[1000, 2], [2000, 4], [6000, null], [11000, 9]];
  equal(buckets(points, 1, 5000), [[2500, 3], [7500, null], [12500, 9]]);
  equal(nearest(buckets(points, 1, 5000), 11000), [12500, 9]);
  equal(nearest([], 5), null);
}

export function scales_end_at_round_numbers() {
  equal([0, 0.7, 3, 9, 368, 400, 401].map(niceTop).map((top) => Number(top.toPrecision(3))),
    [1, 0.8, 4, 10, 400, 400, 500]);
  holds(niceTop(NaN) === 1, "of nothing");
}
