"""What was clicked, as Python: steps that made frames and models, written as a script that makes them again.

A step is a line of code in pieces: text, and keys of the things that it makes or needs, which become variables. Values
reach the text through `repr` only, so a column or a file name can never be more than a string.
"""

from __future__ import annotations

import keyword
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

HEAD = "import daskdl as h2o"
LONGEST_NAME = 40


class Key(NamedTuple):
    """A frame, model or grid under the name by which it is kept; `kind` is frame, model or grid."""

    name: str
    kind: str = "frame"


Piece = str | Key


class Step(NamedTuple):
    """One statement. `makes` what it makes or changes, `needs` what must be there; `imports` lines that go on top."""

    pieces: tuple[Piece, ...]
    makes: tuple[Key, ...] = ()
    needs: tuple[Key, ...] = ()
    imports: tuple[str, ...] = ()


def call(function: str, *arguments: Any, **named: Any) -> tuple[Piece, ...]:
    """Return the pieces of a call; arguments are keys, or values written with repr.

    >>> "".join(map(str, call("h2o.import_file", "it's.csv", header=1)))
    'h2o.import_file("it\\'s.csv", header=1)'
    """
    pieces: list[Piece] = [f"{function}("]
    for name, value in [*((None, one) for one in arguments), *named.items()]:
        if len(pieces) > 1:
            pieces.append(", ")
        if name is not None:
            pieces.append(f"{name}=")
        pieces += written(value)
    return (*pieces, ")")


def written(value: Any) -> tuple[Piece, ...]:
    """Return a value as code: keys stay keys, also in a list; tuples become lists, all else goes through repr."""
    if isinstance(value, Key):
        return (value,)
    if isinstance(value, list | tuple):
        pieces: list[Piece] = ["["]
        for number, one in enumerate(value):
            pieces += [", "] if number else []
            pieces += written(one)
        return (*pieces, "]")
    return (repr(value),)


class History:
    """The steps done so far, in their order; thread-safe."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._lock = threading.Lock()

    def add(self, step: Step) -> None:
        """Keep a step that has been done."""
        with self._lock:
            self._steps.append(step)

    def behind(self, keys: Iterable[Key]) -> list[Step]:
        """Return the steps that lead to these keys, in their order, and no others."""
        with self._lock:
            steps = list(self._steps)
        wanted, found = set(keys), []
        for step in reversed(steps):
            if wanted.intersection(step.makes):
                found.append(step)
                wanted.difference_update(step.makes)
                wanted.update(step.needs)
        return found[::-1]


def script(steps: Iterable[Step], address: str | None = None, last: str | None = None) -> str:
    """Return steps as the text of a script; `address` is the scheduler that they ran on, `last` a line at the end.

    What no step makes is looked up by its name: it came from elsewhere in the process.
    """
    steps = list(steps)
    names = _Names()
    lines: list[str] = []
    known: set[Key] = set()
    for step in steps:
        for key in _keys(step):
            if key not in known and key not in _made(step):
                lines.append(f"{names.of(key)} = h2o.get_{key.kind}({key.name!r})")
            known.add(key)
        lines.append("".join(names.of(one) if isinstance(one, Key) else one for one in step.pieces))
    if last is not None:
        lines.append(last)
    imports = dict.fromkeys(line for step in steps for line in step.imports)
    start = "h2o.init()" if address is None else f"h2o.init(address={address!r})"
    return "\n".join([HEAD, *imports, "", start, *lines]) + "\n"


def _keys(step: Step) -> Iterator[Key]:
    yield from step.needs
    yield from step.makes


def _made(step: Step) -> set[Key]:
    """Keys that a step makes from nothing: what it needs as well is only changed."""
    return set(step.makes) - set(step.needs)


class _Names:
    """Variables for keys: readable, and each of its own."""

    def __init__(self) -> None:
        self._names: dict[Key, str] = {}

    def of(self, key: Key) -> str:
        if key not in self._names:
            stem = re.sub(r"[^a-z0-9_]+", "_", key.name.removesuffix(".hex").lower(), flags=re.ASCII).strip("_")
            stem = stem[:LONGEST_NAME].strip("_")
            if not stem or stem[0].isdigit() or keyword.iskeyword(stem) or stem in ("h2o", key.kind):
                stem = f"{key.kind}_{stem}".strip("_")
            taken = set(self._names.values())
            number = 2
            name = stem
            while name in taken:
                name, number = f"{stem}_{number}", number + 1
            self._names[key] = name
        return self._names[key]
