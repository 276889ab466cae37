"""No error vanishes: who catches one raises, hands it on, warns, notes an event, or says beside it why it is none."""

import ast
import io
import tokenize

import pytest
from source_tree import modules

SPEAKING = {"warn", "say", "tell", "warning", "info", "debug", "exception"}  # what a log, an event or a user is told by


def _comments(source: str) -> set[int]:
    return {t.start[0] for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type == tokenize.COMMENT}


def _hands_on(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler raises, speaks, or does something with the error that it caught."""
    for node in ast.walk(ast.Module(handler.body, [])):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Name) and node.id == handler.name:
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in SPEAKING:
            return True
    return False


def _swallowing(source: str) -> list[int]:
    """Return the lines where an error vanishes and no comment stands beside it."""
    told, found = _comments(source), []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            silent = not _hands_on(node)
        elif isinstance(node, ast.With):
            silent = any("suppress(" in ast.unparse(one) for one in node.items)
        else:
            silent = isinstance(node, ast.Call) and any(one.arg == "ignore_errors" for one in node.keywords)
        if silent and not told & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("name", sorted(modules()))
def test_an_error_that_is_swallowed_says_why(name):
    lines = _swallowing(modules()[name].path.read_text(encoding="utf-8"))
    assert not lines, f"{name}: lines {lines} swallow errors; hand them on, or say beside it why nothing is lost"


def test_the_law_tells_swallowed_errors_from_others():
    def of(handler: str) -> list[int]:
        return _swallowing(f"try:\n    f()\n{handler}\n")

    assert of("except OSError:\n    pass") == [3]
    assert of("except OSError as error:\n    g()") == [3]
    assert of("except OSError:  # it is gone already\n    pass") == []
    assert of("except OSError as error:\n    g(error)") == []
    assert of("except OSError:\n    raise ValueError") == []
    assert of("except OSError:\n    self.say('gone')") == []
    assert _swallowing("with suppress(OSError):\n    f()\n") == [1]
    assert _swallowing("with suppress(OSError):  # as above\n    f()\n") == []
