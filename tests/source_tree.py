"""The project's own sources as data: modules, their syntax trees, and what each of them imports."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("daskdl", "frames")


class Module(NamedTuple):
    """One source file under its dotted name (a package's `__init__` under the package's own name)."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


class Import(NamedTuple):
    """One imported module, fully dotted, and the line that imports it. `lazy`: inside a function or for types only."""

    target: str
    line: int
    lazy: bool


@cache
def modules() -> dict[str, Module]:
    """Every module of both packages by dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8")))
    return found


def imports(module: Module) -> list[Import]:
    """What `module` imports. `from a import b` counts as `a.b` where that is a module of ours, else as `a`."""
    return list(_walk(module, module.tree, lazy=False))


def top(target: str) -> str:
    """The first name of a dotted one: the distribution or package that an import leads to."""
    return target.partition(".")[0]


def _walk(module: Module, node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, lazy)
        elif isinstance(child, ast.ImportFrom):
            yield from _from_import(module, child, lazy)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or _is_for_types(child)
            yield from _walk(module, child, lazy or inside)


def _from_import(module: Module, node: ast.ImportFrom, lazy: bool) -> Iterator[Import]:
    base = node.module or ""
    if node.level:
        package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
        stem = package[: len(package) - node.level + 1]
        base = ".".join([*stem, base] if base else stem)
    for alias in node.names:
        full = f"{base}.{alias.name}"
        yield Import(full if full in modules() else base, node.lineno, lazy)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
