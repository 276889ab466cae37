"""ARFF files: their header says names, types and levels; the rows below it are CSV."""

import re
from collections.abc import Sequence

from frames.chunks.column import Type
from frames.exceptions import FrameError
from frames.parse.guess import Setup, Wishes, decode, newline_of
from frames.parse.several import FirstRow
from frames.parse.source import Source

_PIECE = 256 * 1024
_MOST = 64 * 2**20
"""Bytes that a header may have."""

_DATA = re.compile(rb"(?im)^[ \t]*@data\b[^\r\n]*(\r\n|\r|\n|\Z)")
_RELATION = re.compile(r"\s*(%[^\r\n]*\s+)*@relation\b", re.IGNORECASE)
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_QUOTED}|[^\s{{]+)\s*(.*)", re.IGNORECASE)
_LEVEL = re.compile(rf"\s*({_QUOTED}|[^,]*?)\s*(?:,|\Z)", re.DOTALL)
_TYPES: dict[str, Type] = {
    "numeric": "int", "real": "int", "integer": "int", "string": "string", "date": "time",
}  # fmt: skip
"""Numbers are int or real as the cells are, as in H2O: a declared int with fractions is real."""


def is_arff(head: bytes) -> bool:
    """Return whether a file begins as ARFF files do, whatever its name.

    >>> is_arff(b"% iris\\n@RELATION iris\\n"), is_arff(b"a,b\\n1,2\\n")
    (True, False)
    """
    return _RELATION.match(head.decode("latin-1")) is not None


def plan_arff(sources: Sequence[Source], wishes: Wishes) -> tuple[Setup, list[FirstRow]]:
    """Return the setup of some ARFF files, and where the rows of each begin.

    Levels of nominal attributes keep the order of the header, used or not; others that occur follow. `?` is missing.
    Raises FrameError for headers that are cut, differ, or name kinds of attributes that no column can hold, and for
    sparse rows.
    """
    setups, starts = [], []
    for source in sources:
        header, rows = _parts(source)
        setups.append(_setup(header, rows, wishes, source.url))
        starts.append(FirstRow(source, len(header)))
    for setup, source in zip(setups[1:], sources[1:], strict=True):
        if (setup.names, setup.forced) != (setups[0].names, setups[0].forced):
            raise FrameError(
                f"All ARFF files must have the same attributes; those of {source.url} are not those of "
                f"{sources[0].url}. Import the files apart and bind their rows."
            )
    return setups[0], starts


def _parts(source: Source) -> tuple[bytes, bytes]:
    """Return the header with its @data line, and the first bytes of the rows."""
    data = b""
    for piece in source.blocks(_PIECE):
        data += piece
        found = _DATA.search(data)
        if found is not None and (len(data) - found.end() >= _PIECE or len(piece) < _PIECE):
            return data[: found.end()], data[found.end() :]
        if len(data) > _MOST:
            break
    raise FrameError(f"An ARFF file must have a line @data above its rows; {source.url} has none.")


def _setup(header: bytes, rows: bytes, wishes: Wishes, where: str) -> Setup:
    names: list[str] = []
    forced: dict[int, Type] = {}
    levels: dict[int, tuple[str, ...]] = {}
    for number, line in enumerate(re.split(r"\r\n|\r|\n", decode(header, where)), 1):
        if not line.lstrip().lower().startswith("@attribute"):
            continue
        found = _ATTRIBUTE.fullmatch(line.strip())
        kind = found[2].strip() if found is not None else ""
        if found is None or not (kind.startswith("{") or kind.split(" ")[0].lower() in _TYPES):
            raise FrameError(
                "An attribute must have a name and a type, one of numeric, string, date and {levels}; got "
                f"{line.strip()[:80]!r} in line {number} of {where}."
            )
        if kind.startswith("{"):
            levels[len(names)] = tuple(_levels(kind))
        forced[len(names)] = "enum" if kind.startswith("{") else _TYPES[kind.split(" ")[0].lower()]
        names.append(_plain(found[1]))
    _check(names, rows, where)
    width = len(names)
    quote, escape = _quoting(rows, where)
    return Setup(
        sep=wishes.sep or ",",
        header=None,
        names=tuple(names),
        texts=frozenset(i for i, type_ in forced.items() if type_ != "int"),
        forced=forced,
        kept=tuple(range(width)),
        missing=(frozenset({"?"}),) * width,
        newline=newline_of(rows.decode("latin-1")).encode(),
        quote=quote,
        escape=wishes.escape or escape,
        markers=wishes.markers or "%",
        exact_floats=True,
        levels=levels,
    )


def _check(names: Sequence[str], rows: bytes, where: str) -> None:
    if not names:
        raise FrameError(f"An ARFF file must have an attribute; {where} has none.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FrameError(f"Attributes must have different names; '{twice}' of {where} occurs more than once.")
    first = re.sub(rb"(?m)^[ \t]*(%[^\r\n]*)?[\r\n]+", b"", rows[:_PIECE])
    if first.startswith(b"{"):
        raise FrameError(f"Rows of an ARFF file must name every value; those of {where} are sparse. Write dense rows.")


def _levels(kind: str) -> list[str]:
    inner = kind[1 : kind.rindex("}")] if "}" in kind else kind[1:]
    found = [_plain(one[1]) for one in _LEVEL.finditer(inner) if one[1]]
    return list(dict.fromkeys(found))


def _plain(text: str) -> str:
    """Return a name or level without its quotes."""
    if text[:1] in ("'", '"') and text[-1:] == text[:1] and len(text) > 1:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _quoting(rows: bytes, where: str) -> tuple[str, str | None]:
    """Return the quote that fields begin with, and what stands before a quote that is a letter."""
    starts = re.findall(rb"(?:^|[,\r\n])[ \t]*(['\"])", rows)
    if len(set(starts)) > 1:
        raise FrameError(f"Fields of an ARFF file must all use one kind of quotes; {where} has ' and \".")
    return (starts[0].decode() if starts else "'"), ("\\" if b"\\" in rows else None)
