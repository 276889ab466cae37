"""What a column of text is: numbers, times, UUIDs, categories or text. One rule for files, tables and lists.

Rows are counted, over all parts of the column: it is what more than half of its present cells are. The cells that do
not fit are given up as missing, and the user is told how many and which (`warn`).
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import numpy as np

from frames.chunks.column import Type
from frames.chunks.summary import Summary
from frames.columns.dictionary import (
    MILLISECONDS,
    NO_NUMBER,
    TRUTHS,
    Dictionary,
    GivenUp,
    Verdict,
    is_whole,
    looks_like_text,
    number_in,
    uuid_in,
)
from frames.exceptions import tell
from frames.text import zones
from frames.text.dates import follow, forms_to_read

MANY_LEVELS = 100_000
"""A part with more distinct texts than this, nearly as many as rows or no words, keeps them: the column is no enum."""

_EXACT = 2**53  # float64 holds all integers below
_SAMPLES = 50  # texts of each kind that a part remembers
_SHOWN_TEXTS = 5
_SHOWN_COLUMNS = 10

Kind = str | frozenset[int]
"""int, long (an int that float64 would round), real, uuid, truth (False or True), word (missing among numbers), text;
for times the forms that they follow."""

NUMBERS = frozenset({"int", "long", "real"})


class Kinds(NamedTuple):
    """How many rows are of each kind, and the most frequent texts of each kind with their rows."""

    rows: Mapping[Kind, int]
    texts: Mapping[Kind, Mapping[str, int]]


def kinds_of(levels: Sequence[str], counts: np.ndarray) -> Kinds:
    """Return the kinds of some distinct texts, each of which stands in so many rows.

    >>> kinds_of(["1", "x", "NA"], np.array([5, 2, 1])).rows
    {'int': 5, 'text': 2, 'word': 1}
    """
    told = [_kind(text) for text in levels]
    open_ = [at for at, kind in enumerate(told) if kind is None]
    for at, forms in zip(open_, follow([levels[at].strip() for at in open_]), strict=True):
        told[at] = forms or ("truth" if levels[at] in TRUTHS else "text")
    numbers: dict[Any, int] = {}
    kinds = np.fromiter((numbers.setdefault(kind, len(numbers)) for kind in told), np.intp, len(told))
    rows, texts = {}, {}
    for kind, number in numbers.items():
        at = np.flatnonzero(kinds == number)
        rows[kind] = int(counts[at].sum())
        most = at[np.argsort(-counts[at], kind="stable")[:_SAMPLES]]
        texts[kind] = {levels[i]: int(counts[i]) for i in most}
    return Kinds(rows, texts)


def _kind(text: str) -> Kind | None:
    """Return what one text is, as far as it can be told without a look for times."""
    number = number_in(text)
    if number is not None:
        return "real" if not is_whole(number) else "int" if float(number) == number else "long"
    if text.strip() in NO_NUMBER:
        return "word"
    return "uuid" if uuid_in(text) is not None else None


def _merged(parts: Sequence[Kinds]) -> Kinds:
    rows: dict[Kind, int] = {}
    texts: dict[Kind, dict[str, int]] = {}
    for part in parts:
        for kind, count in part.rows.items():
            rows[kind] = rows.get(kind, 0) + count
            own = texts.setdefault(kind, {})
            for text, times in part.texts[kind].items():
                own[text] = own.get(text, 0) + times
    return Kinds(rows, texts)


class TextReport(NamedTuple):
    """What a part of a column of text says of it: enough to decide for the whole column.

    levels      its distinct texts; none where a declared type has no use for them, or where they are very many, and
                nearly each row has its own or most are numbers, times or UUIDs (`alone`)
    present     its rows that are not missing
    kinds       what its rows are; None where a declared type or the source leaves nothing to count
    categories  its texts are levels already, in their order
    """

    levels: tuple[str, ...]
    present: int
    kinds: Kinds | None = None
    categories: bool = False
    alone: bool = False


def report(text: Dictionary, wanted: Type | None) -> TextReport:
    """Return what is to be said of a part of a column, given the type that the user wants of it (or None)."""
    counted = wanted not in ("enum", "string") and not (text.categories and wanted is None)
    kinds = kinds_of(text.levels, text.counts) if counted else None
    alone = wanted is None and len(text.levels) > MANY_LEVELS and not text.categories
    alone = alone and (text.looks_like_text or (kinds is not None and decide([TextReport((), 0, kinds)]).is_told))
    levels = () if alone or wanted not in (None, "enum") else text.levels
    return TextReport(levels, text.present, kinds, text.categories, alone)


def decide(parts: Sequence[TextReport], wanted: Type | None = None) -> Verdict:
    """Return what one column is, given what each part says of it, and the type that the user wants (or None).

    More than half of the present cells decide; the words of `NO_NUMBER` have no voice. A column without any other cell
    is real. Text is enum with sorted levels, or string where there are more than 100 distinct values and they are more
    than 95% of all. Parts that are categories make an enum, with levels in the order in which they come.
    """
    if wanted == "string":
        return Verdict("string")
    if wanted is None and any(part.categories for part in parts):
        return Verdict("enum", tuple(_union(parts)))
    if wanted == "enum":
        ordered = all(part.categories for part in parts)
        return Verdict("enum", tuple(_union(parts)) if ordered else tuple(sorted(_union(parts))))
    kinds = _merged([part.kinds for part in parts if part.kinds is not None])
    telling = sum(count for kind, count in kinds.rows.items() if kind != "word")
    if wanted is not None:
        return _declared(kinds, telling, wanted)
    if not telling:
        return Verdict("real")
    for type_ in ("int", "uuid", "time"):
        verdict = _as(kinds, telling, type_)
        if 2 * (telling - (verdict.given_up.rows if verdict.given_up else 0)) > telling:
            return verdict
    levels = _union(parts)
    if any(part.alone for part in parts) or looks_like_text(len(levels), sum(part.present for part in parts)):
        return Verdict("string")
    return Verdict("enum", tuple(sorted(levels)))


def _union(parts: Sequence[TextReport]) -> list[str]:
    return list(dict.fromkeys(level for part in parts for level in part.levels))


def _declared(kinds: Kinds, telling: int, wanted: Type) -> Verdict:
    """Return the verdict on a column that is declared to be numbers, times or UUIDs."""
    if wanted == "int" or wanted == "real":
        if kinds.rows.get("truth") and kinds.rows.keys() <= {"truth", "word"}:
            return Verdict(wanted, truths=True)
        verdict = _as(kinds, telling, "int")
        # No declaration changes a number: see `number_type`.
        kept = not kinds.rows.keys() & NUMBERS or (wanted == "real" and not kinds.rows.get("long"))
        return verdict._replace(type=wanted) if kept else verdict
    verdict = _as(kinds, telling, wanted)
    if wanted == "time":
        kept = {kind for kind in kinds.rows if isinstance(kind, frozenset) and kind & {*verdict.forms}} | NUMBERS
        forms = (*verdict.forms, MILLISECONDS)
        return verdict._replace(forms=forms, given_up=_given_up(kinds, telling, kept))
    return verdict


def _as(kinds: Kinds, telling: int, type_: str) -> Verdict:
    """Return the verdict that a column is of this type, with what it then gives up."""
    if type_ == "int":
        whole = not kinds.rows.get("real")
        return Verdict("int" if whole else "real", given_up=_given_up(kinds, telling, NUMBERS))
    if type_ == "uuid":
        return Verdict("uuid", given_up=_given_up(kinds, telling, {"uuid"}))
    by_form = {kind: count for kind, count in kinds.rows.items() if isinstance(kind, frozenset)}
    forms = forms_to_read(by_form)
    lost = _given_up(kinds, telling, {k for k in by_form if k & {*forms}})
    return Verdict("time", forms=forms, given_up=lost, zone=zones.current())


def _given_up(kinds: Kinds, telling: int, kept: AbstractSet[Kind]) -> GivenUp | None:
    lost = [kind for kind in kinds.rows if kind != "word" and kind not in kept]
    rows = sum(kinds.rows[kind] for kind in lost)
    if not rows:
        return None
    texts = [item for kind in lost for item in kinds.texts[kind].items()]
    return GivenUp(rows, telling, tuple(sorted(texts, key=lambda item: (-item[1], item[0]))[:_SHOWN_TEXTS]))


def number_type(parts: Sequence[Summary], wanted: Type | None = None, doubles: bool = False) -> Type:
    """Return whether a column of numbers is int or real, given the summaries of its parts.

    Whole numbers are int. A declared type never changes a value: fractions make a declared int real, and integers that
    float64 would round make a declared real int; with `doubles` the source holds doubles, so that none would.
    """
    filled = [part for part in parts if part.present]
    if not filled:
        return "int" if wanted == "int" else "real"
    size = max((max(-part.minimum, part.maximum) for part in filled), default=0.0)
    whole = all(part.all_integer for part in filled) and size < 2**63
    return "int" if whole and (wanted != "real" or (size >= _EXACT and not doubles)) else "real"


def warn(given_up: Mapping[str, tuple[Type, GivenUp]], option: str) -> None:
    """Tell the user once which cells of which columns are missing because they do not suit the column's type.

    `option` is the argument that declares types at this door: col_types or column_types.
    """
    if not given_up:
        return
    columns = [_sentence(name, type_, gone) for name, (type_, gone) in given_up.items()]
    more = f" And {len(columns) - _SHOWN_COLUMNS} more columns." if len(columns) > _SHOWN_COLUMNS else ""
    first = next(iter(given_up))
    tell(
        f"Cells that do not suit the type of their column are missing now: {' '.join(columns[:_SHOWN_COLUMNS])}{more} "
        f"Keep them with {option}={{{first!r}: 'enum'}}, or list them in na_strings if they mean missing."
    )


def _sentence(name: str, type_: Type, gone: GivenUp) -> str:
    texts = ", ".join(f"{text[:40]!r}" + (f" {rows} times" if rows > 1 else "") for text, rows in gone.texts)
    more = ", ..." if gone.rows > sum(rows for _, rows in gone.texts) else ""
    return f"column '{name}' ({type_}) {gone.rows} of {gone.present} cells ({texts}{more})."
