"""What the live page says of a farm that stands still is what the farm says, and who looks at one
thing of it keeps it."""

import collections
import json
import unittest

import kilntest
from kilntest.chromium import Keys
from page_case import ALL, SOON, PageOfFarmCase


class PageFarmTest(PageOfFarmCase):
    def test_what_waits_is_counted(self):
        self.sleep_remotely(3 * ALL, "crowd")
        self.open()
        self.wait_number("Slots busy", f"{ALL} / {ALL}")
        waiting = ("return Number([...document.querySelectorAll('.number')].find((one) => "
                   "one.innerText.startsWith('Waiting')).innerText.match(/\\d+/)[0])")
        told = kilntest.wait_until(lambda: self.browser.js(waiting), "calls that wait", SOON)
        self.assertLessEqual(told, 2 * ALL)
        self.sleep_remotely(1, "latecomer")
        row = ("[...document.querySelectorAll('#builds tbody tr')].find((one) => "
               "one.innerText.includes('latecomer'))?.innerText.split(/\\s+/).slice(1, 3)")
        self.browser.wait(f"({row} ?? []).join() === '0,1'", "a build that waits, and has no task")
        self.browser.js("location.hash = `#/build/${arguments[0]}`", self.build_id("latecomer"))
        self.wait_title("latecomer")
        self.assertEqual("1", self.fact("Waits for slots"))
        self.assert_clean()

    def test_the_legend_counts_slots_as_they_are(self):
        self.sleep_remotely(1, "counted")
        self.wait_old(1, 0)
        self.open()

        def wanted():
            found = collections.Counter()
            for node in json.loads(self.farm.coordinator.get("/api/v1/live")[1])["nodes"]:
                free = node["slots"] - node["running"]
                found["busy"] += node["running"]
                ready = 0 if node["state"] == "draining" else min(free, node["ready"])
                found["ready"] += ready
                idle = "staged" if node["staged"] else "cold"
                found[node["state"] if node["state"] == "draining" else idle] += free - ready
            return +found

        def told(*states):
            legend = {heat: int(number) for heat, number in
                      (text.split() for text in self.browser.texts("#legend li"))}
            found = collections.Counter(legend)
            return found == wanted() and all(found[state] for state in states)

        kilntest.wait_until(lambda: told("busy", "ready"), "the legend to be what nodes tell", SOON)
        self.addCleanup(self.farm.client, ["kiln", "resume", "w1"], check=True)
        self.farm.client(["kiln", "drain", "w1", "--no-wait"], check=True)
        kilntest.wait_until(lambda: told("draining"), "the legend to show the drained node", SOON)
        self.assert_clean()

    def test_a_build_that_is_pointed_at_or_has_the_focus_stands_out(self):
        for build in ("outstanding", "ordinary"):
            self.sleep_remotely(1, build)
        self.open()
        picture = "return document.querySelector('#grid canvas').toDataURL()"
        self.browser.type("b")
        link = f"#builds a[href='#/build/{self.build_id('outstanding')}']"
        self.browser.wait(f"document.querySelector(\"{link}\")", "the builds")
        self.wait_number("Slots busy", f"2 / {ALL}")
        before = self.browser.js(picture)
        self.browser.js("document.querySelector(arguments[0]).focus()", link)
        standing = self.browser.js(picture)
        self.assertNotEqual(before, standing)
        self.browser.js("document.activeElement.blur()")
        self.assertEqual(before, self.browser.js(picture))
        self.browser.hover(link, 3, 3)
        self.assertEqual(standing, self.browser.js(picture))
        self.assert_clean()

    def test_rows_that_come_and_go_leave_the_focus_where_it_is(self):
        self.open()
        found = self.browser.module("""
            const { element, keyed } = await import("/page/dom.js");
            const list = element("div"), found = [];
            document.body.append(list);
            const set = keyed(list, (name) => name, (name) => {
              const root = element("button", {}, name);
              root.addEventListener("blur", () => found.push(name));
              return { root, set: () => {} };
            });
            const show = (names) => {
              set([...names]);
              const held = document.activeElement;
              found.push([list.textContent, list.contains(held) ? held.textContent : ""]);
            };
            show("abc");
            list.children[1].focus();
            for (const names of ["bc", "xbc", "cxb", "cx"]) show(names);
            list.remove();
            return found.filter((one) => typeof one !== "string");
        """)
        self.assertEqual([["abc", ""], ["bc", "b"], ["xbc", "b"], ["cxb", "b"], ["cx", ""]], found)
        self.assert_clean()

    def test_charts_are_read_by_keys(self):
        self.open()
        self.browser.wait("performance.getEntriesByName('kiln-update').length > 2", "updates")
        self.browser.js("document.querySelector('#charts canvas').focus()")
        self.assertNotIn(" at ", self.browser.text("#charts .read"))
        self.browser.type(Keys.ARROW_LEFT)
        self.assertRegex(self.browser.text("#charts .read"), r" at \d\d:\d\d:\d\d")
        self.browser.type(Keys.TAB)
        self.browser.js("document.activeElement.blur()")
        self.assertNotIn(" at ", self.browser.text("#charts .read"))


if __name__ == "__main__":
    unittest.main()
