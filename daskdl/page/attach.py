"""The page for a scheduler that runs already, which is not ours to start."""

from __future__ import annotations

import sys
from typing import Any


def attach(client: Any) -> str | None:
    """Add the page to the scheduler behind a `distributed.Client`; return why that cannot be, and what to do.

    None: it is there, or the scheduler serves no pages at all. The JupyterLab extension lists it only where the
    scheduler was started with it (`daskdl.page.preload`): Dask lists the pages that it made itself.
    """
    try:
        client.run_on_scheduler(add_page)
    except Exception as error:  # whatever ails the page must not keep anybody from the cluster
        return (
            f"The Dask dashboard shows no page of training jobs: {type(error).__name__}: {error}. Install this version "
            "of daskdl where the scheduler runs, and start it as `dask scheduler --preload daskdl.page.preload`."
        )
    return None


def add_page(dask_scheduler: Any) -> None:
    """Add the page to this scheduler, inside its own process; twice does no harm."""
    from daskdl.page.reports import reports_of

    reports_of(dask_scheduler)  # also without pages: for the metrics
    if "bokeh.server.tornado" not in sys.modules:
        return  # it serves no pages
    from bokeh.server.tornado import BokehTornado

    from daskdl.page.preload import PATHS
    from daskdl.page.scheduler import document, enter_navigation

    served = [one for one in dask_scheduler.http_application.applications if isinstance(one, BokehTornado)]
    if not served:
        return
    enter_navigation(dask_scheduler)
    if not any(PATHS[0] in one.app_paths for one in served):
        _serve(dask_scheduler, dict.fromkeys(PATHS, document), served[0].prefix)


def _serve(scheduler: Any, pages: dict[str, Any], prefix: str) -> None:
    from distributed.dashboard.core import BokehApplication
    from distributed.dashboard.scheduler import template_variables
    from tornado.ioloop import IOLoop

    more = BokehApplication(pages, scheduler, prefix=prefix, template_variables=template_variables(scheduler))
    scheduler.http_application.add_application(more)
    more.initialize(IOLoop.current())
    more.start()
