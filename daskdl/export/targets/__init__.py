"""Forms in which a model can be written: one file each, found by belonging to this folder."""

import importlib
import inspect
import pkgutil

from daskdl.export.targets.base import Target, Writer

__all__ = ["TARGETS", "WRITERS", "Target", "Writer"]


def _found() -> dict[str, Writer]:
    made: list[Writer] = []
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        values = vars(importlib.import_module(module.name)).values()
        made += [
            one()
            for one in values
            if inspect.isclass(one)
            and issubclass(one, Writer)
            and one.__module__ == module.name
            and not inspect.isabstract(one)
        ]
    return {one.name: one for one in sorted(made, key=lambda one: one.name)}


WRITERS: dict[str, Writer] = _found()
# those that write a program, which is traced from the model's formulas
TARGETS: dict[str, Target] = {name: one for name, one in WRITERS.items() if isinstance(one, Target)}
