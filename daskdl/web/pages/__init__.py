"""The pages: one module per noun, found by belonging to this folder; each names its addresses in ROUTES."""

import importlib
import pkgutil

from daskdl.web.base import Page

__all__ = ["ROUTES"]


def _found() -> dict[str, type[Page]]:
    routes: dict[str, type[Page]] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        routes |= importlib.import_module(module.name).ROUTES
    return routes


ROUTES: dict[str, type[Page]] = _found()
