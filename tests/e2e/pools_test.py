"""Pools through the whole farm: made, warmed, used, quiesced, resized, deleted by `kiln pool`."""

import unittest

import kilntest
from kilntest import beside, pools
from kilntest.pools import CONTEXTS

SOURCE = """
struct point { int x, y; };
static int twice(int n) { return 2 * n; }
int sum(const struct point *p) { return twice(p->x) + p->y; }
"""


class PoolsTest(kilntest.FarmCase):
    @classmethod
    def setUpClass(cls):
        cls.start_class_farm(workers=2, worker_flags=lambda number: [
            "--label", f"zone={'ab'[number]}", *(["--label", "spot=1"] if number else [])])
        cls.folder = cls.farm.directory / "projects"
        cls.farm.prime("gcc", "clang")

    def make(self, name, *words):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", name])
        return pools.create(self.farm, name, *words)

    def fails(self, *words):
        done = self.farm.client(["kiln", *words])
        self.assertEqual(1, done.returncode, done.stdout.decode())
        return " ".join(done.stderr.decode().split())

    def test_row_1_creation_tells_readiness_and_steps_of_each_node(self):
        for context in CONTEXTS:
            with self.subTest(context):
                pool = self.make(f"r1-{context}", "--context", context, "--toolchain", "clang",
                                 "--warm", "all")
                self.assertEqual(["w0", "w1"], [node["node"] for node in pool["nodes"]])
                for node in pool["nodes"]:
                    there = node["pool"]
                    self.assertEqual(("ready", 2, context, ""),
                                     (there["state"], there["ready"], there["context"],
                                      there["fallback"]))
                    self.assertGreater(there["start_ms"], 0)

    def test_row_2_executors_are_the_slots_unless_given(self):
        for words, expected in (((), 2), (("--executors", "1"), 1), (("--executors", "3"), 3)):
            name = f"r2-{expected}"
            self.make(name, *words, "--warm", "all")
            for pool in pools.nodes(self.farm, name).values():
                self.assertEqual((expected, expected), (pool["executors"], pool["ready"]))

    def test_row_3_a_cold_pool_makes_executors_at_the_first_task(self):
        self.make("r3")
        (self.folder / "r3.c").write_text("int r3;\n")
        cold = pools.wait_pool(self.farm, "r3", lambda pool: pool["version"] > 0, "the definition")
        self.assertEqual([("cold", 0)] * 2, [(p["state"], p["ready"]) for p in cold.values()])
        pools.compile_in(self.farm, "r3", ["gcc", "-c", "r3.c"], check=True)
        node = pools.ran_on(self.farm, "r3.c")
        self.assertIsNotNone(node)
        # The task's answer may be here before the node's word to the coordinator.
        kilntest.wait_until(lambda: pools.nodes(self.farm, "r3")[node]["state"] == "ready",
                            "the node to tell that its pool is made")

    def test_row_3_tasks_that_come_while_a_pool_warms_wait_and_do_not_fail(self):
        self.make("r3w", "--toolchain", "sleep", "--init", "sleep 1")
        (self.folder / "r3w.c").write_text("int r3w;\n")
        done = pools.compile_in(self.farm, "r3w", ["gcc", "-c", "r3w.c"])
        self.assertEqual(0, done.returncode, done.stderr.decode())
        self.assertIsNotNone(pools.ran_on(self.farm, "r3w.c"))

    def test_row_4_waiting_has_a_limit_and_says_what_it_waits_for(self):
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "r4"])
        told = self.fails("pool", "create", "r4", "--toolchain", "sleep", "--init", "sleep 40",
                          "--warm", "all", "--timeout", "2s")
        self.assertIn("after 2 s", told)
        self.assertIn("w0: 0 of 2 executors ready", told)

    def test_row_5_the_same_pool_twice_is_one_and_another_is_refused(self):
        self.make("r5", "--executors", "1")
        again = self.farm.kiln("pool", "create", "r5", "--executors", "1", "--json")
        self.assertTrue(again["existed"])
        told = self.fails("pool", "create", "r5", "--executors", "2", "--context", "fork")
        self.assertIn("executors", told)
        self.assertIn("context", told)
        self.assertIn("kiln pool delete", told)
        self.assertIn("default", self.fails("pool", "create", "default"))

    def test_a_selector_decides_where_tasks_run(self):
        self.make("sel", "--nodes", "zone=a,!spot", "--warm", "all")
        self.assertEqual(["w0"], list(pools.nodes(self.farm, "sel")))
        for number in range(4):
            (self.folder / f"sel{number}.c").write_text(f"int s{number};\n")
            pools.compile_in(self.farm, "sel", ["gcc", "-c", f"sel{number}.c"], check=True)
            self.assertEqual("w0", pools.ran_on(self.farm, f"sel{number}.c"))

    def test_objects_are_those_of_a_local_build_in_every_context(self):
        (self.folder / "same.c").write_text(SOURCE)
        for compiler in ("gcc", "clang"):
            call = [compiler, "-O2", "-g", "-Wall", "-c", "same.c", "-o"]
            self.farm.client([*call, "local.o"], check=True)
            local = (self.folder / "local.o").read_bytes()
            for context in CONTEXTS:
                with self.subTest(compiler=compiler, context=context):
                    name = f"same-{compiler}-{context}"
                    self.make(name, "--context", context, "--toolchain", compiler, "--warm", "all")
                    for _ in range(3):
                        pools.compile_in(self.farm, name, [*call, "there.o"], check=True)
                        self.assertIsNotNone(pools.ran_on(self.farm, "same.c"))
                        self.assertEqual(local.replace(b"local.o", b"there.o"),
                                         (self.folder / "there.o").read_bytes())

    def test_a_deleted_pool_is_gone_and_its_calls_say_so(self):
        self.make("gone", "--warm", "all")
        self.farm.client(["kiln", "pool", "delete", "gone"], check=True)
        self.assertIn("gone", self.fails("pool", "show", "gone"))
        (self.folder / "gone.c").write_text("int gone;\n")
        done = pools.compile_in(self.farm, "gone", ["gcc", "-c", "gone.c"], seconds=30)
        self.assertEqual(1, done.returncode)
        self.assertIn('"gone"', done.stderr.decode())

    def test_row_24_quiesce_and_wake_in_any_order(self):
        self.make("r24", "--warm", "all")
        (self.folder / "r24.c").write_text("int r24;\n")
        for _ in range(2):
            self.farm.client(["kiln", "pool", "quiesce", "r24"], check=True)
        quiet = pools.wait_pool(self.farm, "r24", lambda pool: pool["state"] == "quiesced",
                                "the pool to be quiesced")
        self.assertEqual([0, 0], [pool["ready"] + pool["starting"] for pool in quiet.values()])
        pools.compile_in(self.farm, "r24", ["gcc", "-c", "r24.c"], check=True)
        self.assertIsNotNone(pools.ran_on(self.farm, "r24.c"))
        for _ in range(2):
            self.farm.client(["kiln", "pool", "wake", "r24"], check=True)
        awake = pools.wait_pool(self.farm, "r24", lambda pool: pool["ready"] == 2, "all executors")
        self.assertEqual([1, 1], [pool["quiesces"] for pool in awake.values()])

    def changed(self, action, name, *words):
        """(state, executors, ready) of each node, by the answer of `kiln pool ACTION` itself."""
        answer = self.farm.kiln("pool", action, name, *words, "--json")["pools"][0]
        self.assertEqual([True, True], [node["answered"] for node in answer["nodes"]])
        there = [node["pool"] for node in answer["nodes"]]
        return [(pool["state"], pool["executors"], pool["ready"]) for pool in there]

    def test_row_24_the_answer_of_a_change_shows_the_state_after_it(self):
        cold = self.make("after", "--executors", "2")
        self.assertEqual([(True, cold["version"])] * 2,
                         [(node["answered"], node["pool"]["version"]) for node in cold["nodes"]])
        for _ in range(2):
            self.assertEqual([("ready", 2, 2)] * 2, self.changed("wake", "after"))
            self.assertEqual([("ready", 1, 1)] * 2, self.changed("resize", "after", "1"))
            self.assertEqual([("quiesced", 1, 0)] * 2, self.changed("quiesce", "after"))
            self.assertEqual([("quiesced", 1, 0)] * 2, self.changed("quiesce", "after"))
            self.assertEqual([("quiesced", 2, 0)] * 2, self.changed("resize", "after", "2"))

    def test_row_25_a_pool_that_is_idle_quiesces_by_itself_once(self):
        self.make("r25", "--idle", "1s", "--warm", "all")
        quiet = pools.wait_pool(self.farm, "r25", lambda pool: pool["state"] == "quiesced",
                                "the idle pool to be quiesced")
        self.assertEqual([1, 1], [pool["quiesces"] for pool in quiet.values()])

    def test_resize_changes_the_executors_of_each_node(self):
        self.make("size", "--executors", "1", "--warm", "all")
        self.farm.client(["kiln", "pool", "resize", "size", "3"], check=True)
        self.farm.client(["kiln", "pool", "warm", "size", "all"], check=True)
        self.assertEqual([3, 3], [p["ready"] for p in pools.nodes(self.farm, "size").values()])
        self.farm.client(["kiln", "pool", "resize", "size", "1"], check=True)
        pools.wait_pool(self.farm, "size", lambda pool: pool["ready"] == 1, "two executors to go")

    def test_a_warm_pool_serves_warm_and_counts_it(self):
        self.make("hits", "--toolchain", "gcc", "--warm", "all")
        before = pools.total(self.farm, "hits", "warm_hits")
        (self.folder / "hits.c").write_text("int hits;\n")
        pools.compile_in(self.farm, "hits", ["gcc", "-c", "hits.c"], check=True)
        kilntest.wait_until(lambda: pools.total(self.farm, "hits", "warm_hits") == before + 1,
                         "the hit to be counted")

    def forked(self, pool):
        return sum(worker.metric("kiln_pool_executed_tasks_total", pool=pool, way="forked")
                   for worker in self.farm.workers)

    def test_clang_is_forked_in_a_forkserver_pool(self):
        self.make("held", "--context", "forkserver", "--toolchain", "clang", "--warm", "all")
        (self.folder / "held.c").write_text("int held;\n")
        pools.compile_in(self.farm, "held", ["clang", "-c", "held.c"], check=True)
        self.assertEqual(1, self.forked("held"))

    def test_programs_with_their_libraries_beside_them_are_forked(self):
        programs = [beside.build(self.farm)]
        if rustc := beside.real_rustc():
            programs.append(rustc)
        for program in programs:
            with self.subTest(program.name):
                pool = self.make(program.name, "--context", "forkserver", "--toolchain", program,
                                 "--warm", "all")
                self.assertEqual([("forkserver", "")] * 2, [
                    (node["pool"]["context"], node["pool"]["fallback"]) for node in pool["nodes"]])
                here = self.farm.client([program, "--version"], check=True)
                there = pools.compile_in(self.farm, program.name,
                                         ["run", "--", program, "--version"], check=True)
                self.assertEqual((here.stdout, here.stderr), (there.stdout, there.stderr))
                self.assertEqual(1, self.forked(program.name))

    def test_row_16_a_static_program_is_executed_as_by_spawn_and_that_is_shown(self):
        (self.folder / "static.c").write_text(
            "#include <stdio.h>\nint main(void) { return puts(\"static\") < 0; }\n")
        self.farm.client(["gcc", "-static", "static.c", "-o", "static"], check=True)
        pool = self.make("static", "--context", "forkserver", "--toolchain", "./static", "--warm",
                         "all")
        for node in pool["nodes"]:
            self.assertEqual(("ready", 2), (node["pool"]["state"], node["pool"]["ready"]))
            self.assertIn("static program", node["pool"]["fallback"])
        self.wait_gauges("kiln_pool_fallback", 1, pool="static")
        told = self.farm.kiln("pool", "show", "static").stdout.decode()
        self.assertRegex(" ".join(told.split()), "spawn instead of forkserver: .*: static program")
        done = pools.compile_in(self.farm, "static", ["run", "--", "./static"], check=True)
        self.assertEqual(b"static\n", done.stdout)
        executed = {way: sum(worker.metric("kiln_pool_executed_tasks_total", pool="static", way=way)
                             for worker in self.farm.workers) for way in ("executed", "forked")}
        self.assertEqual({"executed": 1, "forked": 0}, executed)

    def wait_gauges(self, name, value, **labels):
        kilntest.wait_until(
            lambda: [value] * 2 == [w.metric(name, **labels) for w in self.farm.workers],
            f"{name} {labels} to be {value} on each node")

    def test_row_30_executors_are_counted_by_state(self):
        def wait_executors(name, state, count):
            self.wait_gauges("kiln_pool_executors", count, pool=name, state=state)

        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "slow"])
        pools.create(self.farm, "slow", "--toolchain", "sleep", "--init", "sleep 600",
                     "--init-timeout", "20m", "--warm", "all", "--timeout", "1s", check=False)
        wait_executors("slow", "starting", 2)
        self.addCleanup(self.farm.client, ["kiln", "pool", "delete", "sick"])
        pools.create(self.farm, "sick", "--toolchain", "sh", "--init", "sh -c 'exit 3'", "--warm",
                     "all", check=False)
        wait_executors("sick", "broken", 2)
        self.make("fine", "--context", "forkserver", "--toolchain", "clang", "--warm", "all")
        wait_executors("fine", "ready", 2)
        self.wait_gauges("kiln_pool_fallback", 0, pool="fine")
        self.farm.client(["kiln", "pool", "quiesce", "fine"], check=True)
        wait_executors("fine", "quiesced", 2)
        wait_executors("fine", "ready", 0)


if __name__ == "__main__":
    unittest.main()
