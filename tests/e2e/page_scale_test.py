"""The live page of a farm of a thousand nodes and sixteen thousand slots: made-up workers and a
real coordinator. scripts/bench.sh page says what it costs."""

import unittest

from kilntest.chromium import Chromium
from kilntest.large_farm import LargeFarm

NODES, SLOTS, TASKS_PER_SECOND = 1000, 16, 500
UPDATES = 5


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


if __name__ == "__main__":
    unittest.main()
