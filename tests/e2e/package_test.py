"""The Debian packages in a Debian system that has nothing but what they depend on: installed, used,
installed again and purged, on a machine that has booted, and where no systemd runs."""

import pathlib
import subprocess
import tempfile
import unittest

from kilntest import packages, roots, trees
from kilntest.booted import Booted
from kilntest.hosts import Host
from kilntest.waiting import wait_until

DAEMONS = ("kiln-coordinator", "kiln-worker")
COMPILE = ("printf 'int answer(void) { return 42; }\\n' >a.c; gcc -g -c a.c -o local.o; "
           "kiln gcc -g -c a.c -o remote.o; cmp local.o remote.o; kiln agent stop")
# What each program has where Debian's man and shells look.
SHARED = [f"/usr/share/{place}" for place in (
    "man/man1/kiln.1", "man/man1/kiln-agent.1", "man/man8/kiln-coordinator.8",
    "man/man8/kiln-worker.8",
    *(place.format(name) for name in ("kiln", *DAEMONS) for place in (
        "bash-completion/completions/{}", "zsh/vendor-completions/_{}",
        "fish/vendor_completions.d/{}.fish")))]
# Where a machine has an address that is not loopback's.
ADDRESS = "10.78.0.1"
SECONDS = 120


class System(unittest.TestCase):
    """`root` is a system on `host`, as new, with the packages in its folder /packages."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="kp", dir="/var/tmp"))
        cls.addClassCleanup(trees.remove, cls.folder)
        cls.packages = packages.make(cls.folder / "packages")
        programs = [packages.binaries() / name for name in ("kiln-agent", *DAEMONS)]
        cls.system = roots.fetch("package", roots.codename(),
                                 [*roots.packages_of(programs), "systemd", "gcc", "libc6-dev"])

    def setUp(self):
        place = tempfile.mkdtemp(dir=self.folder)
        self.root = f"{place}/root"
        self.host = Host(setup=[
            f"mount -t tmpfs none {place}", f"cd {place}", "mkdir upper work root",
            f"mount -t overlay none -o lowerdir={self.system},upperdir=upper,workdir=work root",
            "mount -t proc none root/proc", "mount --bind /dev root/dev", "mkdir root/packages",
            f"mount --bind {self.folder / 'packages'} root/packages",
            f"ip address add {ADDRESS}/32 dev lo"])
        self.addCleanup(self.host.close)


class PackageTest(System):
    """Where no systemd runs."""

    def setUp(self):
        super().setUp()
        self.install()

    def inside(self, command, check=True):
        """The output of a shell's command on the system."""
        process = self.start(["sh", "-ec", command], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        out, _ = process.communicate(timeout=SECONDS)
        if check and process.returncode != 0:
            raise AssertionError(f"{command} ended with {process.returncode}\n{out}")
        return out if check else process.returncode

    def start(self, argv, **options):
        return self.host.start(
            ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
             "DEBIAN_FRONTEND=noninteractive", "KILN_FALLBACK=0", "chroot", self.root, "env",
             "--chdir=/root", *argv], cwd="/", **options)

    def install(self):
        self.inside("apt-get install -q -y --reinstall /packages/*.deb")

    def start_as_unit_says(self, name):
        """The command of a service, with its user and what it may have of root."""
        text = self.inside(f"cat /lib/systemd/system/{name}.service")
        unit = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        kept = [f"+{word.removeprefix('CAP_').lower()}"
                for word in unit["CapabilityBoundingSet"].split()]
        user = unit.get("User", "root")
        # What systemd makes of StateDirectory.
        state = f"/var/lib/{unit['StateDirectory']}"
        self.inside(f"install -d -o {user} {state}")
        process = self.start(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                              f"--bounding-set={','.join(['-all', *kept])}", "--inh-caps=-all",
                              "--no-new-privs", *unit["ExecStart"].split()],
                             stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(self.host.close)
        wait_until(lambda: self.inside(f"{unit['ExecStart']} --check-health", check=False) == 0,
                   f"{name} to be ready", SECONDS,
                   alive=lambda: process.poll() is not None and "it ended")
        return process

    def test_installed_it_runs_and_purged_it_is_gone(self):
        daemons = [self.start_as_unit_says(name) for name in DAEMONS]
        self.inside(COMPILE)
        self.inside("kill $(pidof kiln-worker kiln-coordinator)")
        self.assertEqual([0, 0], [daemon.wait(timeout=SECONDS) for daemon in daemons])
        self.inside("apt-get purge -q -y kiln kiln-coordinator kiln-worker libkiln-dev")
        left = self.inside("ls -d /usr/bin/kiln* /var/lib/kiln /etc/kiln /usr/share/kiln "
                           "/lib/systemd/system/kiln* /etc/systemd/system/*.wants/kiln* "
                           f"/usr/share/doc/kiln* {' '.join(SHARED)} 2>/dev/null || true")
        self.assertEqual("", left)

    def test_it_brings_pages_and_completions(self):
        self.inside(f"ls {' '.join(SHARED)}")

    def test_installed_again_it_keeps_what_people_changed(self):
        self.inside("echo 'slots = 3' >>/etc/kiln/worker.toml")
        self.install()
        self.inside("grep -q 'slots = 3' /etc/kiln/worker.toml")

    def test_it_can_be_configured_twice(self):
        for name in DAEMONS:
            for before in ("''", "0.1.0"):
                self.inside(f"/var/lib/dpkg/info/{name}.postinst configure {before}")

    def test_systemd_takes_the_units(self):
        for name in DAEMONS:
            self.assertEqual("", self.inside(
                f"systemd-analyze verify /lib/systemd/system/{name}.service"))
            self.inside(f"test -L /etc/systemd/system/multi-user.target.wants/{name}.service")
        self.inside("systemd-sysusers --dry-run /usr/lib/sysusers.d/kiln-coordinator.conf; "
                    "systemd-tmpfiles --create /usr/lib/tmpfiles.d/kiln-coordinator.conf")
        self.assertEqual("kiln 700\n", self.inside("stat -c '%U %a' /etc/kiln/keys"))


