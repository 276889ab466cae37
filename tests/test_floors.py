"""The floors of ARCHITECTURE.md, read from the imports: a module leans on its own floor or lower ones, never higher."""

import ast
import re
import sys
from fnmatch import fnmatchcase

import pytest
from source_tree import ROOT, Module, imports, modules, top

# Bottom up; the first match wins. A name stands for itself and everything below it. A module without a floor fails its
# test: give its package a line here and in ARCHITECTURE.md.
FLOORS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("frames.exceptions", "frames.codecs", "frames.parse.compiler")),
    (1, ("frames.chunks", "frames.parse.digits")),
    (2, ("frames.text", "frames.stores")),
    (3, ("frames.columns",)),
    (4, ("frames.cluster",)),
    (5, ("frames.table",)),
    (6, ("frames.parse",)),
    (7, ("frames.export",)),
    (8, ("frames.verbs",)),
    (9, ("frames.frame", "frames.functions", "frames")),
    (10, ("daskdl.alias", "daskdl.declarations")),
    (11, ("daskdl.kernels", "daskdl.metrics")),
    (12, ("daskdl.network", "daskdl.parameters", "daskdl.encoding")),
    (13, ("daskdl.scoring", "daskdl.coordinator")),
    (14, ("daskdl.model", "daskdl.worker", "daskdl.page")),
    (15, ("daskdl.shell",)),
    (16, ("daskdl.training",)),
    (17, ("daskdl.dispatch", "daskdl.export", "daskdl.explanation")),
    (18, ("daskdl.estimators", "daskdl.exceptions", "daskdl.frame", "daskdl.two_dim_table")),
    (19, ("daskdl.grid",)),
    (20, ("daskdl.door",)),
    (21, ("daskdl.web",)),
    (22, ("daskdl.cli",)),
)
DOOR = "daskdl"  # the h2o door itself, by exact name
DOOR_FLOOR = 21
FACES = {
    "daskdl": {"cli", "exceptions", "frame", "two_dim_table"},  # as h2o-py's users import them
    "frames": {"exceptions", "frame", "functions"},
}

MAY_COMPILE = (
    "daskdl.kernels.jit",
    "frames.parse.compiler",
    "frames.parse.digits",
)  # frames may not lean on daskdl, and reads digits at its speed

DASK = frozenset({"dask", "distributed"})
MAY_USE_DASK = ("daskdl.shell", "daskdl.dispatch", "daskdl.door", "daskdl.page")
# The session knows the cluster in use. Only doors look there, and what sends what reads no data that lies anywhere yet;
# all others are handed a cluster, or work where the data are that they are given.
MAY_ASK_THE_SESSION = ("frames.cluster.sending", "frames.parse.files", "daskdl.dispatch.scheduler", "daskdl.door")
MAKE_FROM_NOTHING = ("frames.cluster", "frames.table.make", "frames.parse.files")  # `client_of()` without data
PURE = ("daskdl.coordinator", "daskdl.metrics", "daskdl.network", "daskdl.encoding", "daskdl.parameters")
THE_WORLD = frozenset({"asyncio", "socket", "subprocess", "threading", "multiprocessing", "concurrent"})

ALL = sorted(modules())


def floor(name: str) -> int | None:
    """The floor a module stands on; None where the table has no line for it."""
    if name == DOOR:
        return DOOR_FLOOR
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
    allowed = (level or 0) >= 4 if top(name) == "frames" else name == DOOR or _among(name, MAY_USE_DASK)
    wrong = [_refer(module, e.line, f"imports {e.target}") for e in imports(module) if top(e.target) in DASK]
    assert allowed or not wrong, "\n".join(wrong)


def _asks(tree: ast.AST) -> list[int]:
    """Lines that take the client in use without the session: Dask's own global, or `client_of()` of no data."""
    wanted = {"get_client", "default_client", "client_of", "_get_global_client"}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and not node.args and ast.unparse(node.func).rpartition(".")[2] in wanted
    ]


@pytest.mark.parametrize("name", ALL)
def test_below_the_doors_nobody_asks_for_the_cluster_in_use(name):
    module = modules()[name]
    if not _among(name, (*MAY_ASK_THE_SESSION, "frames.cluster.session")):
        found = [e.line for e in imports(module) if e.target == "frames.cluster.session"]
        assert not found, f"{name}:{found[0]} leans on the session; it must be handed a cluster"
    if not _among(name, MAKE_FROM_NOTHING):
        lines = [line for line in _asks(module.tree) if name != "frames.export.dask_face"]  # asks whether Dask has one
        assert not lines, f"{name}:{lines[0]} asks for the cluster in use; it must be handed one"


def test_asking_for_the_cluster_is_seen():
    asking = "client_of()\nclient_of(*chunks)\nclient.gather([])\ndistributed.get_client()\n"
    assert _asks(ast.parse(asking)) == [1, 4]
    for name in MAY_ASK_THE_SESSION[:2]:
        assert any(e.target == "frames.cluster.session" for e in imports(modules()[name]))


