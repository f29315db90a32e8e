"""An agent that says of every call at once that it is done: what is left is the launcher."""

import socketserver
import struct
import threading

CALL, CALL_DONE = 34, 36  # common/wire/messages.h: the message's place in the list of kinds
EMPTY_MAP = b"\x80"  # MessagePack: every field has its default


class FakeAgent:
    """Listens on the UNIX socket at `path` while entered."""

    def __init__(self, path):
        self._server = socketserver.UnixStreamServer(str(path), _Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Answer(socketserver.StreamRequestHandler):
    def handle(self):
        head = self.rfile.read(4)
        if len(head) < 4:
            return
        body = self.rfile.read(struct.unpack(">I", head)[0])
        # The number of frames, the size of the first, and the first: version and kind.
        _, _, version, kind = struct.unpack(">IIHH", body[:12])
        if kind != CALL:
            raise ValueError(f"a message of kind {kind} came, not a call")
        frames = [struct.pack(">HH", version, CALL_DONE), EMPTY_MAP, b"", b""]
        answer = struct.pack(">I", len(frames)) + b"".join(
            struct.pack(">I", len(frame)) + frame for frame in frames)
        self.wfile.write(struct.pack(">I", len(answer)) + answer)
