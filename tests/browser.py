"""A headless Chromium for tests: opens a page, runs JavaScript in it, takes a picture; over its debugging protocol."""

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Tab:
    """One open page."""

    def __init__(self, address: str):
        self._loop = IOLoop(make_current=False)
        self._socket: Any = self._run(websocket_connect, address, max_message_size=1 << 28)
        self._number = 0

    def _run(self, function: Any, *arguments: Any, **options: Any) -> Any:
        return self._loop.run_sync(lambda: function(*arguments, **options), timeout=60)

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result."""
        self._number += 1
        self._run(self._socket.write_message, json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._run(self._socket.read_message))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def evaluate(self, script: str) -> Any:
        """Return the value of a JavaScript expression."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, script: str, seconds: float = 60.0) -> None:
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(f"Boolean({script})"):
            assert time.monotonic() < deadline, f"never true: {script}"
            time.sleep(0.2)

    def settle(self) -> None:
        """Wait until what the page has begun by now is done: an image that begins later has failed, frames are drawn.

        By then an image that a name has smuggled in has failed, too, and the text under the mouse is shown.
        """
        self.evaluate(
            """(() => { window.settled = false; const one = new Image();
            one.onerror = () => requestAnimationFrame(() => requestAnimationFrame(() => { window.settled = true; }));
            one.src = '/no-such-image-' + Math.random(); })()"""
        )
        self.wait("window.settled")

    def picture(self, path: Path) -> None:
        """Save what the tab shows as a PNG."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """Let go of the page."""

        async def closed() -> None:  # inside the loop, which closing asks for
            self._socket.close()

        self._run(closed)
        self._loop.close(all_fds=True)


@contextlib.contextmanager
def opened(address: str, folder: Path, size: str = "1500,1700") -> Iterator[Tab]:
    """Open a page in a browser of its own; without one the test is skipped, or fails with DASKDL_BROWSER=required."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        reason = f"needs a browser to look at the page, one of {', '.join(NAMES)} (apt-get install chromium)"
        if os.environ.get("DASKDL_BROWSER") == "required":  # the build server: there no look is left out
            pytest.fail(reason)
        pytest.skip(reason)
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={folder / 'browser'}", "--remote-debugging-port=0", f"--window-size={size}", address]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            found = next(filter(None, (re.search(r"ws://(\S+?)/", line) for line in process.stderr)))
            with urllib.request.urlopen(f"http://{found[1]}/json", timeout=30) as answer:
                page = next(one for one in json.load(answer) if one["type"] == "page")
            with contextlib.closing(Tab(page["webSocketDebuggerUrl"])) as tab:
                yield tab
        finally:
            process.terminate()
