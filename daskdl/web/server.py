"""The server behind daskdl Flow: loopback, one thread with its own loop, one line that says where it is."""

from __future__ import annotations

import asyncio
import socket
import threading
import webbrowser
from pathlib import Path
from typing import Any

import bokeh
from tornado.httpserver import HTTPServer
from tornado.web import Application

from daskdl.door import cloud
from daskdl.web.access import Access
from daskdl.web.base import LOG, Files, Missing
from daskdl.web.pages import ROUTES
from daskdl.web.site import Site
from frames.exceptions import H2OValueError

LOOPBACK = "127.0.0.1"
MOST_BYTES = 4 * 2**20  # of a form
HERE = Path(__file__).resolve().parent
SECONDS_TO_START = 30.0
_running: list[Flow] = []


class Flow:
    """A running server: its `address`, with the token; `close()` ends it."""

    def __init__(self, port: int = 0, scheduler: str | None = None):
        try:
            self._socket = socket.create_server((LOOPBACK, port), backlog=128)
        except (OSError, OverflowError) as error:
            raise H2OValueError(
                f"port must be a free one of this machine, or 0 for any; got {port} ({error})."
            ) from error
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.site = Site(Access(self.port), scheduler=scheduler)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="daskdl-flow", daemon=True)
        self._thread.start()
        if not self._ready.wait(SECONDS_TO_START):
            raise H2OValueError(f"daskdl Flow must answer within {SECONDS_TO_START:g} seconds; it did not.")

    @property
    def address(self) -> str:
        """Where it is, with the token that lets you in."""
        return f"http://{LOOPBACK}:{self.port}/?token={self.site.access.token}"

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(application(self.site), max_body_size=MOST_BYTES)
        server.add_socket(self._socket)
        self._ready.set()
        await self._end.wait()
        server.stop()
        await server.close_all_connections()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is closed, or so many seconds; tell whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Close it: its running jobs are cancelled, frames and models stay."""
        self.site.jobs.cancel_all()
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self.wait(10)
        self.site.pool.shutdown(wait=False, cancel_futures=True)
        if self in _running:
            _running.remove(self)

    def __repr__(self) -> str:
        return f"daskdl Flow at {self.address}"


def flow(port: int = 0, browser: bool = True) -> Flow:
    """Start daskdl Flow in this process and open it in a browser; return it, with its `address` and `close()`.

    It shows the frames, models and grids of this session. It listens on this machine only, and lets in who has the
    token of the address. Where it runs already it is only opened again. Raises H2OValueError for a port that is taken.

    Example: ``h2o.flow(browser=False).address``.
    """
    found = next((one for one in _running if port in (0, one.port)), None)
    if found is None:
        known = cloud.cluster()  # starts the embedded one if there is none
        found = Flow(port, None if known.cloud_name.startswith("inproc") else known.cloud_name)
        _running.append(found)
    print(f"daskdl Flow: {found.address}", flush=True)
    if browser:
        webbrowser.open(found.address)
    return found


def _noted(handler: Any) -> None:
    """Log a request without its query: that may hold the token, and names of the user's data."""
    LOG.debug("%d %s %s", handler.get_status(), handler.request.method, handler.request.path)


def application(site: Site) -> Application:
    """Return all routes; what is not among them is answered by the same guard."""
    shared: dict[str, Any] = {"site": site}
    files = [
        (r"/static/(.*)", Files, {**shared, "path": str(HERE / "static")}),
        (r"/bokeh/(bokeh\.min\.js)", Files, {**shared, "path": str(Path(bokeh.__file__).parent / "server/static/js")}),
    ]
    pages = [(path, handler, shared) for path, handler in ROUTES.items()]
    otherwise: dict[str, Any] = {"default_handler_class": Missing, "default_handler_args": shared}
    return Application([*files, *pages], compress_response=True, log_function=_noted, **otherwise)
