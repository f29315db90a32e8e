"""A Docker daemon of a test's own, on a host of its own: nothing of it shows outside, and all of it
ends with that host. Only its control groups are the machine's: take them away with
remove_groups()."""

import contextlib
import os
import pathlib
import signal
import subprocess

from kilntest.waiting import wait_until

READY_SECONDS = 60
# What a host needs before a daemon starts on it.
SETUP = ["mount -t tmpfs none /run"]


def group_name():
    return f"kiln-test-{os.getpid()}"


def remove_groups():
    """The control groups of this process's containers, when these have ended."""
    for top in pathlib.Path("/sys/fs/cgroup").glob(f"**/{group_name()}"):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


class Dockerd:
    """Runs on `host`, which was made with SETUP; keeps its files in `folder`, which it makes.
    `flags` are added to the daemon's."""

    def __init__(self, host, folder, log, flags=()):
        self.host, self.folder, self.log = host, folder, log
        self.folder.mkdir()
        self.socket = f"unix://{self.folder}/socket"
        command = ["dockerd", "--data-root", self.folder / "data", "--exec-root",
                   self.folder / "exec", "--pidfile", self.folder / "pid", "--host", self.socket,
                   "--cgroup-parent", f"/{group_name()}", "--exec-opt",
                   "native.cgroupdriver=cgroupfs", "--log-level", "error", *flags]
        with open(self.log, "wb") as log_file:
            self._daemon = self.host.start([str(word) for word in command], stdout=log_file,
                                           stderr=log_file, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.call("version", check=False).returncode == 0, "Docker's daemon",
                   READY_SECONDS, alive=self._ended)

    def _ended(self):
        if self._daemon.poll() is None:
            return None
        return "it ended: " + self.log.read_text(errors="replace")[-4000:]

    def import_system(self, system, image, *changes):
        """Makes an image of a folder; `changes` are lines of a Dockerfile."""
        words = [word for change in changes for word in ("--change", change)]
        with subprocess.Popen(["tar", "-C", system, "-c", "."], stdout=subprocess.PIPE) as tar:
            self.call("import", *words, "-", image, stdin=tar.stdout)

    def call(self, *words, check=True, **options):
        """A docker command: a CompletedProcess with text."""
        return self.run(["docker", *words], check, **options)

    def run(self, argv, check=True, environment=None, **options):
        """A command that finds this daemon: a CompletedProcess with text."""
        process = self.start(argv, environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, **{"stdin": subprocess.DEVNULL, **options})
        out, _ = process.communicate()
        if check and process.returncode != 0:
            raise AssertionError(f"{argv} ended with {process.returncode}\n{out}")
        return subprocess.CompletedProcess(argv, process.returncode, out)

    def start(self, argv, environment=None, **options):
        """A Popen of a command that finds this daemon."""
        where = [f"DOCKER_HOST={self.socket}",
                 *[f"{name}={value}" for name, value in (environment or {}).items()]]
        return self.host.start(["env", *where, *map(str, argv)], **options)

    def close(self):
        """Ends the daemon and waits until it is gone; its containers end with its host."""
        if self._daemon.poll() is None:
            os.kill(self.host.pid_of(self._daemon), signal.SIGKILL)
        self._daemon.wait()
