"""The coordinator's live page in a real Chromium, over a real farm."""

import json
import signal
import subprocess
import unittest

import kilntest
from kilntest import pools
from kilntest.chromium import Keys
from kilntest.rounds import Rounds
from page_case import ALL, SLOTS, SOON, WORKERS, PageCase, PageOfFarmCase

# What somebody may call a build to take over the page of who looks at it.
HOSTILE = '<img src=x onerror="window.taken=1"><script>window.taken=1</script>'
BUSY = 90
TIMELINE = ".timeline .scroll canvas"
OVERVIEW_SHOWN = "!document.querySelector('#overview').hidden"

# The contrast of two custom properties of the page, as WCAG reckons it.
CONTRAST = """
const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const style = getComputedStyle(document.documentElement);
const light = (name) => {
  const hex = style.getPropertyValue(name).trim().slice(1);
  const [r, g, b] = [0, 2, 4].map((at) => channel(parseInt(hex.slice(at, at + 2), 16) / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const [one, other] = [light(arguments[0]), light(arguments[1])].sort((a, b) => b - a);
return (one + 0.05) / (other + 0.05);
"""
READABLE = [("--text", "--ground"), ("--text", "--panel"), ("--text", "--raised"),
            ("--muted", "--ground"), ("--muted", "--panel"), ("--muted", "--chamber"),
            ("--bad", "--panel"), ("--bad", "--stale-ground"), ("--bad", "--chamber"),
            ("--mark-text", "--ready"), ("--chamber", "--busy"), ("--chamber", "--lost"),
            *(("--mark-text", f"--build-{number}") for number in range(8))]


