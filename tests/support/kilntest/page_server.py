"""Serves files to a browser: the live page's from the sources, with modules of a test beside
them, or others."""

import http.server
import pathlib
import threading

from kilntest.exposition import ROOT

PAGE = ROOT / "coordinator" / "page"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
         ".json": "application/json", ".wasm": "application/wasm", ".woff2": "font/woff2",
         ".png": "image/png"}


class FileServer:
    """A context manager; `address` is "127.0.0.1:PORT". `body_of` gives the bytes at a path, or
    nothing."""

    def __init__(self, body_of):
        self._body_of = body_of
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
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

    def _handler(self):
        body_of = self._body_of

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = body_of(self.path)
                if body is None:
                    return self.send_error(404)
                self.send_response(200)
                self.send_header("Content-Type", TYPES[pathlib.PurePosixPath(self.path).suffix])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return None

            def log_message(self, *words):
                pass

        return Handler


class PageServer(FileServer):
    """`extra` is the text of modules by path."""

    def __init__(self, extra):
        self._extra = dict(extra)
        super().__init__(self._body)

    def _body(self, path):
        if path in self._extra:
            return self._extra[path].encode()
        file = PAGE / pathlib.PurePosixPath(path).name
        return file.read_bytes() if file.is_file() else None
