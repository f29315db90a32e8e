"""A real Chromium without a screen, of Debian's package, driven through its own driver."""

import json
import shutil
import tempfile

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from kilntest.waiting import wait_until

__all__ = ["Chromium", "Keys"]

SOON = 30
# It runs as root in tests, and must not ask the world for anything by itself.
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
          "--disable-domain-reliability", "--no-default-browser-check", "--hide-scrollbars",
          "--disable-features=OptimizationHints,MediaRouter,DialMediaRouteProvider")


class Chromium:
    """A context manager. `dark` is what the system's colours are said to be; `scale` is of dots to
    pixels."""

    def __init__(self, width=1440, height=900, dark=True, scale=1):
        self._size, self._dark, self._scale = (width, height), dark, scale
        self._folder = self._driver = None

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="chromium", dir="/var/tmp")
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*_FLAGS, f"--user-data-dir={self._folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        try:
            self._driver = webdriver.Chrome(
                service=Service(executable_path="/usr/bin/chromedriver"), options=options)
            self.resize(*self._size)
            self.prefer(dark=self._dark)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        if self._driver is not None:
            if kind is not None and issubclass(kind, Exception):
                print("---- console\n" + "\n".join(self.console()), flush=True)
            self._driver.quit()
        shutil.rmtree(self._folder, ignore_errors=True)

    # ---- what it is -----------------------------------------------------------------------------

    def resize(self, width, height):
        self._devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                       deviceScaleFactor=self._scale, mobile=False)

    def prefer(self, dark, calm=False):
        """What the system is said to prefer."""
        self._devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"}])

    def _devtools(self, command, **words):
        return self._driver.execute_cdp_cmd(command, words)

    # ---- doing ----------------------------------------------------------------------------------

    def open(self, address):
        self._driver.get(address)

    def click(self, css):
        self._one(css).click()

    def click_at(self, css, x, y):
        """At so many pixels from the element's corner, as `hover`."""
        self._actions_at(css, x, y).click().perform()

    def hover(self, css, x, y):
        self._actions_at(css, x, y).perform()

    def drag(self, css, x, y, right):
        """With the mouse, so many pixels to the right."""
        (self._actions_at(css, x, y).click_and_hold().move_by_offset(right, 0).release()
         .perform())

    def wheel(self, css, x, y, down, ctrl=False):
        """By so many pixels, with the pointer there."""
        one = self._one(css)
        place = one.rect
        scrolled = self.js("return [scrollX, scrollY]")
        self._devtools("Input.dispatchMouseEvent", type="mouseWheel", deltaX=0, deltaY=down,
                       x=place["x"] - scrolled[0] + x, y=place["y"] - scrolled[1] + y,
                       modifiers=2 if ctrl else 0)

    def _actions_at(self, css, x, y):
        one = self._one(css)
        # The driver counts from the middle of what is in the window.
        wide, high = self.js(
            "const { left, right, top, bottom } = arguments[0].getBoundingClientRect(); "
            "const seen = (from, to, all) => [Math.max(0, from), Math.min(to, all)]; "
            "const [[l, r], [t, b]] = [seen(left, right, innerWidth), "
            "seen(top, bottom, innerHeight)]; return [(l + r) / 2 - left, (t + b) / 2 - top]", one)
        return ActionChains(self._driver, duration=0).move_to_element_with_offset(
            one, x - int(wide), y - int(high))

    def type(self, *keys):
        """To whatever has the focus."""
        ActionChains(self._driver, duration=0).send_keys(*keys).perform()

    def back(self):
        self._driver.back()

    # ---- seeing ---------------------------------------------------------------------------------

    def _one(self, css):
        return self._driver.find_element(By.CSS_SELECTOR, css)

    def js(self, script, *arguments):
        """What `return …` in the page gives."""
        return self._driver.execute_script(script, *arguments)

    def call(self, script, *arguments, seconds=SOON):
        """What the script gives to the function that is its last argument."""
        self._driver.set_script_timeout(seconds)
        return self._driver.execute_async_script(script, *arguments)

    def module(self, body, seconds=SOON):
        """What an async function of this body gives; it may import()."""
        value = self.call(
            "const done = arguments[0]; (async () => {" + body + "})()"
            ".then((value) => done([value]), (error) => done(String(error.stack)))",
            seconds=seconds)
        if not isinstance(value, list):
            raise AssertionError(value)
        return value[0]

    def text(self, css="body"):
        """What people see of the first such element, or an empty text."""
        return self.js("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def texts(self, css):
        return self.js("return [...document.querySelectorAll(arguments[0])]"
                       ".map((one) => one.innerText)", css)

    def wait(self, condition, what, seconds=SOON):
        """Until an expression in the page is true; returns it."""
        return wait_until(lambda: self.js(f"return {condition}"), what, seconds)

    def wait_text(self, css, words, seconds=SOON):
        """Until the element shows these words; returns all of its text."""
        seen = [""]

        def look():
            seen[0] = self.text(css)
            return words in seen[0]
        try:
            wait_until(look, f'"{words}" in {css}', seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows: {seen[0]}") from None
        return seen[0]

    def console(self):
        """What was written to the console since the last time, errors of loading among it."""
        try:
            return [f"{entry['level']} {entry['message']}"
                    for entry in self._driver.get_log("browser")]
        except WebDriverException as error:
            return [str(error)]

    def requests(self):
        """The addresses that it asked since the last time."""
        asked = []
        for entry in self._driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        return asked

    def measures(self, name):
        """Milliseconds of the page's own measures of that name."""
        return self.js("return performance.getEntriesByName(arguments[0])"
                       ".map((entry) => entry.duration)", name)

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._driver.save_screenshot(str(path))
