"""Dask's pages of the cluster inside this process: made when somebody opens the first of them. (D)

Bokeh, which draws them, takes a sixth of the time from the start of an interpreter to its first small model, and most
scripts end without anybody looking.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from typing import Any, Literal

import distributed
from distributed.http.scheduler.info import IndividualPlots
from tornado import web


class Worker(distributed.Worker):
    """A worker that makes no pages when it starts, though it has an address for its health page."""

    def __init__(self, *arguments: Any, dashboard: bool = False, **options: Any):
        super().__init__(*arguments, dashboard=False, **options)


class _Later(web.Application):
    """Answers for the pages of a server that are not made yet."""

    def __init__(self, server: Any, kind: str, preload: Sequence[str]):
        super().__init__([(r"/.*", _Opening)])
        self._server, self._kind, self._preload = server, kind, preload
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Make the pages, unless that was done, and leave."""
        async with self._lock:
            served = self._server.http_application
            if self not in served.applications:
                return
            # in a thread: rounds that this process trains have messages that should not wait for an import
            added = [await asyncio.to_thread(importlib.import_module, name) for name in self._preload]
            pages = await asyncio.to_thread(importlib.import_module, f"distributed.dashboard.{self._kind}")
            served.applications.remove(self)
            pages.connect(served, self._server.http_server, self._server, prefix="/")
            for one in added:
                await one.dask_setup(self._server)


class _Opening(web.RequestHandler):
    """Any page, asked for the first time: it is there when the browser asks again."""

    application: _Later

    async def get(self) -> None:
        await self.application.open()
        self.redirect(str(self.request.uri))


class _Plots(IndividualPlots):
    """The list of plots that the JupyterLab extension offers: of pages that are there, so it has them made."""

    def initialize(self, later: _Later, **options: Any) -> None:
        super().initialize(**options)
        self._later = later

    async def get(self) -> None:
        await self._later.open()
        super().get()


def serve_later(server: Any, kind: Literal["scheduler", "worker"], preload: Sequence[str] = ()) -> None:
    """Serve the pages of a scheduler or worker of this process from the first look on.

    `preload` are modules, as for `dask scheduler --preload`, that are imported before the pages are made and set up
    after that.
    """
    later = _Later(server, kind, preload)
    server.http_application.add_application(later)
    if kind == "scheduler":
        options = {"later": later, "dask_server": server, "extra": {}}
        server.http_application.add_handlers(r".*$", [(r"/individual-plots.json", _Plots, options)])
