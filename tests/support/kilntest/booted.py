"""A Debian system of a folder, booted with its own systemd, as on a machine: in namespaces and a
control group that end with it."""

import os
import pathlib
import signal
import subprocess

from kilntest.hosts import only_child
from kilntest.waiting import wait_until

BOOT_SECONDS = 90
CONTROL_GROUPS = pathlib.Path("/sys/fs/cgroup")
# systemd looks for a mark like this, and leaves the machine's devices and clock alone.
INIT = ["env", "-i", "container=kiln-test", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "/lib/systemd/systemd", "--log-target=null", "--show-status=no"]


def _unified():
    """Where control groups of version 2 are, also on machines that have both versions."""
    both = CONTROL_GROUPS / "unified"
    return both if both.is_dir() else CONTROL_GROUPS


class Booted:
    """`root`: a folder to be given to the system, as `host` sees it; a mount point, which it
    changes. Use it by `with`."""

    def __init__(self, host, root):
        self.host, self.root = host, root
        self._group = _unified() / f"kiln-test-boot-{os.getpid()}"

    def __enter__(self):
        self._init = self._pid = None
        self._group.mkdir()
        try:
            self._init = self.host.start(
                ["sh", "-ec", f"echo $$ >{self._group}/cgroup.procs; exec unshare --cgroup --mount "
                 f"--pid --fork --kill-child=KILL sh -ec '{self._enter_root()}' {' '.join(INIT)}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self._pid = self._first_process()
            wait_until(self._has_booted, "the system to boot", BOOT_SECONDS, alive=self._ended)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _enter_root(self):
        return "; ".join([
            f"cd {self.root}", "mount -t proc none proc", "mount -t sysfs none sys",
            "mount -t cgroup2 none sys/fs/cgroup", "mount -t tmpfs none run",
            "mount -t tmpfs none tmp", "mkdir -p .former", "pivot_root . .former",
            "umount -l .former", "exec \"$0\" \"$@\""])

    def _first_process(self):
        outer = self.host.pid_of(self._init)
        return wait_until(lambda: only_child(outer), "a system's first process", BOOT_SECONDS,
                          alive=self._ended)

    def _ended(self):
        code = self._init.poll()
        return None if code is None else f"it ended with {code}"

    def _has_booted(self):
        done = self.run("systemctl is-system-running", check=False)
        return done.stdout.strip() in ("running", "degraded")

    def run(self, command, check=True, environment=()):
        """A shell's command on the system: a CompletedProcess with text."""
        done = subprocess.run(
            ["nsenter", f"--target={self._pid}", "--all", "env", "-i",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", *environment,
             "sh", "-ec", f"cd /root; {command}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}")
        return done

    def __exit__(self, *ignored):
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
        elif self._init:
            self._init.kill()
        if self._init:
            self._init.wait()
        # What was in it ends with its first process, but not before the kernel gets to it.
        for folder, _, _ in os.walk(self._group, topdown=False):
            wait_until(lambda place=folder: _remove(place), f"{folder} to be empty")


def _remove(folder):
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True
