"""Manual pages and completions: sound, and of just what the programs know."""

import pathlib
import re
import subprocess
import unittest

import kilntest
from kilntest import help_words, manual
from kilntest.shells import PROGRAM, Shell

OPERATIONS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operations.md"
PAGES = ("kiln.1", "kiln-agent.1", "kiln-coordinator.8", "kiln-worker.8")
DAEMONS = ("kiln-coordinator", "kiln-worker")
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES",
            "SEE ALSO"]
OPTIONS_OF_KILN = {"-j", "--version", "--help"}
ACTS = ("pool", "keys", "agent")


class PagesTest(unittest.TestCase):
    def test_they_are_clean(self):
        for page in PAGES:
            for command in (["mandoc", "-Tlint"], ["groff", "-man", "-ww", "-Tutf8", "-z"]):
                with self.subTest(page, command=command):
                    # There mandoc finds the pages that they name.
                    done = subprocess.run([*command, page], cwd=manual.FOLDER, text=True,
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                          timeout=60)
                    self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_they_have_what_people_look_for(self):
        self.assertEqual(sorted(PAGES), sorted(path.name for path in manual.FOLDER.iterdir()))
        for page in PAGES:
            sections = manual.Page(page).sections()
            with self.subTest(page):
                self.assertEqual(SECTIONS, [name for name in sections if name in SECTIONS])

    def test_kilns_has_the_commands_and_options_of_help(self):
        page = manual.Page("kiln.1")
        self.assertEqual(help_words.commands(), page.commands())
        known = set().union({"--help", "--version"}, *help_words.commands().values())
        self.assertEqual(known, page.options())

    def test_the_daemons_have_the_flags_and_variables_of_help(self):
        for program in DAEMONS:
            with self.subTest(program):
                flags, page = help_words.flags(program), manual.Page(f"{program}.8")
                self.assertEqual(set(flags), page.flags())
                self.assertEqual(set(flags), page.options())
                self.assertEqual({name for name in flags.values() if name}, page.variables())

    def test_the_agents_has_its_options(self):
        named = set(re.findall(r"^  (--[\w-]+)", help_words.text("kiln-agent"), re.MULTILINE))
        self.assertEqual(named | {"--help"}, manual.Page("kiln-agent.1").flags())

    def test_each_variable_of_operations_is_where_it_belongs(self):
        text = OPERATIONS.read_text(encoding="utf-8")
        clients = text.partition("\n## Clients\n")[2].partition("\n## ")[0]
        rows = re.findall(r"^\|([^|]*)\|", clients, re.MULTILINE)
        listed = {name for row in rows for name in re.findall(r"`(KILN_\w+)`", row)}
        self.assertEqual(listed, manual.Page("kiln.1").variables())
        self.assertLessEqual(help_words.variables(), listed)
        self.assertLessEqual(manual.Page("kiln-agent.1").variables(), listed)
        pages = set().union(*(manual.Page(page).variables() for page in PAGES))
        self.assertLessEqual(set(re.findall(r"\bKILN_[A-Z_]*[A-Z]\b", text)), pages | {
            # What the names of a daemon's variables begin with.
            "KILN_WORKER", "KILN_COORDINATOR"})


class Completion:
    """Of one shell."""

    shell = None

    def asked(self, environment=None):
        shell = Shell(self.shell, environment)
        self.addCleanup(shell.close)
        return shell

    def assert_offers(self, expected, environment=None):
        """`expected`: {line: words}."""
        offered = self.asked(environment).offers(*expected)
        for line, words in expected.items():
            with self.subTest(line):
                self.assertEqual(sorted(words), sorted(offered[line]))

    def test_commands_and_actions(self):
        firsts = {name.split()[0] for name in help_words.commands()}
        expected = {"kiln ": firsts - OPTIONS_OF_KILN, "kiln -": OPTIONS_OF_KILN,
                    "kiln po": {"pool", "pools"}}
        for command in ACTS:
            expected[f"kiln {command} "] = {name.split()[1] for name in help_words.commands()
                                            if name.startswith(f"{command} ")}
        self.assert_offers(expected)

    def test_options(self):
        self.assert_offers({f"kiln {command} --": options | {"--help"}
                            for command, options in help_words.commands().items()})

    def test_flags_of_daemons(self):
        self.assert_offers({f"{program} --": set(help_words.flags(program))
                            for program in DAEMONS})

    def test_values(self):
        levels = {"debug", "info", "warning", "error", "off"}
        self.assert_offers({
            "kiln pool create cc --context ": {"spawn", "fork", "forkserver"},
            "kiln keys new laptop --role ": {"client", "worker", "admin", "coordinator"},
            "kiln keys new --role=c": {"client", "coordinator"},
            "kiln keys allow --role=": {"client", "worker", "admin"},
            "kiln warm --executors ": {"all"}, "kiln pool warm cc ": {"all"},
            "kiln log w0 ": levels,
            "kiln-coordinator --log-level ": levels, "kiln-worker --log-level ": levels,
            "kiln-worker --log-format ": {"text", "json"}})

    def test_a_compiler_is_offered_and_completes_itself(self):
        shell = self.asked()
        for line in (f"kiln {PROGRAM} --its", f"kiln run {PROGRAM} --its",
                     f"kiln run -- {PROGRAM} --its", f"kiln run --input a {PROGRAM} --its",
                     f"kiln run --input a --output=b -- {PROGRAM} --its"):
            with self.subTest(line):
                self.assertEqual({"--its-own"}, shell.offers(line)[line])
        offered = shell.offers("kiln gc", "kiln doctor g+", "kiln warm gc")
        self.assertLessEqual({"gcc"}, offered["kiln gc"])
        self.assertLessEqual({"g++"}, offered["kiln doctor g+"])
        self.assertLessEqual({"gcc"}, offered["kiln warm gc"])


class BashTest(Completion, unittest.TestCase):
    shell = "bash"


class ZshTest(Completion, unittest.TestCase):
    shell = "zsh"


class FishTest(Completion, unittest.TestCase):
    shell = "fish"


class NamesTest(kilntest.FarmCase):
    """What the farm has."""

    def test_nodes_pools_and_builds_once_there_is_an_agent(self):
        farm = self.start_farm(workers=2, isolated=False, slots=1)
        farm.kiln("agent", "stop", check=True)
        for name in ("bash", "zsh", "fish"):
            self.assertEqual([set(), set()], self.offered(farm, name, "drain", "pool show"), name)
        self.assertIsNone(farm.agent_pid(), "a key that was pressed started it")
        farm.kiln("pool", "create", "cc", check=True)
        farm.kiln("run", "--", "true", env={"KILN_BUILD": "nightly"}, check=True)
        nodes, pools, builds = {"w0", "w1"}, {"default", "cc"}, {"nightly"}
        for name in ("bash", "zsh", "fish"):
            with self.subTest(name):
                self.assertEqual([nodes, nodes, pools, pools, pools, pools, builds], self.offered(
                    farm, name, "drain", "resume --json", "pool show", "pool warm", "pool delete",
                    "warm --pool", "trace"))

    def offered(self, farm, name, *commands):
        shell = Shell(name, farm.client_environment())
        self.addCleanup(shell.close)
        lines = [f"kiln {command} " for command in commands]
        offered = shell.offers(*lines)
        return [offered[line] for line in lines]


if __name__ == "__main__":
    unittest.main()
