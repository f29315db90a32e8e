"""The timeline of a build, as `kiln trace` gives it."""

import collections
import json
import unittest

import kilntest

FILES = 30
PHASES = ["transfer", "queue", "root", "run", "return"]
CLIENT = 1


class TraceTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=2, isolated=False, fallback=True)
        cls.folder = cls.farm.directory / "projects"
        for number in range(FILES):
            (cls.folder / f"f{number}.c").write_text(
                f"#include <stdio.h>\nint f{number}(void) {{ return puts(\"{number}\"); }}\n")
        cls.farm.prime("gcc")
        cls.farm.kiln("run", "--", "true", check=True)
        cls.before = cls.farm.kiln("stats", "--json")
        cls.build()
        cls.after = cls.farm.kiln("stats", "--json")
        cls.trace = kilntest.wait_until(cls.whole, "the local job's end to be known")

    @classmethod
    def build(cls):
        """Files on both workers, one that stays here, and a job whose worker dies under it."""
        named = {"KILN_BUILD": "nightly"}
        cls.farm.client(["sh", "-c", "ls f*.c | xargs -P 4 -n 1 kiln gcc -c"], env=named,
                        check=True)
        cls.farm.client(["kiln", "gcc", "-E", "f0.c", "-o", "f0.i"], env=named, check=True)
        job = cls.farm.start_client(["kiln", "run", "--", "sleep", "3"], env=named)

        def running():
            return [task["node"] for task in cls.farm.kiln("tasks", "--json")["tasks"]
                    if task["label"] == "sleep" and task["phase"] == "running"]

        (cls.killed,) = kilntest.wait_until(running, "the job to run", 60)
        cls.farm.kill_worker(int(cls.killed.removeprefix("w")))
        if job.wait(timeout=60) != 0:
            raise AssertionError(f"the job ended with {job.returncode}")

    @classmethod
    def whole(cls):
        trace = json.loads(cls.farm.kiln("trace", "nightly", check=True).stdout)
        return trace if any(event["name"] == "here" for event in trace["traceEvents"]) else None

    def events(self, **members):
        return [event for event in self.trace["traceEvents"]
                if all(event.get(name) == value for name, value in members.items())]

    def jobs(self, outcome):
        return [job for job in self.events(cat="job") if job["args"]["outcome"] == outcome]

    def within(self, whole):
        """The phases of an event, in the order in which they are written."""
        return [event for event in self.events(cat="phase", pid=whole["pid"], tid=whole["tid"])
                if whole["ts"] <= event["ts"] and end(event) <= end(whole)]

    def names(self, kind):
        """Of processes by pid, of threads by pid and tid."""
        return {(event["pid"], event["tid"]): event["args"]["name"]
                for event in self.events(ph="M", name=f"{kind}_name")}

    def test_each_job_is_there_once(self):
        files = collections.Counter(job["args"]["file"] for job in self.events(cat="job"))
        # f0.c was compiled, and preprocessed.
        expected = {str(self.folder / f"f{number}.c"): 1 + (number == 0)
                    for number in range(FILES)}
        self.assertEqual({**expected, "sleep": 1}, dict(files))
        (here,) = self.jobs("local")
        self.assertEqual((str(self.folder / "f0.c"), CLIENT), (here["args"]["file"], here["pid"]))
        self.assertTrue(here["args"]["reason"])
        self.assertGreater(here["dur"], 0)

    def test_phases_are_in_order_and_all_there(self):
        for job in self.jobs("remote"):
            phases = self.within(job)
            names = [phase["name"] for phase in phases]
            with self.subTest(job["name"]):
                self.assertEqual([name for name in PHASES if name in names], names)
                self.assertIn("run", names)
                self.assertEqual(phases, sorted(phases, key=lambda phase: phase["ts"]))
                # They leave nothing out.
                self.assertEqual(job["dur"], sum(phase["dur"] for phase in phases))
                client = [event for event in self.events(cat="client")
                          if event["args"]["file"] == job["args"]["file"]]
                done = {phase["name"] for event in client for phase in self.within(event)}
                self.assertLessEqual({"list", "lease", "write"}, done)

    def test_all_is_within_the_builds_time(self):
        wall = self.trace["otherData"]["wall_ms"] * 1000
        (listed,) = [build for build in self.farm.kiln("trace", "--list", "--json")["builds"]
                     if build["name"] == "nightly"]
        self.assertEqual(self.trace["otherData"]["wall_ms"], listed["wall_ms"])
        for event in self.events(ph="X"):
            self.assertGreaterEqual(event["ts"], 0)
            self.assertLessEqual(end(event), wall)

    def test_no_two_events_of_a_lane_overlap_but_nested(self):
        lanes = collections.defaultdict(list)
        for event in self.events(ph="X"):
            lanes[event["pid"], event["tid"]].append(event)
        self.assertEqual(set(lanes), set(self.names("thread")))
        for lane, events in lanes.items():
            around = []
            for event in sorted(events, key=lambda event: (event["ts"], -event["dur"])):
                while around and end(around[-1]) <= event["ts"]:
                    around.pop()
                self.assertTrue(not around or end(event) <= end(around[-1]), (lane, event))
                around.append(event)
                self.assertLessEqual(len(around), 2)

    def test_the_sums_are_those_of_stats(self):
        def more(name):
            return self.after[name]["total"] - self.before[name]["total"]

        about = self.trace["otherData"]
        for name in ("remote", "local", "fallback", "failed"):
            self.assertEqual((more(name), more(name)), (len(self.jobs(name)), about[name]), name)
        self.assertEqual(FILES + 1, more("remote"))
        self.assertEqual(more("retried"), len(self.events(cat="attempt")))
        nodes = self.names("process")
        ran = collections.Counter(nodes[job["pid"], 0].removeprefix("node ")
                                  for job in self.jobs("remote"))
        reasons = collections.Counter(self.after["remote"]["reasons"])
        reasons.subtract(self.before["remote"]["reasons"])
        self.assertEqual({node: count for node, count in reasons.items() if count}, dict(ran))
        # Not those of stats, which counts what travels: compressed, and with what is no input.
        self.assertGreater(sum(job["args"]["bytes_in"] for job in self.events(cat="job")), 0)

    def test_an_attempt_that_failed_says_where_and_why(self):
        (failed,) = [event for event in self.events(cat="attempt")
                     if event["args"]["ended"] == "worker_lost"]
        self.assertEqual("node " + self.killed, self.names("process")[failed["pid"], 0])
        (job,) = [job for job in self.events(cat="job") if job["name"] == "sleep"]
        self.assertEqual("exited", job["args"]["ended"])
        self.assertGreaterEqual(job["args"]["attempts"], 2)
        self.assertGreaterEqual(job["ts"], end(failed))
        self.assertNotEqual(job["pid"], failed["pid"])
        (run,) = [phase for phase in self.within(job) if phase["name"] == "run"]
        self.assertGreaterEqual(run["dur"], 2_900_000)

    def test_the_numbers_of_jobs_begin_and_end_at_nothing(self):
        counted = self.events(ph="C")
        self.assertGreater(max(event["args"]["remote"] for event in counted), 1)
        self.assertEqual({1}, {event["args"]["local"] for event in counted} - {0})
        self.assertEqual({0}, set(counted[-1]["args"].values()))

    def test_builds_are_listed_and_the_latest_is_the_default(self):
        def listed():
            return {build["name"]: build
                    for build in self.farm.kiln("trace", "--list", "--json")["builds"]}

        nightly = listed()["nightly"]
        self.assertEqual((FILES + 2, FILES + 1, 1), (nightly["jobs"], nightly["remote"],
                                                     nightly["local"]))
        self.assertIn("nightly", self.farm.kiln("trace", "--list").stdout.decode())
        self.farm.client(["kiln", "gcc", "-c", "f1.c"], env={"KILN_BUILD": "later"}, check=True)
        self.assertEqual("later", self.farm.kiln("trace", "--json")["otherData"]["build"])
        self.assertEqual(1, listed()["later"]["jobs"])

    def test_an_unknown_build_names_those_there_are(self):
        done = self.farm.kiln("trace", "no-such-build")
        self.assertEqual((1, b""), (done.returncode, done.stdout))
        self.assertIn("nightly", done.stderr.decode())


def end(event):
    return event["ts"] + event["dur"]


if __name__ == "__main__":
    unittest.main()
