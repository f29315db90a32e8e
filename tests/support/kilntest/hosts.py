"""Where processes run. `Machine` is this machine as it is. A `Host` is one of a `Network`: a
process, mount and network namespace with an address of its own, on a bridge that lives in yet
another namespace. Nothing of it shows outside, so that two runs at once do not meet, and all of it
ends with the process that made it, however that ends."""

import ctypes
import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import threading

from kilntest.waiting import wait_until

PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000
NS_GET_PARENT = 0xB702
_libc = ctypes.CDLL(None, use_errno=True)

# First process of a host: nothing to do but to be there and to let the dead go (a signal that is
# ignored stays so through exec; the shell itself would end with the first orphan). It ends with its
# standard input, which is ours to close.
_INIT = 'trap "" CHLD; ip link set lo up && echo ready; exec cat >/dev/null'

# What a host without compilers shows in the place of these.
COMPILER_FOLDERS = ("/usr/lib/gcc", "/usr/lib/llvm-14", "/usr/include", "/usr/lib/clang")
COMPILER_PROGRAMS = ("*gcc*", "*g++*", "*clang*", "as", "ld", "ld.*", "cc", "c++", "cpp*",
                     "*-linux-gnu-as", "*-linux-gnu-ld*", "*-linux-gnu-cpp*")


def die_with_parent():
    """In a child before exec. The signal follows the thread that forks: processes are started from
    threads that live as long as they should."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Machine:
    """This machine as it is: processes on loopback."""

    address = "127.0.0.1"
    isolated = False

    def start(self, argv, **options):
        """A Popen of argv."""
        return subprocess.Popen(argv, preexec_fn=die_with_parent, **options)

    def pid_of(self, process):
        """The pid, as this machine sees it, of what start() started."""
        return process.pid

    def connect(self, address, port, seconds=5.0):
        return socket.create_connection((address, port), timeout=seconds)

    def close(self):
        pass


class Host:
    """`setup` is a list of shell commands run once inside, as root, before anything else. Without
    a network of its own it has the machine's, for what must be fetched."""

    isolated = True

    def __init__(self, address=None, setup=(), own_network=True):
        self.address = address
        self._init = subprocess.Popen(
            ["unshare", *(["--net"] if own_network else []), "--mount", "--pid", "--ipc", "--uts",
             "--fork", "--mount-proc", "--kill-child=KILL", "sh", "-c",
             "\n".join(["set -e", *setup, _INIT])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        if self._init.stdout.readline() != b"ready\n":
            self.close()
            raise RuntimeError("a network namespace cannot be made; are you root?")
        self.pid = only_child(self._init.pid)

    def enter(self, argv, cwd=None):
        """argv, wrapped so that it runs on this host, in `cwd` as the host sees it."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--ipc", "--uts",
                f"--wdns={cwd or os.getcwd()}", "--", *argv]

    def start(self, argv, cwd=None, **options):
        # Needs no signal when we end: it ends with its host, which does, and nsenter reaps it.
        return subprocess.Popen(self.enter(argv, cwd), **options)

    def pid_of(self, process):
        return wait_until(lambda: only_child(process.pid), "a process to start on a host",
                          alive=lambda: process.poll() is not None and "it ended at once")

    def connect(self, address, port, seconds=5.0):
        """A TCP connection from this host, for the caller outside."""
        return _in_network_of(self.pid, lambda: socket.create_connection((address, port), seconds))

    def run(self, command):
        subprocess.run(self.enter(["sh", "-ec", command]), check=True)

    def processes(self):
        """(pid, command line) of everything on the host, also in namespaces that its processes
        made, but not its first process and not the dead."""
        space = os.stat(f"/proc/{self.pid}/ns/pid").st_ino
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and int(entry.name) != self.pid and \
                        _is_within(entry / "ns/pid", space):
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if words != [b""]:
                        found.append((int(entry.name), b" ".join(words).decode(errors="replace")))
            except OSError:
                continue  # gone meanwhile
        return found

    def close(self):
        self._init.kill()
        self._init.wait()
        self._init.stdin.close()
        self._init.stdout.close()


class Network:
    """Hosts on one bridge, 10.77.0.0/24 in their own small world."""

    def __init__(self):
        self.hosts = []
        self._switch = Host(setup=["ip link add br0 type bridge", "ip link set br0 up"])

    def add(self, setup=()):
        host = Host(setup=setup)
        self.hosts.append(host)
        number = len(self.hosts)
        host.address = f"10.77.0.{number}"
        self._switch.run(
            f"ip link add p{number} type veth peer name e{number}\n"
            f"ip link set p{number} master br0 up")
        _move_link(self._switch, f"e{number}", host)
        host.run(f"ip link set e{number} name eth0\nip address add {host.address}/24 dev eth0\n"
                 "ip link set eth0 up")
        return host

    def cut(self, host):
        """Unplugs a host: packets to and from it vanish."""
        self._switch.run(f"ip link set p{self.hosts.index(host) + 1} down")

    def plug(self, host):
        self._switch.run(f"ip link set p{self.hosts.index(host) + 1} up")

    def close(self):
        for host in [*self.hosts, self._switch]:
            host.close()


def without_compilers():
    """Setup commands of a host that has no compiler, no linker and no header."""
    folders = [folder for folder in COMPILER_FOLDERS if os.path.isdir(folder)]
    programs = sorted({str(path) for pattern in COMPILER_PROGRAMS
                       for path in pathlib.Path("/usr/bin").glob(pattern) if not path.is_symlink()})
    return ([f"mount -t tmpfs -o size=1m,mode=755 none {folder}" for folder in folders] +
            [f"mount --bind /dev/null {program}" for program in programs])


def small_disk(path, megabytes):
    """Setup command: a file system of its own for `path`."""
    return [f"mkdir -p {path}", f"mount -t tmpfs -o size={megabytes}m,mode=755 none {path}"]


def _is_within(path, space):
    """Whether the PID namespace at `path` is the one with inode `space` or below it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        while os.fstat(handle).st_ino != space:
            parent = fcntl.ioctl(handle, NS_GET_PARENT)
            os.close(handle)
            handle = parent
        return True
    except PermissionError:  # above the namespace that we live in ourselves
        return False
    finally:
        os.close(handle)


def only_child(pid):
    """The pid of a process's first child, or None."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def _move_link(switch, name, host):
    # Only a process that sees both namespaces can name the other one: nsenter with the network
    # alone keeps this machine's view of /proc.
    subprocess.run(["nsenter", f"--target={switch.pid}", "--net", "ip", "link", "set", name,
                    "netns", str(host.pid)], check=True)


def _in_network_of(pid, action):
    """Runs `action` in a thread that has moved to the network of `pid`."""
    result = []

    def moved():
        with open(f"/proc/{pid}/ns/net", "rb") as space:
            if _libc.setns(space.fileno(), CLONE_NEWNET) != 0:
                result.append(OSError(ctypes.get_errno(), "setns"))
                return
        try:
            result.append(action())
        except OSError as error:
            result.append(error)

    thread = threading.Thread(target=moved)
    thread.start()
    thread.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]
