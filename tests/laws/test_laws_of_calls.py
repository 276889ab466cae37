"""Calls that a reader can follow: from six arguments on they say which is which."""

import ast

import pytest
from source_tree import modules

MOST = 5
# They take any number of arguments in a row, so their arguments have no names.
VARIADIC = ("submit", "OneOf", "_column", "_in_order", "UniTuple")
# Compiled code calls through pointers and intrinsics, whose arguments have no names either.
COMPILED = ("daskdl.kernels.", "frames.parse.digits")


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@pytest.mark.parametrize("name", sorted(one for one in modules() if not one.startswith(COMPILED)))
def test_a_call_with_more_than_five_arguments_names_the_rest(name):
    found = [
        f"line {node.lineno}: {ast.unparse(node.func)} is given {len(node.args)} arguments in a row"
        for node in ast.walk(modules()[name].tree)
        if isinstance(node, ast.Call) and len(node.args) > MOST and _called(node) not in VARIADIC
        # what follows a `*` has no fixed place, and no name
        if not any(isinstance(one, ast.Starred) for one in node.args)
    ]
    assert not found, f"{name}: {'; '.join(found)}"
