"""The live page of a farm of a thousand nodes and sixteen thousand slots: made-up workers and a
real coordinator. scripts/bench.sh page says what it costs."""

import json
import re
import unittest
import urllib.request

from kilntest.chromium import Chromium
from kilntest.large_farm import LargeFarm
from kilntest.waiting import wait_until

NODES, SLOTS, TASKS_PER_SECOND = 1000, 16, 500
UPDATES = 5
TIMELINE = ".timeline .scroll canvas"
LANES = "Number(document.querySelector('.timeline .more')?.innerText" \
    ".match(/on ([\\d,]+) slots/)?.[1].replace(',', ''))"
COPY = """
const canvas = document.querySelector(arguments[0]);
const copy = Object.assign(document.createElement("canvas"),
  { width: canvas.width, height: canvas.height });
const context = copy.getContext("2d", { willReadFrequently: true });
context.drawImage(canvas, 0, 0);
"""
# The middle of the dots of the canvas that have that colour of the style sheet, or nearly, as where
# edges are smoothed; null without any.
MIDDLE = COPY + """
const dots = context.getImageData(0, 0, copy.width, copy.height).data;
context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(arguments[1]);
context.fillRect(0, 0, 1, 1);
const wanted = context.getImageData(0, 0, 1, 1).data;
let [left, right, top, bottom] = [Infinity, -1, Infinity, -1];
for (let at = 0; at < dots.length; at += 4) {
  if (wanted.some((part, channel) => Math.abs(dots[at + channel] - part) > 6)) continue;
  const x = (at / 4) % copy.width, y = Math.floor(at / 4 / copy.width);
  [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y),
    Math.max(bottom, y)];
}
return right < 0 ? null : [Math.round((left + right) / 2), Math.round((top + bottom) / 2)];
"""
# The nodes' names beside the lanes, as a picture, two frames after the box was scrolled.
NAMES = """
const [, place, done] = arguments;
document.querySelector(".timeline .scroll").scrollTop = place;
requestAnimationFrame(() => requestAnimationFrame(() => {
""" + COPY + """
  const strip = context.getImageData(0, 0, 70, copy.height).data;
  done(Array.from(new Uint32Array(strip.buffer)).join());
}));
"""


class PageScaleTest(unittest.TestCase):
    def test_a_large_farm_is_shown_whole_and_followed(self):
        with LargeFarm(NODES, SLOTS, TASKS_PER_SECOND) as farm, Chromium() as browser:
            browser.open(f"http://127.0.0.1:{farm.port}/")
            browser.wait_text("#numbers", f"{NODES * SLOTS:,}", 60)
            self.assertIn(f"{NODES:,}", browser.text("#numbers"))
            for mode in "hb":
                browser.js("performance.clearMeasures('kiln-update')")
                browser.type(mode)
                browser.wait(f"performance.getEntriesByName('kiln-update').length >= {UPDATES}",
                             "updates", 120)
            self.assertEqual([], browser.console())

    def test_the_coordinator_has_as_many_metrics_for_many_nodes_as_for_few(self):
        def names(nodes):
            with LargeFarm(nodes, SLOTS, TASKS_PER_SECOND) as farm:
                address = f"http://127.0.0.1:{farm.port}"
                self.build_of(address)

                def told():
                    with urllib.request.urlopen(f"{address}/metrics") as answer:
                        text = answer.read().decode()
                    return text if f'kiln_nodes{{state="ready"}} {nodes}\n' in text else None
                text = wait_until(told, f"{nodes} nodes", 60)
            return sorted(line.rpartition(" ")[0] for line in text.splitlines() if line[0] != "#")

        self.assertEqual(names(10), names(500))

    def test_a_build_on_more_slots_than_the_screen_has_room_for(self):
        """Only what is seen is drawn; what is chosen is seen, and what is clicked is chosen."""
        with LargeFarm(200, SLOTS, TASKS_PER_SECOND) as farm, Chromium(height=1300) as browser:
            address = f"http://127.0.0.1:{farm.port}"
            browser.open(f"{address}/#/build/{self.build_of(address)}")
            browser.wait(f"{LANES} > 400", "a build on many slots", 60)
            tall, inside, drawn = browser.js(
                "const canvas = document.querySelector(arguments[0]); const { scrollHeight, "
                "clientHeight } = canvas.closest('.scroll'); "
                "return [scrollHeight, clientHeight, canvas.clientHeight]", TIMELINE)
            self.assertGreater(tall, 1.5 * inside)
            self.assertEqual(inside, drawn)
            places = (0, (tall - inside) // 2, 10 * tall)
            parts = {browser.call(NAMES, TIMELINE, place) for place in places}
            self.assertEqual(3, len(parts))
            browser.js("document.querySelector(arguments[0]).focus({preventScroll: true})",
                       TIMELINE)
            for key in "npp":
                browser.js("document.querySelector('.timeline .scroll').scrollTop = 1e9")
                browser.type(key)
                x, y = browser.js(MIDDLE, TIMELINE, "--focus")
                chosen = self.chosen(browser)
                browser.click_at(TIMELINE, x, y)
                self.assertEqual(chosen, self.chosen(browser))
            self.assertEqual([], browser.console())

    @staticmethod
    def build_of(address):
        def look():
            with urllib.request.urlopen(f"{address}/api/v1/live") as answer:
                builds = json.load(answer)["builds"]
            return builds[0]["id"] if builds else None
        return wait_until(look, "a build", 60)

    def chosen(self, browser):
        """Node and slot of the job."""
        return re.search(r" on (\S+, slot \d+): ", browser.text(".chosen"))[1]


if __name__ == "__main__":
    unittest.main()
