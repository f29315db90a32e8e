"""Speaks Kiln's protocols by hand, to say what Kiln's own programs never say: just enough of ZMTP
3.0 (a DEALER without security) and of the framing on the agent's socket."""

import socket
import struct

REFUSED, PING, WORKER_HELLO, CLIENT_HELLO, PEER_HELLO = 1, 2, 4, 8, 16
EMPTY_MAP = b"\x80"
MORE, LONG, COMMAND = 1, 2, 4


def header(version, kind):
    """Frame 0 of a message."""
    return struct.pack(">HH", version, kind)


def ask_agent(path, frames, seconds=10.0):
    """The answer's frames, or None where the agent hangs up."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(seconds)
        link.connect(str(path))
        body = struct.pack(">I", len(frames))
        body += b"".join(struct.pack(">I", len(frame)) + frame for frame in frames)
        link.sendall(struct.pack(">I", len(body)) + body)
        head = _read(link, 8)
        if head is None:
            return None
        count, = struct.unpack(">I", head[4:])
        return [_read(link, struct.unpack(">I", _read(link, 4))[0]) for _ in range(count)]


def ask_daemon(host, address, port, frames, seconds=10.0):
    """The first answer's frames, or None where the daemon hangs up."""
    with host.connect(address, port, seconds) as link:
        link.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        _read(link, 64)
        kind = b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        _send(link, COMMAND, b"\x05READY" + kind)
        for index, frame in enumerate(frames):
            _send(link, MORE if index + 1 < len(frames) else 0, frame)
        answer = []
        while True:
            flags = _read(link, 1)
            if flags is None:
                return None
            size = struct.unpack(">Q", _read(link, 8))[0] if flags[0] & LONG else _read(link, 1)[0]
            body = _read(link, size)
            if not flags[0] & COMMAND:
                answer.append(body)
                if not flags[0] & MORE:
                    return answer


def _send(link, flags, body):
    link.sendall(struct.pack(">BQ", flags | LONG, len(body)) + body)


def _read(link, size):
    data = b""
    while len(data) < size:
        piece = link.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return data
