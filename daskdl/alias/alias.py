"""The name `h2o` for this package, so that scripts written for h2o-py run unchanged."""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from daskdl.alias.elsewhere import Refusing

OTHER, OWN = "h2o", "daskdl"


def as_h2o() -> ModuleType:
    """Make `import h2o` and `from h2o.estimators import ...` mean this package, and return it.

    Only this process is concerned. An h2o that was imported before stays what it is for those who hold it. Setting
    ``sys.modules["h2o"] = daskdl`` has the same effect.

    Example::

        import daskdl
        daskdl.as_h2o()
        import h2o
        from h2o.grid.grid_search import H2OGridSearch
    """
    for name in [name for name in sys.modules if name == OTHER or name.startswith(f"{OTHER}.")]:
        del sys.modules[name]
    sys.modules[OTHER] = sys.modules[OWN]
    return sys.modules[OWN]


class _Modules(MetaPathFinder, Loader):
    """Answers imports of `h2o.x` with the module `daskdl.x`, while `h2o` is another name of daskdl.

    Without it Python would load the file of daskdl.x a second time, and its classes would exist twice.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{OTHER}.") or sys.modules.get(OTHER) is not sys.modules.get(OWN):
            return None
        own = OWN + fullname.removeprefix(OTHER)
        try:
            found = importlib.util.find_spec(own)
        except ModuleNotFoundError:  # we have none either: the import machinery says so
            found = None
        return None if found is None else ModuleSpec(fullname, self, is_package=bool(found.submodule_search_locations))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(OWN + spec.name.removeprefix(OTHER))
        spec.loader_state = module.__spec__  # the import system is about to overwrite it
        return module

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


def offer() -> None:
    """Let the import system know of the other name, and of what is not here; called once, when daskdl is imported."""
    if not any(isinstance(finder, _Modules) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Modules())
        sys.meta_path.append(Refusing())
