"""docker-compose.yml as it is, with Debian's docker-compose and a real Docker daemon: what it
starts and how, a build through it, and what is left of it afterwards."""

import json
import os
import re
import unittest

import kilntest
from busy_work import AGENT_PORT, METRICS, BusyWork, Face, coordinator_key
from kilntest import http, releases, trees
from kilntest.compose import BASE, PROJECT, Engine, InsideClient, OutsideClient
from kilntest.projects import Project, objects
from kilntest.prometheus import Api
from kilntest.questions import Questions
from kilntest.rounds import Rounds
from kilntest.words import DOCS, blocks

WORKERS = 3
LONG = os.environ.get("KILN_COMPOSE_LONG")
KILN = ("kiln",)
HTTP = {"coordinator": 10660, "worker": 10661, "prometheus": 9090}
RATES = "20s"  # as deploy/prometheus scrapes each 5 s
VOLUMES = {f"{PROJECT}_{name}" for name in ("coordinator-state", "worker-stores", "metrics", "keys",
                                            "worker-key", "grafana-state")}
WORKER_CAPABILITIES = {"SYS_ADMIN", "SYS_CHROOT", "SETUID", "SETGID", "CHOWN", "DAC_OVERRIDE",
                       "FOWNER", "KILL"}

COMPILE = "echo 'int a;' >a.c; kiln gcc -c a.c; echo STATS; kiln stats --json"
OFFLINE = "--network none --build-arg KILN_PACKAGES=packages"

engine = None


def no_terminal(words):
    return words.replace(" run --rm ", " run --rm -T ")


def setUpModule():
    global engine
    engine = unittest.enterModuleContext(Engine())


def up(workers):
    # Not all services: what stands in for Grafana shows nothing.
    engine.compose("up", "--detach", "--scale", f"worker={workers}", "coordinator", "worker",
                   "prometheus")
    engine.wait_healthy("coordinator")
    engine.wait_healthy("worker", workers)
    engine.wait_healthy("prometheus")


def everything():
    return [one for service in HTTP for one in engine.containers(service)]


class Up(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(engine.compose, "down", "--volumes")
        up(WORKERS)

    def relayed(self):
        _, text = engine.get(engine.containers("coordinator")[0], HTTP["coordinator"], "/metrics")
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("kiln_relay_bytes_total"))

    def builds_the_same(self, client):
        self.addCleanup(trees.remove, client.directory)
        self.addCleanup(client.close)
        project = Project(client, "leveldb", "gcc", "-O2 -g")
        local = project.build_local()
        project.fresh(KILN)
        remote = project.build(KILN)
        self.assertEqual([], kilntest.differences(local, remote))
        self.assertEqual(len(objects(local)), client.kiln("stats", "--json")["remote"]["total"])


