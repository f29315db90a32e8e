"""What tests of the live page share: a real Chromium, over a real farm."""

import json
import signal

import kilntest
from kilntest.chromium import Chromium

WORKERS, SLOTS = 2, 4
ALL = WORKERS * SLOTS
SOON = 30


class PageCase(kilntest.FarmCase):
    """Each test has the page open in a browser of its class."""

    @classmethod
    def start_browser(cls):
        cls.browser = Chromium()
        cls.browser.__enter__()
        cls.addClassCleanup(cls.browser.__exit__, None, None, None)

    @property
    def address(self):
        return "http://{}:{}".format(*self.farm.coordinator.http_address)

    def open(self, hash_="#/"):
        self.browser.open("about:blank")
        self.browser.console()
        self.browser.requests()
        self.browser.open(f"{self.address}/{hash_}")
        self.browser.wait_text("#status", "live")

    def wait_number(self, name, words, seconds=SOON):
        """Until the number of that name shows these words."""
        self.browser.wait(
            f"[...document.querySelectorAll('.number')].some((one) => one.innerText.startsWith("
            f"{json.dumps(name)}) && one.innerText.includes({json.dumps(words)}))",
            f"{name} to be {words}", seconds)

    def wait_title(self, words):
        self.browser.wait_text("#details h2", words)

    def fact(self, name):
        return self.browser.js(
            "return [...document.querySelectorAll('.facts > div')].find((one) => "
            "one.firstElementChild.innerText === arguments[0])?.lastElementChild.innerText", name)

    def sleep_remotely(self, count, build):
        """Tasks of a build that last until the test ends."""
        for number in range(count):
            call = self.farm.start_client(["kiln", "run", "--", "sleep", f"36{number:02}"],
                                          env={"KILN_BUILD": build})
            self.addCleanup(call.wait, SOON)
            self.addCleanup(call.send_signal, signal.SIGINT)

    def wait_old(self, count, ms):
        """Until so many tasks have been there for that long."""
        def old():
            tasks = json.loads(self.farm.coordinator.get("/api/v1/tasks")[1])["tasks"]
            return sum(task["age_ms"] > ms for task in tasks) >= count
        kilntest.wait_until(old, f"{count} tasks to be {ms} ms old", SOON)

    def build_id(self, name):
        """What the coordinator calls the build of that name."""
        def look():
            answer = json.loads(self.farm.coordinator.get("/api/v1/live")[1])
            return next((one["id"] for one in answer["builds"] if one["name"] == name), None)
        return kilntest.wait_until(look, f"the build {name}", SOON)

    def assert_clean(self):
        """Nothing was wrong, and nobody else was asked for anything."""
        self.assertEqual([], self.browser.console())
        foreign = [url for url in self.browser.requests()
                   if not url.startswith((self.address + "/", "about:"))]
        self.assertEqual([], foreign)


class PageOfFarmCase(PageCase):
    """Its tests share a farm that knows gcc."""

    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=WORKERS, slots=SLOTS, isolated=False)
        cls.farm.prime("gcc")
        cls.start_browser()
