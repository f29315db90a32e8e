"""The benchmark itself works: one round of three files and well-formed results; no figure is
judged. Icecream is left out, whose scheduler gives a busy machine no jobs: tests
also run beside others.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).with_name("bench.py")


class BenchTest(unittest.TestCase):
    def test_one_round_of_three_files(self):
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder, "bench", "summary.json")
            page = pathlib.Path(folder, "page.md")
            page.write_text("<!-- figures: written by scripts/bench.sh --docs -->\nold\n"
                            "<!-- end of figures -->\nafter\n")
            done = subprocess.run(
                [sys.executable, "-B", str(BENCH), str(target), "--rounds=1", "--files=3",
                 "--settings=1", "--calls=2", "--without-icecream",
                 f"--docs={page}"],
                capture_output=True, text=True, check=False)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertIn("| kiln |", page.read_text())
            self.assertTrue(page.read_text().endswith("end of figures -->\nafter\n"))
            rows = json.loads(target.read_text())
            table = target.with_name("table.md").read_text()
        self.assertEqual([], [line for line in done.stdout.split("As Markdown")[0].splitlines()
                              if len(line) > 80])
        for row in rows:
            self.assertEqual({"name", "unit", "kiln", "peers"}, row.keys())
            self.assertIn(row["name"], table)
        self.assertEqual(len(rows), len({row["name"] for row in rows}))
        by_name = {row["name"]: row for row in rows}
        self.assertEqual({"local", "distcc"}, by_name["gcc -O0: wall"]["peers"].keys())
        self.assertEqual(0, by_name["gcc -O0: files unlike local"]["kiln"])
        moved = by_name["gcc -O0: bytes moved per file"]["peers"]
        self.assertGreater(moved["distcc"], 1 + moved["local"])  # it really went over the cable


if __name__ == "__main__":
    unittest.main()