class UpTest(Up):
    def test_two_ports_are_published_and_these_on_loopback(self):
        published = {}
        for one in everything():
            for port, places in one["NetworkSettings"]["Ports"].items():
                for place in places or []:
                    published[port] = (place["HostIp"], place["HostPort"])
        self.assertEqual({"10650/tcp": ("127.0.0.1", "10650"),
                          "10660/tcp": ("127.0.0.1", "10660")}, published)
        engine.host.connect("127.0.0.1", 10650).close()
        status, page = http.get(engine.host, "127.0.0.1", 10660, "/")
        self.assertEqual((200, True), (status, "<title>Kiln</title>" in page))

    def test_nothing_is_privileged_and_each_has_only_what_it_needs(self):
        wanted = {"coordinator": set(), "worker": WORKER_CAPABILITIES, "prometheus": set()}
        for service, capabilities in wanted.items():
            for one in engine.containers(service):
                limits = one["HostConfig"]
                with self.subTest(one["Name"]):
                    self.assertFalse(limits["Privileged"])
                    self.assertEqual(capabilities, set(limits["CapAdd"] or []))
                    self.assertEqual(["ALL"], limits["CapDrop"])
                    self.assertIn("no-new-privileges:true", limits["SecurityOpt"])
                    self.assertGreater(limits["Memory"], 0)
                    self.assertGreater(limits["NanoCpus"], 0)
                    self.assertEqual("unless-stopped", limits["RestartPolicy"]["Name"])
                    if service != "prometheus":
                        self.assertTrue(limits["ReadonlyRootfs"])

    def test_the_coordinator_is_no_root(self):
        pid = engine.containers("coordinator")[0]["State"]["Pid"]
        status = engine.docker.run(["cat", f"/proc/{pid}/status"]).stdout
        values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        self.assertEqual({"650"}, set(values["Uid"].split()))
        self.assertEqual(0, int(values["CapEff"], 16))

    def test_no_image_holds_a_compiler(self):
        for image in ("kiln-coordinator", "kiln-worker", "kiln-client"):
            found = engine.docker.call("run", "--rm", "--network", "none", "--entrypoint", "sh",
                                       image, "-c",
                                       "command -v gcc cc g++ clang ld as make", check=False)
            self.assertEqual((127, ""), (found.returncode, found.stdout), image)

    def test_a_drain_ends_before_docker_loses_patience(self):
        for one in engine.containers("worker"):
            grace = dict(word.split("=", 1) for word in one["Config"]["Env"])["KILN_WORKER_GRACE"]
            self.assertGreater(one["Config"]["StopTimeout"], int(grace.removesuffix("s")))

    def test_prometheus_finds_every_worker_and_has_its_rules(self):
        prometheus = engine.containers("prometheus")[0]

        def healthy_targets():
            status, body = engine.get(prometheus, HTTP["prometheus"], "/api/v1/targets")
            if status != 200:
                return None
            return sorted(target["labels"]["job"] for target in
                          json.loads(body)["data"]["activeTargets"] if target["health"] == "up")

        expected = ["kiln-coordinator"] + ["kiln-worker"] * WORKERS
        kilntest.wait_until(lambda: healthy_targets() == expected, "Prometheus to scrape all", 60)
        _, body = engine.get(prometheus, HTTP["prometheus"], "/api/v1/rules")
        rules = [rule for group in json.loads(body)["data"]["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 0)
        self.assertEqual([], [rule["name"] for rule in rules if rule.get("lastError")])

    def start_watched_work(self):
        """By a client that is watched as docs/operations.md says."""
        client = InsideClient(engine, key="admin", environment={"KILN_METRICS": METRICS})
        self.addCleanup(trees.remove, client.directory)
        coordinator, *workers = [Face(engine.host, engine.address(one), HTTP[service])
                                 for service in ("coordinator", "worker")
                                 for one in engine.containers(service)]
        listed = engine.docker.call("exec", engine.containers("coordinator")[0]["Id"], "kiln",
                                    "keys", "list", "--json").stdout
        work = BusyWork(client, coordinator, coordinator_key(listed))
        self.addCleanup(work.wait_end)
        self.addCleanup(client.close)
        agents = engine.project / "deploy" / "prometheus" / "agents.yml"
        agents.write_text(f"- targets: [{client.name}:{AGENT_PORT}]\n")
        self.addCleanup(agents.unlink)
        work.begin()
        work.wait_more(workers)

    def test_under_load_all_that_is_asked_of_prometheus_has_an_answer(self):
        self.start_watched_work()
        prometheus = engine.containers("prometheus")[0]
        api = Api(lambda path: engine.get(prometheus, HTTP["prometheus"], path))
        kilntest.wait_until(lambda: len(api.query("up == 1")) == WORKERS + 2,
                            "Prometheus to scrape all", 90)
        questions = Questions(api, RATES, "cc")
        for ask in (questions.assert_panels, questions.assert_alerts, questions.assert_examples):
            with self.subTest(ask.__name__):
                ask()

    def test_workers_have_stores_of_their_own_and_come_back_to_them(self):
        def stores():
            return sorted(engine.docker.call("exec", one["Id"], "ls", "/var/lib/kiln/worker").stdout
                          for one in engine.containers("worker"))

        self.assertEqual(["0\n1\n2\n"] * WORKERS, stores())
        engine.compose("restart", "worker")
        engine.wait_healthy("worker", WORKERS)
        self.assertEqual(["0\n1\n2\n"] * WORKERS, stores())

    def test_a_client_container_builds_as_it_does_by_itself(self):
        self.builds_the_same(InsideClient(engine))
        self.assertEqual(0, self.relayed())


def tell(client):
    """What went wrong on either side, for whoever reads of a failed test."""
    texts = [engine.compose("logs", "--no-color", "--timestamps", check=False).stdout,
             client.log.read_text(errors="replace")]
    for line in "".join(texts).splitlines():
        if " warning " in line or " error " in line:
            print(line)


class WithClient(unittest.TestCase):
    kind = OutsideClient

    def start_client(self):
        client = self.kind(engine)
        self.addCleanup(trees.remove, client.directory)
        self.addCleanup(client.close)
        self.addCleanup(tell, client)
        return client

    def start_build(self):
        client = self.start_client()
        client.client(["kiln", "gcc", "--version"], check=True)
        build = Rounds(client, client.directory / "projects" / "rounds")
        build.goes_on()
        return build


class GoesOnTest(WithClient):
    """A build goes on whatever happens to containers."""

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(engine.compose, "down", "--volumes")
        up(WORKERS)

    def setUp(self):
        self.build = self.start_build()

    def test_one_after_the_other_is_hurt_mended_and_started_anew(self):
        killed, paused, lonely = [one["Id"] for one in engine.containers("worker")]
        docker, network = engine.docker, f"{PROJECT}_farm"
        for hurt, mend in ((["kill", killed], ["start", killed]),
                           (["pause", paused], ["unpause", paused]),
                           (["network", "disconnect", network, lonely],
                            ["network", "connect", network, lonely])):
            with self.subTest(hurt[:-1]):
                docker.call(*hurt)
                self.build.goes_on()
                docker.call(*mend)
                engine.wait_healthy("worker", WORKERS)
        engine.compose("restart", "coordinator")
        engine.wait_healthy("coordinator")
        self.build.goes_on()
        for one in [*engine.containers("worker"), *engine.containers("coordinator")]:
            docker.call("restart", "--time", "45", one["Id"])
            engine.wait_healthy("worker", WORKERS)
            engine.wait_healthy("coordinator")
            self.build.goes_on()
        self.assertEqual([], self.build.end())


class UpdateTest(WithClient):
    """From the images of the commit before this one, and back to them."""

    def test_one_service_at_a_time_and_no_job_fails(self):
        before, now = releases.previous(), releases.current()
        self.addCleanup(engine.check_out, now)
        self.addCleanup(engine.compose, "down", "--volumes")
        engine.check_out(before)
        up(WORKERS)
        build = self.start_build()
        # In this order the coordinator is the newer one for a while, and then the older one.
        for release in (now, before):
            engine.check_out(release)
            for service in ("coordinator", "worker"):
                self.replace(service)
                build.goes_on()
        self.assertEqual([], build.end())

    def replace(self, service):
        before = {one["Id"] for one in engine.containers(service)}
        scale = ["--scale", f"worker={WORKERS}"] if service == "worker" else []
        engine.compose("up", "--detach", "--no-deps", "--force-recreate", *scale, service)
        engine.wait_healthy("worker", WORKERS)
        engine.wait_healthy("coordinator")
        self.assertFalse(before & {one["Id"] for one in engine.containers(service)})


class WorkersKeyTest(WithClient):
    """docs/keys.md, "In a farm of docker-compose.yml": no job fails when the key is replaced."""

    def test_a_workers_key_is_replaced(self):
        self.addCleanup(engine.compose, "down", "--volumes")
        up(1)
        build = self.start_build()
        ask, put = re.findall(r"(?ms)^### In a farm of.*?^```sh\n(.*?)^```.*?^```sh\n(.*?)^```",
                              (DOCS / "keys.md").read_text())[0]
        ask = no_terminal(ask)
        engine.type(ask.replace("…", "new farm2 --role worker"), {})
        settings = engine.project / ".env"
        text = settings.read_text()
        self.addCleanup(settings.write_text, text)
        settings.write_text(text.replace("KILN_WORKER_KEY=worker", "KILN_WORKER_KEY=farm2"))
        engine.type(put, {})
        engine.type(ask.replace("…", "revoke worker"), {})
        engine.wait_healthy("worker")
        build.goes_on()
        self.assertEqual([], build.end())


# The long run has both kinds of clients in both.
if LONG:
    class UpOutsideTest(Up):
        def test_a_client_that_reaches_one_port_alone_builds_as_it_does_by_itself(self):
            before = self.relayed()
            self.builds_the_same(OutsideClient(engine))
            self.assertGreater(self.relayed(), before)

    class GoesOnInsideTest(GoesOnTest):
        kind = InsideClient


class DownTest(unittest.TestCase):
    def test_down_keeps_volumes_and_leaves_nothing_else(self):
        self.addCleanup(engine.compose, "down", "--volumes")
        before = self.left()
        up(1)
        self.assertNotEqual(before, self.left())
        engine.compose("down")
        self.assertEqual(before, self.left())
        self.assertEqual(VOLUMES, self.volumes())
        engine.compose("down", "--volumes")
        self.assertEqual((before, set()), (self.left(), self.volumes()))

    def left(self):
        """Containers, networks, links and mounts of the engine's host, and processes that are none
        of its daemon's own."""
        docker = engine.docker
        shown = [docker.call(*words).stdout for words in
                 (["ps", "--all", "--quiet"], ["network", "ls", "--format", "{{.Name}}"])]
        shown += [docker.run(argv).stdout for argv in
                  (["ls", "/sys/class/net"], ["cut", "-d ", "-f", "5", "/proc/self/mountinfo"])]
        programs = {os.path.basename(line.split()[0]) for _, line in engine.host.processes()}
        return [*shown, sorted(programs & {"kiln-coordinator", "kiln-worker", "kiln-nursery",
                                           "prometheus", "docker-proxy", "containerd-shim"})]

    def volumes(self):
        return set(engine.docker.call("volume", "ls", "--format", "{{.Name}}").stdout.split())


class WordsTest(WithClient):
    """docs/deploy.md and docs/guides.md, word for word but for what needs a network or a
    terminal."""

    def setUp(self):
        self.addCleanup(engine.compose, "down", "--volumes")

    def test_what_people_type_ends_in_compiles_on_workers(self):
        start, key, own, join, image, stop, update, down, _ = self.words()
        engine.type(start, {})
        engine.wait_healthy("worker", WORKERS)
        client = self.start_client()
        said = engine.type(key, client.environment).stdout
        self.assertIn(f"{WORKERS} nodes", said)
        self.runs_remotely(engine.type(COMPILE, client.environment))
        self.assertRegex(engine.type(no_terminal(own), {}).stdout, r"laptop +client")
        self.make_image(image, "my")
        command = f"-v /usr:/usr:ro -e HOME=/tmp -w /tmp my sh -ec \"{COMPILE}\""
        self.runs_remotely(engine.type(
            join.replace("docker build", f"docker build {OFFLINE}").replace(" -it", "")
            .replace("MY-BUILD-IMAGE", command), {}))
        engine.type(stop, {})
        self.assertEqual({"exited"}, {one["State"]["Status"] for one in everything()})
        engine.type("git() { :; }\n" + update, {})
        engine.wait_healthy("worker", WORKERS)
        engine.type(down, {})
        self.assertEqual([], everything())

    def test_a_ci_job_in_a_container_compiles_on_workers(self):
        up(1)
        engine.type(no_terminal(self.words()[2]).replace("laptop", "ci"), {})
        image, job = blocks("guides.md", "A CI job in a container")
        self.make_image("", "my-build-image")
        self.make_image(image, "my-build-image")
        source = engine.project / "src"
        source.mkdir()
        (source / "a.c").write_text("int a;\n")
        (source / "Makefile").write_text("a.o:\n\t$(CC) -c a.c -o a.o\n")
        # The farm has no name that the whole world knows.
        job = job.replace("farm.example.org", f"coordinator --network {PROJECT}_farm")
        job = job.replace("docker run", "docker run -v /usr:/usr:ro -e HOME=/tmp "
                                        "-e KILN_FALLBACK=0")
        engine.type(f"cd src; cp ../ci.key .; {job}", {})
        self.assertTrue((source / "a.o").exists())

    def words(self):
        return blocks("deploy.md", "With docker-compose")

    def make_image(self, lines, name):
        base = "" if lines.startswith("FROM") else f"FROM {BASE}\n"
        (engine.project / "my").write_text(base + lines)
        engine.type(f"docker build -f my -t {name} --network none scripts", {})

    def runs_remotely(self, done):
        stats = json.loads(done.stdout.split("STATS\n")[1])
        self.assertEqual((1, 0), (stats["remote"]["total"], stats["fallback"]["total"]))


if __name__ == "__main__":
    unittest.main()
