"""docs/keys.md, "When a key was lost or seen": its commands are run as they stand there, and what
it tells people to do is done, while a build goes on of which no job may fail or run here."""

import re
import shutil
import signal
import tomllib
import unittest

import kilntest
from keyed_farm_test import Client
from kilntest.rounds import Rounds
from kilntest.words import DOCS

KEYS = DOCS / "keys.md"
FOLDER = "/etc/kiln/keys"  # the farm's keys, as the document has it
OTHERS = ("worker", "client", "admin")  # than the coordinator's key in that folder
# A coordinator looks at its folder each second, and who is kept out tries again each second.
SOON = 10


def commands(whose):
    """The commands of the block below **whose**, without the comments, which are for people."""
    block = re.search(rf"(?ms)^\*\*{whose}\*\*.*?^```sh\n(.*?)^```", KEYS.read_text())[1]
    lines = [line.partition("#")[0].strip() for line in block.splitlines()]
    return [line for line in lines if line]


def inline(start):
    """The command that the text has in a sentence and that begins so."""
    return re.search(rf"`({re.escape(start)}.*?)`", KEYS.read_text())[1]


def put(file, place):
    """A copy in the place of what is there, which is never half of one."""
    draft = place.with_name(f"{place.name}.draft")
    shutil.copy(file, draft)
    draft.replace(place)


def public_key(file):
    return tomllib.loads(file.read_text())["public"]


def trusted(file):
    return tomllib.loads(file.read_text())["coordinator"]


def of_last_start(daemon):
    """What it has written to its log since."""
    return re.split(r" info main (?:ready|serving) ", daemon.log.read_text())[-1]


