"""The floors of ARCHITECTURE.md, read from the imports: a module leans on its own floor or lower ones, never higher."""

import re
import sys
from fnmatch import fnmatchcase

import pytest
from source_tree import ROOT, Module, imports, modules, top

# First match wins. A name stands for itself and everything below it, a star for the rest of a name. A module without
# a floor fails its test: give it a line here and in ARCHITECTURE.md.
FLOORS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("daskdl.kernels.jit", "daskdl.errors", "daskdl.exceptions", "frames.errors", "frames.codecs")),
    (0, ("daskdl.parameter_kinds",)),
    (1, ("daskdl.kernels", "frames.chunk", "frames.column", "frames.summary", "frames.schema", "frames.digits")),
    (2, ("daskdl.network", "frames")),
    (3, ("daskdl.encoding", "daskdl.categorical", "daskdl.moments", "daskdl.adaptation", "daskdl.design")),
    (3, ("daskdl.prediction", "daskdl.importances", "daskdl.balance", "daskdl.growth", "daskdl.table", "daskdl.shown")),
    (3, ("daskdl.metrics", "daskdl.history", "daskdl.schedule", "daskdl.rounds", "daskdl.stopping")),
    (3, ("daskdl.parameter*",)),
    (4, ("daskdl.coordinator", "daskdl.messages", "daskdl.shares", "daskdl.progress")),
    (5, ("daskdl.trainer", "daskdl.scoring", "daskdl.work", "daskdl.model", "daskdl.status", "daskdl.checkpoint")),
    (5, ("daskdl.initial", "daskdl.record", "daskdl.versions", "daskdl.kept", "daskdl.matching")),
    (5, ("daskdl.threads", "daskdl.kernel_plan", "daskdl.tail")),
    (6, ("daskdl.plans",)),
    (6, ("daskdl.job", "daskdl.train", "daskdl.cluster", "daskdl.look", "daskdl.warming")),
    (6, ("daskdl.training_rows", "daskdl.validation")),
    (6, ("daskdl.cross_validation", "daskdl.folds", "daskdl.holdout", "daskdl.restart", "daskdl.pretraining")),
    (8, ("daskdl.cli", "daskdl.ui")),
    (7, ("daskdl.estimators", "daskdl.door", "daskdl.grid", "daskdl.export", "daskdl.frame", "daskdl.two_dim_table")),
)
DOORS = ("daskdl",)  # the h2o door itself: floor 7, by exact name

MAY_COMPILE = ("daskdl.kernels.jit", "frames.digits")  # frames may not lean on daskdl, and reads digits at its speed

DASK = frozenset({"dask", "distributed"})
MAY_USE_DASK = ("daskdl.cluster", "daskdl.train", "daskdl.job", "daskdl.grid", "daskdl.ui", "daskdl.door")
PURE = (
    "daskdl.coordinator",
    "daskdl.schedule",
    "daskdl.rounds",
    "daskdl.stopping",
    "daskdl.metrics",
    "daskdl.network",
    "daskdl.encoding",
)
THE_WORLD = frozenset({"asyncio", "socket", "subprocess", "threading", "multiprocessing", "concurrent"})

ALL = sorted(modules())


def floor(name: str) -> int | None:
    """The floor a module stands on; None where the table has no line for it."""
    if name in DOORS:
        return 7
    for level, names in FLOORS:
        if _among(name, names):
            return level
    return None


def _among(name: str, names: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, one) or fnmatchcase(name, one + ".*") for one in names)


def _refer(module: Module, line: int, sentence: str) -> str:
    return f"{module.path.name}:{line}: {module.name} {sentence}"


@pytest.mark.parametrize("name", ALL)
def test_every_module_stands_on_a_floor(name):
    assert floor(name) is not None, f"{name} has no line in FLOORS; see ARCHITECTURE.md"


@pytest.mark.parametrize("name", ALL)
def test_a_module_imports_only_its_own_floor_or_lower_ones(name):
    module = modules()[name]
    own = floor(name)
    wrong = []
    for entry in imports(module):
        other = floor(entry.target) if top(entry.target) in ("daskdl", "frames") else None
        # A package's __init__ gathers its own modules, whatever their floor.
        inside = module.is_package and entry.target.startswith(name + ".")
        if other is not None and own is not None and other > own and not inside:
            wrong.append(_refer(module, entry.line, f"(floor {own}) imports {entry.target} (floor {other})"))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [one for one in ALL if top(one) == "frames"])
