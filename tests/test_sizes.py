"""The house keeps its rooms small: modules, functions, names, and nothing left lying about."""

import ast
import re
from pathlib import Path

import pytest
from source_tree import ROOT, modules

MODULE_LINES = 400
FUNCTION_LINES = 60  # wished for: 40
KERNEL_LINES = 80  # a compiled pass over a row is one thought, and calls inside it are not free to name
EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common|tools?)($|_)")
EMPTY_CLASSES = re.compile(r"(Utils?|Helpers?|Managers?)$")
LEFTOVERS = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)))

ALL = sorted(modules())


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring: explaining is never too long."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


@pytest.mark.parametrize("name", ALL)
def test_a_module_has_at_most_400_lines(name):
    lines = len(modules()[name].path.read_text(encoding="utf-8").splitlines())
    assert lines <= MODULE_LINES, f"{name} has {lines} lines: find its second noun"


@pytest.mark.parametrize("name", ALL)
def test_a_function_fits_a_screen(name):
    limit = KERNEL_LINES if name.startswith("daskdl.kernels") else FUNCTION_LINES
    long = [f"{f.name}: {_length(f)} lines" for f in _functions(modules()[name].tree) if _length(f) > limit]
    assert not long, f"{name}, more than {limit} lines: {', '.join(long)}"


@pytest.mark.parametrize("name", ALL)
def test_names_say_what_a_thing_is(name):
    module = modules()[name]
    classes = [node.name for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    assert not EMPTY_NAMES.search(name.rpartition(".")[2]), f"{name}: what is it about?"
    assert not [one for one in classes if EMPTY_CLASSES.search(one)]


def _texts() -> list[Path]:
    folders = ("daskdl", "frames", "tests", "bench", "docs", "notebooks")
    endings = {".py", ".md", ".toml", ".txt", ".ipynb", ".json"}
    nested = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in endings]
    top = [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("*.txt"), ROOT / "Makefile", ROOT / ".ci" / "run"]
    return sorted(p for p in [*nested, *top] if "golden" not in p.parts)


@pytest.mark.parametrize("path", _texts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_unfinished_lies_about(path):
    found = LEFTOVERS.findall(path.read_text(encoding="utf-8"))
    assert not found, f"{path.relative_to(ROOT)} still says {set(found)}"


def test_the_ruler_measures():
    tree = ast.parse('def f():\n    """one\n    two"""\n    a = 1\n    return a\n')
    assert [_length(f) for f in _functions(tree)] == [3]
    assert EMPTY_NAMES.search("text_utils")
    assert EMPTY_CLASSES.search("JobManager")
    assert not EMPTY_NAMES.search("toolchain")
    assert LEFTOVERS.search("# TO" + "DO: later")