class LostKeysTest(kilntest.FarmCase):
    def start(self, **options):
        """A farm whose workers and client have their keys as if on machines of their own."""
        self.farm = self.start_farm(workers=2, **options)
        self.own = [self.farm.directory / f"w{number}.key" for number in range(2)]
        for worker, file in zip(self.farm.workers, self.own):
            put(self.farm.keys / "worker.key", file)
            worker.argv += ["--key-file", str(file)]  # of several the last counts
        self.laptop = self.farm.directory / "home" / ".config" / "kiln" / "key.toml"
        self.laptop.parent.mkdir(parents=True)
        self.farm.environment["KILN_KEY_FILE"] = None
        self.change_list("kiln keys new laptop --role client")
        put(self.farm.keys / "laptop.key", self.laptop)
        self.farm.prime("gcc")
        self.build = Rounds(self.farm, self.farm.directory / "projects" / "rounds", files=40)
        self.build.goes_on()

    def operator(self, command, **words):
        """Runs it where the farm's keys are, with these in the place of the document's words."""
        for word, value in words.items():
            command = re.sub(rf"\b{word}\b…?", value, command)
        command = command.replace(FOLDER, str(self.farm.keys))
        return self.farm.client(["sh", "-ec", command], check=True,
                                env={"KILN_KEYS_DIR": self.farm.keys}).stdout.decode()

    def change_list(self, command, **words):
        """Runs it, and waits until the coordinator has looked at its list of keys again."""
        log = self.farm.coordinator.log
        before = log.read_text().count("keys_changed")
        self.operator(command, **words)
        kilntest.wait_until(lambda: log.read_text().count("keys_changed") > before,
                            "the coordinator to see that the keys have changed", SOON)

    def restart_worker(self, number):
        self.assertEqual(0, self.farm.workers[number].end(signal.SIGTERM, seconds=60))
        self.farm.restart_worker(number)

    def is_at_work(self, number, tasks=10):
        before = self.farm.completed()[number]
        kilntest.wait_until(lambda: self.farm.completed()[number] >= before + tasks,
                            f"w{number} to complete tasks", 60)

    def stop_agent(self):
        # Amid a round: what runs ends as it began.
        self.farm.kiln("agent", "stop", check=True)

    # ---- a worker's -----------------------------------------------------------------------------

    def renew_worker(self, number):
        put(self.farm.keys / "farm2.key", self.own[number])
        self.restart_worker(number)
        self.farm.wait_nodes(2)
        self.is_at_work(number)

    def refusals(self):
        return self.farm.coordinator.metric("kiln_connections_refused_total", door="worker",
                                            reason="revoked_key")

    def test_a_workers_key(self):
        self.start()
        new, revoke = commands("A worker's")
        self.operator(new)
        for number in range(2):
            self.renew_worker(number)
        self.change_list(revoke)
        for number in range(2):
            self.is_at_work(number)
        self.assertEqual([], self.build.end())
        self.assertEqual((2, 0), (self.farm.ready_nodes(), self.refusals()))

    def test_a_worker_that_still_has_the_old_key_leaves_and_no_job_fails(self):
        self.start()
        new, revoke = commands("A worker's")
        self.operator(new)
        self.renew_worker(0)
        self.operator(revoke)
        self.farm.wait_nodes(1)
        kilntest.wait_until(self.refusals, "the old key to be refused", SOON)
        self.is_at_work(0, 30)
        self.renew_worker(1)
        self.assertEqual([], self.build.end())

    # ---- the coordinator's ----------------------------------------------------------------------

    def test_the_coordinators_key(self):
        self.start()
        self.replace_coordinators_key()

    def test_the_coordinators_key_where_all_goes_through_the_coordinator(self):
        self.start(environment={"KILN_ROUTE": "relay"})
        self.replace_coordinators_key()

    def replace_coordinators_key(self):
        new, trust, put_away, put_into_place, distrust, remove = commands("The coordinator's")
        keys = self.farm.keys
        put(keys / "coordinator.key", self.farm.directory / "stolen.key")
        files = [*self.own, self.laptop, *(keys / f"{name}.key" for name in OTHERS)]
        following = re.search(r"kiln keys trust (\S+) FILE", self.operator(new))[1]
        self.operator(trust, NEXT=following, FILE=" ".join(map(str, files)))
        self.everybody_reads_keys_again()
        self.change_list(inline("kiln keys new NAME"), NAME="late", NEXT=following)
        former = public_key(keys / "coordinator.key")
        self.assertEqual({former, following}, set(trusted(keys / "late.key")))
        self.operator(put_away)
        self.operator(put_into_place)
        self.restart_coordinator()
        self.farm.wait_nodes(2)
        self.build.goes_on()
        self.operator(distrust, FORMER=public_key(keys / "former.key"),
                      FILE=" ".join(map(str, files)))
        self.assertEqual([[following]] * len(files), [trusted(file) for file in files])
        self.everybody_reads_keys_again()
        self.operator(remove)
        self.assertEqual([], self.build.end())
        self.only_who_knows_it_obeys(self.farm.directory / "stolen.key", keys / "late.key")

    def everybody_reads_keys_again(self):
        for number in range(2):
            self.restart_worker(number)
            self.farm.wait_nodes(2)
            self.is_at_work(number)
        self.stop_agent()
        self.build.goes_on()

    def restart_coordinator(self):
        self.farm.stop_coordinator()
        self.farm.restart_coordinator()

    def only_who_knows_it_obeys(self, coordinators, clients):
        """Somebody with the former key, the first file, takes the coordinator's place."""
        put(coordinators, self.farm.keys / "coordinator.key")
        self.restart_coordinator()
        kilntest.wait_until(lambda: self.farm.kiln("status", "--json")["coordinators"][0]["state"]
                            == "refused", "the client to refuse it", SOON)
        for worker in self.farm.workers:
            kilntest.wait_until(lambda: "none of the keys by which" in of_last_start(worker),
                                f"{worker.name} to refuse it", SOON)
        client = Client(self.farm, "late", clients)
        self.addCleanup(client.end)
        kilntest.wait_until(client.is_in, "who knows the former key to obey", SOON)
        # By now all others have tried every key that they know.
        joined = re.findall(r"\w+_joined", of_last_start(self.farm.coordinator))
        self.assertEqual(["client_joined"], joined)

    # ---- a client's -----------------------------------------------------------------------------

    def test_a_clients_key_that_is_only_to_be_changed(self):
        self.start()
        revoke, _, new = commands("A client's")
        self.change_list(new.replace("laptop", "laptop2"))
        put(self.farm.keys / "laptop2.key", self.laptop)
        self.stop_agent()
        self.build.goes_on()
        self.change_list(revoke)
        self.build.goes_on()
        self.assertEqual([], self.build.end())

    def test_a_clients_key_that_was_seen(self):
        self.start(fallback=True)
        revoke, remove, new = commands("A client's")
        self.operator(revoke)
        kilntest.wait_until(lambda: self.farm.kiln("stats", "--json")["fallback"]["total"] > 20,
                            "calls to be compiled here", 60)
        self.operator(remove)
        self.change_list(new)
        put(self.farm.keys / "laptop.key", self.laptop)
        self.stop_agent()
        self.build.goes_on()
        # A new agent's first calls may not wait long enough for its coordinator.
        self.assertEqual([], [what for what in self.build.end() if " fallback: " not in what])


if __name__ == "__main__":
    unittest.main()