def test_frames_never_imports_daskdl(name):
    module = modules()[name]
    wrong = [_refer(module, e.line, f"imports {e.target}") for e in imports(module) if top(e.target) == "daskdl"]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ALL)
def test_dask_is_imported_only_where_the_house_says(name):
    module = modules()[name]
    level = floor(name)
    allowed = level == 2 if top(name) == "frames" else name in DOORS or _among(name, MAY_USE_DASK)
    wrong = [_refer(module, e.line, f"imports {e.target}") for e in imports(module) if top(e.target) in DASK]
    assert allowed or not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [one for one in ALL if _among(one, ("daskdl.kernels",))])
def test_kernels_import_numpy_numba_the_standard_library_and_the_words_of_parameters(name):
    module = modules()[name]
    allowed = {"numpy", "numba", "llvmlite", *sys.stdlib_module_names}
    wrong = [
        _refer(module, e.line, f"imports {e.target}")
        for e in imports(module)
        if top(e.target) not in allowed and not _among(e.target, ("daskdl.kernels", "daskdl.parameter_kinds"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "name", [one for one in ALL if top(one) == "frames" and floor(one) in (0, 1) and one not in MAY_COMPILE]
)
def test_what_travels_inside_a_chunk_needs_numpy_and_numcodecs_only(name):
    module = modules()[name]
    allowed = {"numpy", "numcodecs", "frames", *sys.stdlib_module_names}
    wrong = [
        _refer(module, e.line, f"imports {e.target}")
        for e in imports(module)
        if top(e.target) not in allowed or _among(e.target, MAY_COMPILE)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_compiled_reader_of_digits_leans_on_nothing_of_the_project():
    """Its cache on disk is keyed by its own source alone."""
    module = modules()["frames.digits"]
    allowed = {"numpy", "numba", "llvmlite", *sys.stdlib_module_names}
    wrong = [_refer(module, e.line, f"imports {e.target}") for e in imports(module) if top(e.target) not in allowed]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [one for one in ALL if _among(one, PURE)])
def test_pure_modules_touch_neither_threads_nor_processes_nor_the_network(name):
    module = modules()[name]
    wrong = [_refer(module, e.line, f"imports {e.target}") for e in imports(module) if top(e.target) in THE_WORLD]
    assert not wrong, "\n".join(wrong)


def test_no_two_modules_import_each_other_while_loading():
    graph = {name: {e.target for e in imports(modules()[name]) if not e.lazy} for name in ALL}
    pairs = [f"{a} <-> {b}" for a in ALL for b in sorted(graph[a]) if a < b and b in graph and a in graph[b]]
    # A package that gathers its modules is not a cycle as long as they do not import the package back.
    assert not pairs, "\n".join(pairs)


@pytest.mark.parametrize("name", [one for one in ALL if one not in MAY_COMPILE])
def test_numba_is_reached_through_jit_and_starts_no_threads_of_its_own(name):
    module = modules()[name]
    source = module.path.read_text(encoding="utf-8")
    wrong = [word for word in ("njit(", "@njit", "@jit", "prange", "parallel=True") if word in source]
    assert not wrong, f"{name} uses {wrong}: kernels are made by daskdl.kernels.jit.kernel, threads are ours"


@pytest.mark.parametrize("name", [one for one in ALL if one.startswith("daskdl.") and one.count(".") == 1])
def test_the_picture_of_the_house_shows_every_room(name):
    picture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1]
    rooms = re.findall(r"\w+", picture)
    assert name.partition(".")[2] in rooms or name.startswith("daskdl.parameter_"), f"{name} is not in ARCHITECTURE.md"


def test_the_law_sees_imports_that_it_must_refuse():
    """A law that reads nothing would hold for ever: the readers must find imports in modules known to have them."""
    everything = [entry.target for name in ALL for entry in imports(modules()[name])]
    assert any(top(target) == "numpy" for target in everything)
    assert any(top(target) in DASK for target in everything)
    assert floor("daskdl.ui.page") == 8
    assert floor("frames.codecs.bits") == 0
    assert floor("daskdl.somewhere") is None
