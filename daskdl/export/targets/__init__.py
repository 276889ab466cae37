"""Languages that a model can be written in: one file each, found by belonging to this folder."""

import importlib
import inspect
import pkgutil

from daskdl.export.targets.base import Target

__all__ = ["TARGETS", "Target"]


def _found() -> dict[str, Target]:
    made: list[Target] = []
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        values = vars(importlib.import_module(module.name)).values()
        made += [
            one()
            for one in values
            if inspect.isclass(one) and issubclass(one, Target) and one.__module__ == module.name and one is not Target
        ]
    return {one.name: one for one in sorted(made, key=lambda one: one.name)}


TARGETS: dict[str, Target] = _found()