class PageTest(PageOfFarmCase):
    def test_it_shows_the_farm_and_asks_nobody_else(self):
        self.open()
        self.wait_number("Slots busy", f"0 / {ALL}")
        self.wait_number("Nodes", str(WORKERS))
        legend = dict(text.split() for text in self.browser.texts("#legend li"))
        self.assertEqual(ALL, sum(map(int, legend.values())))
        self.assertIn("default", self.browser.text("#pools"))
        self.assertIn("w0 joined", self.browser.text("#events"))
        self.browser.wait("performance.getEntriesByName('kiln-update').length > 6",
                          "further updates")
        self.assert_clean()

    def test_its_files_come_with_tags_and_a_policy(self):
        self.open()
        told = self.browser.module("""
            const first = await fetch("/page/main.js");
            const etag = first.headers.get("ETag");
            const again = await fetch("/page/main.js", {headers: {"If-None-Match": etag},
                                                        cache: "no-store"});
            const page = await fetch("/");
            return [first.status, again.status, page.headers.get("Content-Security-Policy"),
                    page.headers.get("X-Content-Type-Options"), page.headers.get("Cache-Control")];
        """)
        self.assertEqual([200, 304], told[:2])
        self.assertIn("default-src 'self'", told[2])
        self.assertEqual(["nosniff", "no-cache"], told[3:])

    def test_it_follows_a_build(self):
        self.open()
        build = Rounds(self.farm, self.farm.directory / "projects" / "page")
        self.browser.wait("document.querySelector('#running tbody tr')", "a task", BUSY)
        self.browser.wait(
            "[...document.querySelectorAll('#running tbody tr')].some((row) => "
            "/running.*f\\d+\\.c.*w[01] · \\d/s.test(row.innerText))", "a task that runs", BUSY)
        self.browser.wait("/[1-9]/.test(document.querySelector('.number .value').innerText)",
                          "busy slots", BUSY)
        self.browser.wait("document.querySelector('#builds tbody tr')", "the build")
        self.browser.wait("/[1-9][\\d.]* tasks\\/s/.test(document.querySelector('#charts')"
                          ".innerText)", "throughput", BUSY)
        first = self.browser.js("return document.querySelector('#builds a').getAttribute('href')")
        self.browser.click("#builds a")
        self.browser.wait("document.querySelector('.timeline .more')?.innerText.match(/\\d+ jobs/)",
                          "the timeline")
        self.assertEqual(first, self.browser.js("return location.hash"))
        before = int(self.fact("Done").replace(",", ""))
        kilntest.wait_until(lambda: int(self.fact("Done").replace(",", "")) > before + 10,
                            "the build to go on", BUSY)
        self.assertEqual([], build.end())
        self.browser.back()
        self.wait_number("Slots busy", f"0 / {ALL}")
        self.assert_clean()

    def test_a_node_that_dies_is_shown_lost_and_comes_back(self):
        self.open()
        self.wait_number("Nodes", f"{WORKERS} ready")
        worker = self.farm.workers[1]
        worker.end(signal.SIGKILL)
        self.wait_number("Nodes", "1 lost", BUSY)
        self.browser.wait_text("#events", "w1 was lost")
        self.browser.wait_text("#legend", "lost")
        self.farm.restart_worker(1)
        self.wait_number("Nodes", f"{WORKERS} ready", BUSY)
        self.browser.wait("!document.querySelector('#legend').innerText.includes('lost')",
                          "no lost slots")
        self.assert_clean()

    def test_a_job_that_its_node_took_with_it_is_shown_so(self):
        self.sleep_remotely(ALL, "unlucky")
        self.open(f"#/build/{self.build_id('unlucky')}")
        self.browser.wait_text(".timeline .more", f"{ALL} jobs on {ALL} slots")
        self.farm.workers[1].end(signal.SIGKILL)
        self.addCleanup(self.farm.wait_nodes, WORKERS)
        self.addCleanup(self.farm.restart_worker, 1)

        def told():
            self.browser.js("document.querySelector(arguments[0]).focus()", TIMELINE)
            self.browser.type("n")
            return "lost with its node" in self.browser.text(".chosen")
        kilntest.wait_until(told, "a job that was lost", BUSY)
        self.assertRegex(self.browser.text(".chosen"), r"sleep.*w1, slot \d.*then")
        self.assert_clean()

    def test_a_build_of_another_coordinators_life_is_not_taken_for_one_of_this(self):
        self.sleep_remotely(1, "outlives")
        before = self.build_id("outlives")
        self.open(f"#/build/{before}")
        self.browser.wait_text(".timeline .more", "1 job on 1 slot")
        self.farm.coordinator.end()
        self.farm.restart_coordinator()
        self.browser.wait_text("#details", "There is no such build", BUSY)
        after = self.build_id("outlives")
        self.assertGreater(after, before)
        self.browser.js("location.hash = arguments[0]", f"#/build/{after}")
        self.browser.wait_text(".timeline .more", "1 job on 1 slot")
        self.farm.wait_nodes(WORKERS)

    def test_a_pool_is_shown_warming(self):
        self.open()
        create = self.farm.start_client(
            ["kiln", "pool", "create", "slow", "--toolchain", "sleep", "--init", "sleep 5",
             "--warm", "all", "--min-warm", "1"], stdout=subprocess.DEVNULL)
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "slow"])
        for state in ("warming", "ready"):
            self.browser.wait("[...document.querySelectorAll('#pools tr')].some((row) => "
                              f"/slow.*{WORKERS} {state}/s.test(row.innerText))",
                              f"the pool to be {state}", BUSY)
        self.assertEqual(0, create.wait(SOON))
        self.assert_clean()

    def test_a_pool_warms_and_tells_of_its_nodes(self):
        self.open()
        pools.create(self.farm, "held", "--context", "forkserver", "--toolchain", "gcc", "--warm",
                     "all", "--min-warm", "2")
        self.browser.wait_text("#pools", "held")
        self.browser.wait("[...document.querySelectorAll('#pools tr')].some((row) => "
                          f"/held.*{WORKERS} ready/s.test(row.innerText))", "the pool to be warm",
                          BUSY)
        self.browser.wait_text("#events", "held")
        self.browser.click("#pools a[href='#/pool/held']")
        self.wait_title("held")
        self.browser.wait(f"document.querySelectorAll('#details tbody tr').length >= {WORKERS}",
                          "its nodes")
        rows = self.browser.texts("#details tbody tr")
        self.assertEqual(["w0", "w1"], [row.split()[0] for row in rows[:WORKERS]])
        self.assertEqual(f"{WORKERS} ready", self.fact("Nodes"))
        self.farm.client(["kiln", "pool", "delete", "held"], check=True)
        self.browser.wait_text("#details", "no such pool")
        self.assert_clean()

    def test_a_broken_pool_says_why(self):
        self.open()
        pools.create(self.farm, "sick", "--toolchain", "sh", "--init", "sh -c 'exit 3'", "--warm",
                     "all", "--min-warm", "1", check=False)
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "sick"])
        self.browser.wait_text("#events", "the pool sick is broken on w", BUSY)
        self.browser.wait("[...document.querySelectorAll('#pools tr')].some((row) => "
                          f"/sick.*{WORKERS} broken/s.test(row.innerText))", "both nodes broken",
                          BUSY)
        self.browser.click("#pools a[href='#/pool/sick']")
        self.wait_title("sick")
        self.browser.wait_text("#details .title", "3")
        self.assertIn("broken", self.browser.text("#details tbody tr"))
        self.assert_clean()

    def test_clicks_lead_to_details_and_back(self):
        self.sleep_remotely(2, "clicked")
        self.open()
        self.wait_number("Slots busy", f"2 / {ALL}")
        self.browser.hover("#grid canvas", 8, 8)
        self.browser.wait_text("#tip", "w0")
        self.assertIn("slot 0", self.browser.text("#tip"))
        self.browser.click_at("#grid canvas", 8, 8)
        self.wait_title("w0")
        self.browser.wait(f"document.querySelectorAll('.slots li').length === {SLOTS}", "slots")
        node = json.loads(self.farm.coordinator.get("/api/v1/nodes?name=w0")[1])["nodes"][0]
        self.assertEqual(f"{node['running']} / {SLOTS}", self.fact("Busy"))
        self.browser.wait_text("#details .title .note", node["task_address"])
        self.browser.back()
        self.browser.wait(OVERVIEW_SHOWN, "the overview")
        number = self.build_id("clicked")
        self.browser.click(f"#builds a[href='#/build/{number}']")
        self.wait_title("clicked")
        self.browser.wait_text("#details", "2 jobs on 2 slots")
        self.browser.wait("[...document.querySelectorAll('#details tbody tr')].filter((row) => "
                          "row.innerText.includes('sleep')).length === 2", "its tasks")
        self.browser.click(TIMELINE)
        self.browser.type("n")
        self.assertRegex(self.browser.text(".chosen"), r"sleep.*w[01], slot \d.*runs for")
        self.browser.js("location.hash = '#/tasks?node=w0'")
        self.wait_title("Tasks now")
        self.browser.wait("document.querySelector('.filters select')?.value === 'w0'", "the filter")
        self.assert_clean()

    def pointed_at(self, x):
        """How many of the first two lanes have a job at that place."""
        found = 0
        for y in (13, 33):
            self.browser.hover(TIMELINE, x, y)
            found += "sleep" in self.browser.text("#tip:not([hidden])")
        return found

    def test_the_mouse_looks_closer_into_a_timeline(self):
        for count in (1, 2):
            self.sleep_remotely(1, "closer")
            self.wait_old(count, 3000)
        self.open(f"#/build/{self.build_id('closer')}")
        note = ".timeline .more"
        self.browser.wait_text(note, "2 jobs on 2 slots")
        right = self.browser.js("return document.querySelector(arguments[0]).clientWidth", TIMELINE)
        self.assertEqual(1, self.pointed_at(120))
        self.browser.wheel(TIMELINE, right - 20, 13, -200)
        self.assertNotIn("shown", self.browser.text(note))
        for _ in range(5):
            self.browser.wheel(TIMELINE, right - 20, 13, -200, ctrl=True)
        self.browser.wait_text(note, "shown")
        self.assertEqual(2, self.pointed_at(120))
        for _ in range(10):
            self.browser.drag(TIMELINE, 200, 13, right - 300)
        self.assertEqual(1, self.pointed_at(120))
        self.browser.click(".timeline .tools button:last-child")
        self.browser.wait(f"!document.querySelector('{note}').innerText.includes('shown')",
                          "all of it")
        self.assert_clean()

    def test_the_keyboard_is_enough(self):
        self.open()
        self.wait_number("Nodes", f"{WORKERS} ready")
        self.browser.type("g")
        self.browser.wait_text("#tip", "w0")
        self.browser.type(Keys.ARROW_RIGHT)
        self.assertIn("w1", self.browser.js("return document.querySelector('#said').textContent"))
        self.browser.type(Keys.ENTER)
        self.wait_title("w1")
        self.assertEqual("w1", self.browser.js("return document.activeElement.innerText"))
        self.browser.type(Keys.ESCAPE)
        self.browser.wait(OVERVIEW_SHOWN, "the overview")
        self.browser.type("/")
        self.browser.type("defau", Keys.ENTER)
        self.wait_title("default")
        self.browser.type("?")
        self.browser.wait("document.querySelector('#help').open", "the help")
        self.browser.type(Keys.ESCAPE)
        self.browser.wait("!document.querySelector('#help').open", "the end of the help")
        self.browser.type(Keys.ESCAPE)
        self.browser.wait(OVERVIEW_SHOWN, "the overview")
        self.browser.type("b")
        self.browser.wait("document.querySelector('#by-build').ariaChecked === 'true'", "builds")
        self.browser.type("t")
        self.wait_title("Tasks now")
        self.assert_clean()

    def test_both_themes_are_readable_and_kept(self):
        for dark in (True, False):
            self.browser.prefer(dark=dark)
            self.open()
            theme = self.browser.js("return document.documentElement.dataset.theme")
            self.assertEqual("dark" if dark else "light", theme)
            for text, ground in READABLE:
                with self.subTest(f"{text} on {ground}, {theme}"):
                    self.assertGreaterEqual(self.browser.js(CONTRAST, text, ground), 4.5)
        self.browser.prefer(dark=True)
        self.browser.click("#theme")
        self.assertEqual("light", self.browser.js("return document.documentElement.dataset.theme"))
        self.open()
        self.assertEqual("light", self.browser.js("return document.documentElement.dataset.theme"))
        self.browser.js("localStorage.clear()")
        self.assert_clean()

    def test_names_are_text_whatever_is_in_them(self):
        self.sleep_remotely(1, HOSTILE)
        number = self.build_id(HOSTILE)
        self.open()
        self.browser.wait_text("#builds", HOSTILE)
        self.browser.wait_text("#running", HOSTILE)
        self.browser.type("b")
        self.browser.wait_text("#legend", HOSTILE)
        for view in (f"#/build/{number}", "#/tasks", "#/node/" + "%3Cimg%20src%3Dx%3E"):
            self.browser.js("location.hash = arguments[0]", view)
            self.browser.wait_text("#details", "<img src=x")
        self.assertEqual([None, 0], self.browser.js(
            "return [window.taken ?? null, document.querySelectorAll('img[src=\"x\"]').length]"))
        self.assert_clean()

    def test_narrow_screens_need_no_scrolling_sideways(self):
        self.addCleanup(self.browser.resize, 1440, 900)
        self.browser.resize(400, 900)
        self.open()
        for view, words in (("#/", "Nodes and slots"), ("#/node/w0", "Tasks on it"),
                            ("#/pool/default", "Its nodes"), ("#/tasks", "Running here")):
            self.browser.js("location.hash = arguments[0]", view)
            self.browser.wait_text("#farm", words)
            self.assertLessEqual(self.browser.js("return document.documentElement.scrollWidth"),
                                 400, view)

    def test_motion_stops_for_who_wants_none(self):
        self.addCleanup(self.browser.prefer, True)
        self.open()
        self.browser.wait("document.getAnimations().length", "what moves")
        self.browser.prefer(dark=True, calm=True)
        self.open()
        self.assertEqual(0, self.browser.js("return document.getAnimations().length"))


