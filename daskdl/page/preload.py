"""The page for a scheduler that is about to start: `dask scheduler --preload daskdl.page.preload`.

A preload is imported before the scheduler makes its pages, so ours is one of them: in the navigation, and in the list
of plots that the JupyterLab extension offers.
"""

from __future__ import annotations

import logging
from typing import Any

from daskdl.page.reports import reports_of
from daskdl.page.scheduler import document, enter_navigation

LOG = logging.getLogger("daskdl")
PATHS = ("/daskdl", "/individual-daskdl")  # the JupyterLab extension lists what begins with "individual"


def offer() -> None:
    """Add the page to those that schedulers of this process make when they start."""
    try:
        from distributed.dashboard.scheduler import applications
    except ImportError as error:  # no Bokeh, or one that Dask does not take: then Dask serves no pages either
        LOG.warning("The page of training jobs needs Dask's dashboard: %s", error)
        return
    applications.update(dict.fromkeys(PATHS, document))


async def dask_setup(scheduler: Any) -> None:
    """Begin to listen for reports, and enter the navigation; Dask calls this when the scheduler runs."""
    reports_of(scheduler)
    enter_navigation(scheduler)


offer()  # Dask has no hook between the import of a preload and the making of the pages
