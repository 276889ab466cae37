"""Documentation that cannot rot: public names explain themselves, parameters and links of the pages are real."""

import ast
import re
import runpy

import pytest
from source_tree import ROOT, modules

ALL = sorted(modules())
# Classes whose methods users call by name: each method has its own sentence.
FACES = ("frames.frame", "daskdl.estimators", "daskdl.grid", "daskdl.job", "daskdl.metrics.table", "daskdl.model.model")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def _public(body: list[ast.stmt]) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [node for node in body if isinstance(node, kinds) and not node.name.startswith("_")]


def _is_setter(node: ast.AST) -> bool:
    return any(
        isinstance(mark, ast.Attribute) and mark.attr == "setter" for mark in getattr(node, "decorator_list", ())
    )


@pytest.mark.parametrize("name", ALL)
def test_a_module_says_what_it_is_about(name):
    assert ast.get_docstring(modules()[name].tree), f"{name} has no docstring"


@pytest.mark.parametrize("name", ALL)
def test_public_functions_and_classes_explain_themselves(name):
    silent = [f"{node.name} (line {node.lineno})" for node in _public(modules()[name].tree.body) if _silent(node)]
    assert not silent, f"{name}: {', '.join(silent)}"


@pytest.mark.parametrize("name", [one for one in ALL if one.startswith(FACES)])
def test_methods_that_users_call_explain_themselves(name):
    classes = [node for node in _public(modules()[name].tree.body) if isinstance(node, ast.ClassDef)]
    methods = [(one.name, node) for one in classes for node in _public(one.body) if not _is_setter(node)]
    silent = [f"{owner}.{node.name} (line {node.lineno})" for owner, node in methods if _silent(node)]
    assert not silent, f"{name}: {', '.join(silent)}"


@pytest.mark.parametrize("name", ["parameters", "metrics"])
def test_pages_that_are_written_from_declarations_are_up_to_date(name):
    page = ROOT / "docs" / f"{name}.md"
    wanted = runpy.run_path(str(page.with_suffix(".py")))["text"]()
    assert page.read_text(encoding="utf-8") == wanted, f"docs/{name}.md is old: make docs"


def test_every_parameter_is_on_its_page():
    from daskdl.parameters import declarations

    page = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    assert len(declarations()) > 80  # the reader below would hold for an empty list
    assert [name for name in declarations() if f"| `{name}` |" not in page] == []


def test_every_metric_is_on_its_page():
    from daskdl.metrics import METRICS

    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert len(METRICS) > 20
    assert [name for name in METRICS if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    broken = [to for to in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / to).exists()]
    assert not broken, f"{page.name}: {broken}"


def test_contributing_names_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:daskdl|frames|tests|docs|bench)/[\w/.]+)`", text))
    assert len(named) > 5
    assert sorted(one for one in named if not (ROOT / one).exists()) == []


@pytest.mark.parametrize("command", ["demo", "test", "lint", "types", "bench", "docs", "warm", "clean"])
def test_the_makefile_offers_what_the_pages_promise(command):
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def _silent(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return ast.get_docstring(node) is None
