"""The comparison of a daemon's metrics with their document finds each kind of difference."""

import unittest

from kilntest.exposition import differences, documented, exported

PAGE = """
## Of the coordinator

| name | kind | labels | unit | meaning | example |
|---|---|---|---|---|---|
| `kiln_nodes` | gauge | `state`: `ready`, `lost` | nodes | workers | `kiln_nodes` |
| `kiln_lost_total` | counter | `reason`: `closed`; `pool` | | lost | `a{b=~"c\\|d"}` |
| `kiln_wait_seconds` | histogram | | seconds | waited | `kiln_wait_seconds_sum` |
"""
SERVED = """# HELP kiln_nodes Workers.
# TYPE kiln_nodes gauge
kiln_nodes{state="ready"} 1
kiln_nodes{state="lost"} 0
# TYPE kiln_wait_seconds histogram
kiln_wait_seconds_count 1
kiln_wait_seconds_sum 0.5
kiln_wait_seconds_bucket{le="1"} 1
kiln_wait_seconds_bucket{le="+Inf"} 1
# TYPE kiln_lost_total counter
kiln_lost_total{pool="any, {thing}",reason="closed"} 2
"""


class ExpositionTest(unittest.TestCase):
    def wrong(self, served):
        return differences(documented(PAGE), exported(served), "coordinator")

    def assert_caught(self, words, served):
        found = self.wrong(served)
        self.assertTrue(any(words in one for one in found), found)

    def test_what_is_as_documented_is_fine(self):
        self.assertEqual([], self.wrong(SERVED))
        self.assertEqual([], self.wrong(
            SERVED + 'kiln_lost_total{pool="another",reason="closed"} 2\n'))

    def test_rows_are_read_with_their_labels(self):
        row = documented(PAGE)[1]
        self.assertEqual({"reason": {"closed"}, "pool": set()}, row.labels)
        self.assertEqual(("lost", 'a{b=~"c|d"}'), (row.meaning, row.example))

    def test_differences_are_found(self):
        self.assert_caught("kiln_new, which", SERVED + "# TYPE kiln_new gauge\nkiln_new 1\n")
        self.assert_caught("does not export kiln_nodes", SERVED.replace("kiln_nodes", "kiln_n"))
        self.assert_caught("is a counter, not a gauge", SERVED.replace("nodes gauge",
                                                                       "nodes counter"))
        self.assert_caught("has labels ['reason']",
                           SERVED + 'kiln_lost_total{reason="closed"} 1\n')
        self.assert_caught("has reason=bored", SERVED +
                           'kiln_lost_total{pool="a",reason="bored"} 1\n')
        self.assert_caught("no series with reason=closed",
                           SERVED.replace('reason="closed"', 'reason="bored"'))
        self.assert_caught("no series with state=lost",
                           SERVED.replace('kiln_nodes{state="lost"} 0\n', ""))
        self.assert_caught("no series of kiln_wait_seconds",
                           "\n".join(line for line in SERVED.splitlines()
                                     if not line.startswith("kiln_wait")))


if __name__ == "__main__":
    unittest.main()
