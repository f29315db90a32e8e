"""docs/metrics.md lists what a farm under load exports, no more and no less."""

import unittest

from busy_farm import BusyFarm
from kilntest import exposition, wait_until


class MetricsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.busy = cls.enterClassContext(BusyFarm())
        cls.busy.wait_work()

    def found(self, kind):
        answers = [daemon.get("/metrics") for daemon in self.busy.daemons[kind]]
        self.assertEqual({200}, {status for status, _ in answers})
        return exposition.merged(text for _, text in answers)

    def test_row_30_the_document_lists_what_is_exported_and_what_it_lists_is(self):
        rows = exposition.documented()
        for kind in self.busy.daemons:
            with self.subTest(kind):
                self.assertEqual([], exposition.differences(rows, self.found(kind), kind))

    def test_what_happens_here_is_counted(self):
        coordinator, workers = self.busy.farm.coordinator, self.busy.farm.workers
        for name, labels in (("kiln_requests_refused_total", {"reason": "invalid_argument"}),
                             ("kiln_workers_lost_total", {"reason": "goodbye"}),
                             ("kiln_connections_refused_total", {"door": "client"}),
                             ("kiln_relay_bytes_total", {"towards": "workers"}),
                             ("kiln_relay_bytes_total", {"towards": "clients"}),
                             ("kiln_relay_streams", {}),
                             ("kiln_clients", {}), ("kiln_builds", {}), ("kiln_slots", {}),
                             ("kiln_leases_granted_total", {}),
                             ("kiln_leases_ended_total", {}),
                             ("kiln_queue_wait_seconds_count", {}),
                             ("kiln_coordinator_turn_age_seconds", {}),
                             ("kiln_pool_min_warm", {"pool": "cc"}),
                             ("kiln_pool_nodes", {"pool": "sick", "state": "broken"}),
                             ("kiln_pool_nodes", {"pool": "quiet", "state": "quiesced"})):
            self.assertGreater(coordinator.metric(name, **labels), 0, (name, labels))
        # Each kind of message that it gets or sends is one of its vocabulary.
        for name in ("kiln_messages_received_total", "kiln_messages_sent_total"):
            self.assertEqual(0, coordinator.metric(name, kind="other"), name)
        for number, worker in enumerate(workers):
            self.assertEqual(1, worker.metric("kiln_worker_welcomed"))
            self.assertEqual(1, worker.metric("kiln_worker_info", node=f"w{number}"))
            for mode in ("user", "system"):
                self.assertGreater(worker.metric("kiln_worker_task_cpu_seconds_total", mode=mode),
                                   0)
            for name in ("kiln_worker_task_max_rss_bytes", "kiln_worker_task_return_seconds"):
                self.assertGreater(worker.metric(name + "_sum"), 0, name)
            self.assertGreater(worker.metric("kiln_worker_blob_bytes_total",
                                             direction="from_agents"), 0)
            for name in ("kiln_worker_result_bytes_total", "kiln_worker_store_blobs",
                         "kiln_worker_store_bytes", "kiln_worker_store_free_bytes",
                         "kiln_worker_store_hits_total", "kiln_worker_store_misses_total",
                         "kiln_worker_trees_reused_total", "kiln_worker_toolchains_staged",
                         "kiln_worker_cores", "kiln_worker_load_average",
                         "kiln_worker_memory_bytes", "kiln_worker_memory_available_bytes",
                         "kiln_pool_warm_hits_total"):
                self.assertGreater(worker.metric(name), 0, name)
            self.assertGreater(worker.metric("process_resident_memory_bytes"), 1 << 20)
            self.assertGreater(worker.metric("kiln_worker_core_speed_ratio"), 0)
            for step in ("toolchain_stage", "executor_start", "executor_initialise"):
                self.assertGreater(worker.metric(f"kiln_pool_{step}_seconds_count"), 0, step)
            self.assertGreater(worker.metric("kiln_pool_executed_tasks_total", pool="cc",
                                             way="forked"), 0)
            self.assertGreater(worker.metric("kiln_pool_quiesces_total", pool="quiet"), 0)
        # The other one was restarted, and has what it needs from before.
        self.assertGreater(workers[0].metric("kiln_worker_task_transfer_seconds_sum"), 0)

    def test_nodes_tell_their_speed(self):
        def told():
            found = {node["name"]: node["core_speed"]
                     for node in self.busy.farm.kiln("nodes", "--json")["nodes"]}
            return found if all(found.values()) else None

        speeds = wait_until(told, "both nodes to know their speed", 30)
        for number, worker in enumerate(self.busy.farm.workers):
            self.assertAlmostEqual(worker.metric("kiln_worker_core_speed_ratio"),
                                   speeds[f"w{number}"], 3)

    def test_an_agents_metrics_are_what_its_statistics_say(self):
        """The build goes on meanwhile: both are asked until nothing came between."""
        agent = self.busy.agent

        def counted():
            stats = self.busy.farm.kiln("stats", "--json")
            found = {name: stats[name]["total"]
                     for name in ("remote", "local", "fallback", "failed", "retried")}
            for ran in ("local", "fallback", "failed", "retried"):
                found.update({(ran, reason): number
                              for reason, number in stats[ran]["reasons"].items()})
            return {**found, "sent": stats["bytes_sent"], "received": stats["bytes_received"],
                    "cpu": stats["client_cpu_seconds"]}

        before = counted()

        def told():
            found = {ran: agent.metric("kiln_agent_calls_total", ran=ran)
                     for ran in ("remote", "local", "fallback", "failed")}
            for ran, reason in (name for name in before if isinstance(name, tuple)):
                found[ran, reason] = agent.metric("kiln_agent_reasons_total", ran=ran,
                                                  reason=reason)
            return {**found, "retried": agent.metric("kiln_agent_retries_total"),
                    "sent": agent.metric("kiln_agent_bytes_total", direction="sent"),
                    "received": agent.metric("kiln_agent_bytes_total", direction="received"),
                    "cpu": agent.metric("kiln_agent_cpu_seconds_total")}

        # A second later at most, they have all that there was.
        wait_until(lambda: all(told()[name] >= before[name] for name in before),
                   "the metrics to have what was counted", 30)
        seen = told()
        after = counted()
        self.assertEqual([], [name for name in seen if seen[name] > after[name]])
        self.assertGreater(seen["remote"], 0)
        self.assertGreater(seen["failed"], 0)
        self.assertTrue(any(name[0] == "failed" for name in seen if isinstance(name, tuple)), seen)

    def test_parts_of_calls_are_timed(self):
        for part in ("call", "listing", "lease_wait", "remote", "write"):
            self.assertGreater(self.busy.agent.metric(f"kiln_agent_{part}_seconds_count"), 0, part)

    def test_gauges_of_a_deleted_pool_go(self):
        farm = self.busy.farm
        farm.kiln("pool", "create", "passing")

        def known():
            return any(series.get("pool") == "passing"
                       for series in self.found("coordinator")["kiln_pool_nodes"].series)

        wait_until(known, "the pool's gauges")
        farm.client(["kiln", "pool", "delete", "passing"], check=True)
        wait_until(lambda: not known(), "the pool's gauges to go")


if __name__ == "__main__":
    unittest.main()
