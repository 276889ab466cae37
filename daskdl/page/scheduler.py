"""The page of a scheduler: a document for each browser that opens it, and an entry in Dask's navigation."""

from __future__ import annotations

from typing import Any

from bokeh.document import Document

from daskdl.page.document import Page
from daskdl.page.reports import NAME, reports_of

MILLISECONDS = 1000  # between two updates of an open page


def document(scheduler: Any, extra: dict[str, Any], doc: Document) -> None:
    """Fill the document of a browser that opens the page; `extra` is what Dask's templates need."""
    from distributed.dashboard.components.scheduler import BOKEH_THEME, env

    reports = reports_of(scheduler)
    page = Page(reports.board, reports.workers)
    doc.add_root(page.root)
    doc.add_periodic_callback(page.follow, MILLISECONDS)
    doc.title = "daskdl: training jobs"
    doc.template = env.get_template("simple.html")
    doc.template_variables.update(extra)
    doc.theme = BOKEH_THEME


def enter_navigation(scheduler: Any) -> None:
    """Put the page into the navigation of all pages of a scheduler."""
    from distributed.dashboard.scheduler import template_variables

    pages = template_variables(scheduler)["pages"]  # one list for each scheduler: what is put in, all its pages show
    if NAME not in pages:
        pages.insert(1, NAME)