class AwayTest(PageCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=0, isolated=False)
        cls.start_browser()

    def test_an_empty_farm_says_how_to_begin(self):
        self.open()
        self.browser.wait_text("#grid", "No worker has joined yet")
        self.assertIn("kiln-worker --coordinator 127.0.0.1", self.browser.text("#grid"))
        self.browser.wait_text("#builds", "No build")
        self.browser.wait_text("#running", "No task runs")
        self.assert_clean()

    def test_it_says_that_it_is_stale_and_recovers(self):
        self.open()
        with self.subTest("gone"):
            self.farm.coordinator.end()
            self.browser.wait_text("#status", "stale for")
            self.browser.wait_text("#status", "trying again")
            self.assertTrue(self.browser.js("return document.body.classList.contains('away')"))
            self.farm.restart_coordinator()
            self.browser.wait_text("#status", "live")
        with self.subTest("standing still"), self.farm.coordinator.stopped():
            self.browser.wait_text("#status", "does not answer", BUSY)
        self.browser.wait_text("#status", "live")
        self.assertFalse(self.browser.js("return document.body.classList.contains('away')"))
        wrong = [line for line in self.browser.console() if "ERR_CONNECTION_REFUSED" not in line]
        self.assertEqual([], wrong)


if __name__ == "__main__":
    unittest.main()