OURS = ("daskdl.declarations.kinds", "frames.parse.compiler")  # the words of parameters, and how Numba begins


@pytest.mark.parametrize("name", [one for one in ALL if _among(one, ("daskdl.kernels",))])
def test_kernels_import_numpy_numba_the_standard_library_and_the_words_of_parameters(name):
    module = modules()[name]
    allowed = {"numpy", "numba", "llvmlite", *sys.stdlib_module_names}
    wrong = [
        _refer(module, e.line, f"imports {e.target}")
        for e in imports(module)
        if top(e.target) not in allowed and not _among(e.target, ("daskdl.kernels", *OURS))
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
    module = modules()["frames.parse.digits"]
    allowed = {"numpy", "numba", "llvmlite", *sys.stdlib_module_names}
    wrong = [_refer(module, e.line, f"imports {e.target}") for e in imports(module) if top(e.target) not in allowed]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [one for one in ALL if _among(one, PURE)])
def test_pure_modules_touch_neither_threads_nor_processes_nor_the_network(name):
    module = modules()[name]
    wrong = [_refer(module, e.line, f"imports {e.target}") for e in imports(module) if top(e.target) in THE_WORLD]
    assert not wrong, "\n".join(wrong)


def _circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of names that lead back to themselves, by Tarjan's algorithm (1972); loops on one name do not count."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in graph:
        if name not in order:
            visit(name)
    return found


def _leans(name: str, lazy: bool) -> set[str]:
    """What a module imports of the project. A package that gathers its own modules does not lean on them."""
    module = modules()[name]
    own = {e.target for e in imports(module) if e.target in modules() and (lazy or not e.lazy)}
    return {one for one in own if not (module.is_package and one.startswith(name + "."))}


def test_no_module_leads_back_to_itself():
    """Circles of any length, lazy imports and those for types included."""
    assert _circles({name: _leans(name, lazy=True) for name in ALL}) == []


def test_no_package_leads_back_to_itself():
    def package(name: str) -> str:
        return ".".join(name.split(".")[:2])

    graph: dict[str, set[str]] = {}
    for name in ALL:
        graph.setdefault(package(name), set()).update(package(one) for one in _leans(name, lazy=True))
    assert _circles(graph) == []


def test_circles_are_found_at_any_length():
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"d"}}) == [["a", "b", "c"]]
    assert _circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("root", sorted(FACES))
def test_the_root_of_a_package_holds_packages_and_a_few_faces(root):
    own = [one for one in ALL if one.count(".") == 1 and top(one) == root]
    assert {one.partition(".")[2] for one in own if not modules()[one].is_package} == FACES[root]


@pytest.mark.parametrize("name", [one for one in ALL if one not in MAY_COMPILE])
def test_numba_is_reached_through_jit_and_starts_no_threads_of_its_own(name):
    module = modules()[name]
    source = module.path.read_text(encoding="utf-8")
    wrong = [word for word in ("njit(", "@njit", "@jit", "prange", "parallel=True") if word in source]
    assert not wrong, f"{name} uses {wrong}: kernels are made by daskdl.kernels.jit.kernel, threads are ours"


def _picture() -> list[str]:
    """The names in the picture of the house, dotted: `package/`, then its modules, then two blanks and words."""
    picture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1]
    names, root = [], ""
    for line in picture.splitlines():
        if found := re.match(r"(\w+)/$", line):
            root = found[1]
        elif found := re.match(r"  ([\w/]+)/ +", line):
            package = f"{root}.{found[1].replace('/', '.')}"
            told = line[30:].partition("  ")[0]
            names += [package, *(f"{package}.{one}" for one in told.split())]
        elif line.strip():
            names += [f"{root}.{one}" for one in re.findall(r"(\w+)\.py", line)]
    return names


def test_the_picture_of_the_house_shows_every_room_and_no_other():
    picture = _picture()
    many = ("daskdl.kernels.", "daskdl.metrics.", "daskdl.data")  # too many, and each of a kind that the picture tells
    real = [one for one in ALL if "." in one and not one.startswith(many)]
    assert [one for one in picture if one not in modules()] == [], "shown, but not there"
    assert [one for one in real if one not in picture] == [], "there, but not shown"


def test_every_floor_has_rooms():
    """A line of the table that nothing stands on would hold for ever."""
    lines = [(level, one) for level, names in FLOORS for one in names]
    assert [one for one in lines if not any(_among(name, (one[1],)) for name in ALL)] == []


def test_the_law_sees_imports_that_it_must_refuse():
    """A law that reads nothing would hold for ever: the readers must find imports in modules known to have them."""
    everything = [entry.target for name in ALL for entry in imports(modules()[name])]
    assert any(top(target) == "numpy" for target in everything)
    assert any(top(target) in DASK for target in everything)
    assert floor("daskdl.cli") == 22
    assert floor("frames.codecs.bits") == 0
    assert floor("daskdl.somewhere") is None