class BootedTest(System):
    """docs/deploy.md, "On bare machines", on a machine that has booted."""

    def setUp(self):
        super().setUp()
        self.machine = self.enterContext(Booted(self.host, self.root))

    def types(self, command, check=True):
        return self.machine.run(command, check, ["KILN_FALLBACK=0"]).stdout

    def are_ready(self):
        for name in DAEMONS:
            wait_until(lambda daemon=name: self.machine.run(
                f"{daemon} --config /etc/kiln/{daemon.removeprefix('kiln-')}.toml --check-health",
                check=False).returncode == 0, f"{name} to be ready", SECONDS,
                alive=lambda daemon=name: self.has_failed(daemon))

    def has_failed(self, name):
        state = self.types(f"systemctl show --property=ActiveState,NRestarts {name}")
        if "NRestarts=0" in state and "failed" not in state:
            return None
        return state + self.types(f"journalctl --no-pager -u {name} | tail -n 30")

    def test_it_runs_when_installed_then_across_machines_and_is_gone_when_purged(self):
        self.types("DEBIAN_FRONTEND=noninteractive apt-get install -q -y /packages/*.deb")
        self.are_ready()
        self.types(COMPILE)
        self.types("runuser -u kiln -- kiln keys init; "
                   "install -m 600 /etc/kiln/keys/worker.key /etc/kiln/worker.key; "
                   "install -m 600 /etc/kiln/keys/client.key /etc/kiln/key.toml; "
                   "cat >>/etc/kiln/coordinator.toml <<END\n"
                   'keys = "/etc/kiln/keys"\n'
                   f'client-endpoint = "tcp://{ADDRESS}:10650"\n'
                   f'worker-endpoint = "tcp://{ADDRESS}:10651"\nEND\n'
                   "cat >>/etc/kiln/worker.toml <<END\n"
                   'key-file = "/etc/kiln/worker.key"\n'
                   f'coordinator = ["{ADDRESS}"]\nlisten = "tcp://{ADDRESS}:10652"\nEND\n'
                   f"printf '[client]\ncoordinator = \"{ADDRESS}\"\n' >/etc/kiln/client.toml\n"
                   "systemctl restart kiln-coordinator kiln-worker")
        self.are_ready()
        self.types(COMPILE)
        self.assertIn("task", self.types("journalctl --no-pager -u kiln-worker"))
        self.types("systemctl stop kiln-worker")
        self.assertEqual("0\n", self.types(
            "systemctl show --property=ExecMainStatus --value kiln-worker"))
        self.types("DEBIAN_FRONTEND=noninteractive apt-get purge -q -y "
                   "kiln kiln-coordinator kiln-worker libkiln-dev")
        self.assertEqual("", self.types("pidof kiln-coordinator kiln-worker || true"))
        self.assertEqual("/etc/kiln/keys\n", self.types("ls -d /var/lib/kiln /etc/kiln/keys "
                                                        "2>/dev/null || true"))


if __name__ == "__main__":
    unittest.main()
