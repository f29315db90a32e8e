"""The parts of the live page that only reckon, each by itself, in the browser that they are for."""

import pathlib
import re
import unittest

from kilntest.chromium import Chromium
from kilntest.page_server import PageServer

CASES = pathlib.Path(__file__).with_name("page_modules")


class PageModulesTest(unittest.TestCase):
    def test_modules(self):
        sources = {f"/page/cases/{path.name}": path.read_text() for path in CASES.glob("*.js")}
        with PageServer(sources) as server, Chromium() as browser:
            browser.open(f"http://{server.address}/page/icon.svg")
            ran = 0
            for path, source in sources.items():
                for name in re.findall(r"^export function (\w+)\(\)", source, re.MULTILINE):
                    with self.subTest(f"{path}: {name}"):
                        browser.module(f"(await import('{path}')).{name}();")
                        ran += 1
            self.assertGreater(ran, 25)


if __name__ == "__main__":
    unittest.main()
