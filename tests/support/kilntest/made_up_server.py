"""Serves the live page from the sources, and the pages of a made-up farm that it asks."""

import http.server
import json
import pathlib
import threading
import time
import urllib.parse

from kilntest.exposition import ROOT

PAGE = ROOT / "coordinator" / "page"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
POLICY = ("default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


class MadeUpServer:
    """A context manager; `address` is "127.0.0.1:PORT". The farm follows the clock, unless it is
    `held` at its time. Whoever changes the farm takes `lock`."""

    def __init__(self, farm, held=False, port=0, extra=None):
        self.farm, self.held, self.lock = farm, held, threading.Lock()
        self.extra = dict(extra or {})  # further pages: text of a module by path
        self._made = farm.now - time.time() * 1000
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self):
        return "127.0.0.1:{}".format(self._server.server_address[1])

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path, query):
        """(status, type, bytes)."""
        if path.startswith("/api/"):
            said = self._api(path, {key: values[0] for key, values in query.items()})
            return (404 if said is None or "error" in said else 200, "application/json",
                    json.dumps(said or {"error": "no such page"}).encode())
        name = "index.html" if path == "/" else pathlib.PurePosixPath(path).name
        if path in self.extra:
            return 200, TYPES[pathlib.PurePosixPath(path).suffix], self.extra[path].encode()
        file = PAGE / name
        if not file.is_file():
            return 404, "text/plain", b"no such page\n"
        return 200, TYPES.get(file.suffix, "text/plain"), file.read_bytes()

    def _api(self, path, query):
        with self.lock:
            if not self.held:
                self.farm.advance(int(time.time() * 1000 + self._made))
            if path == "/api/v1/live":
                return self.farm.live(int(query.get("since", 0)))
            if path == "/api/v1/nodes":
                return self.farm.whole_node(query.get("name"))
            if path == "/api/v1/pools":
                return self.farm.whole_pool(query.get("name"))
            if path == "/api/v1/tasks":
                limit = int(query.pop("limit", 200))
                return self.farm.tasks(limit=limit, **query)
            if path == "/api/v1/timeline":
                number, since = int(query.get("build", 0)), int(query.get("since", 0))
                return self.farm.timeline(number, since) or {"error": f"no build {number}"}
            return None

    def _handler(self):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = urllib.parse.urlsplit(self.path)
                status, kind, body = owner.answer(asked.path, urllib.parse.parse_qs(asked.query))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", POLICY)
                self.send_header("X-Content-Type-Options", "nosniff")
                self.send_header("Cache-Control", "no-cache")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        return Handler
