"""Words in texts: cut out, compared with one another, looked up in a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fsspec
import numpy as np

from frames.cluster.reorder import recut
from frames.cluster.sending import gather
from frames.cluster.tasks import Step, carry_out, derive, reduce
from frames.exceptions import FrameError, H2OTypeError, H2OValueError
from frames.table.casts import to_text
from frames.table.cells import is_table
from frames.table.table import Table
from frames.text.regex import pattern_from
from frames.verbs.texts import split


# ---- how alike two texts are: 0 to 1 -----------------------------------------------------------------------------
def levenshtein(a: str, b: str) -> float:
    """1 minus the edits that make one of the other (Levenshtein 1966), as a share of the longer text.

    >>> round(levenshtein("martha", "marhta"), 3)
    0.667
    """
    if a == b:
        return 1.0
    if not a or not b:
        return 0.0
    before = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
        before = row
    return 1.0 - before[-1] / max(len(a), len(b))


def common_substrings(a: str, b: str) -> float:
    """Letters in common substrings of two letters or more, the longest taken out first, as a share of the shorter text.

    >>> common_substrings("dwayne", "duane")
    0.4
    """
    if a == b:
        return 1.0
    shorter = min(len(a), len(b))
    found = 0
    while True:
        size, i, j = _longest(a, b)
        if size < 2:
            return found / shorter if shorter else 0.0
        found, a, b = found + size, a[:i] + a[i + size :], b[:j] + b[j + size :]


def _longest(a: str, b: str) -> tuple[int, int, int]:
    """(length, start in a, start in b) of the longest common substring, the first of equals."""
    best = (0, 0, 0)
    before = [0] * (len(b) + 1)
    for i, x in enumerate(a, 1):
        row = [0]
        for j, y in enumerate(b, 1):
            row.append(before[j - 1] + 1 if x == y else 0)
            if row[-1] > best[0]:
                best = (row[-1], i - row[-1], j - row[-1])
        before = row
    return best


def pairs_of_letters(a: str, b: str) -> float:
    """Pairs of neighbouring letters that both have, as a share of those of the text that has fewer.

    >>> pairs_of_letters("dwayne", "duane")
    0.25
    """
    if a == b:
        return 1.0
    mine, theirs = ({text[i : i + 2] for i in range(len(text) - 1)} for text in (a, b))
    fewer = min(len(mine), len(theirs))
    return len(mine & theirs) / fewer if fewer else 0.0


def shared_words(a: str, b: str) -> float:
    """Words that both have, as a share of all (Jaccard 1901).

    >>> shared_words("a b", "b c")
    0.3333333333333333
    """
    mine, theirs = set(a.split()), set(b.split())
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else float(a == b)


def jaro_winkler(a: str, b: str) -> float:
    """Jaro's similarity with Winkler's (1990) addition for up to four equal letters at the start.

    >>> round(jaro_winkler("martha", "marhta"), 4)
    0.9611
    """
    if a == b:
        return 1.0
    window = max(max(len(a), len(b)) // 2 - 1, 0)
    taken = [False] * len(b)
    mine = []
    for i, x in enumerate(a):
        near = range(max(0, i - window), min(len(b), i + window + 1))
        j = next((j for j in near if not taken[j] and b[j] == x), None)
        if j is not None:
            taken[j] = True
            mine.append(x)
    if not mine:
        return 0.0
    theirs = [y for y, used in zip(b, taken, strict=True) if used]
    moved = sum(x != y for x, y in zip(mine, theirs, strict=True)) / 2
    count = len(mine)
    jaro = (count / len(a) + count / len(b) + (count - moved) / count) / 3
    prefix = next((i for i, (x, y) in enumerate(zip(a[:4], b[:4], strict=False)) if x != y), min(len(a), len(b), 4))
    return jaro + prefix * 0.1 * (1 - jaro)


GROUPS = ("bfpv", "cgjkqsxz", "dt", "l", "mn", "r")
SOUNDS = {letter: str(digit) for digit, letters in enumerate(GROUPS, 1) for letter in letters}


def soundex(text: str) -> str:
    """Return the code of a word's sound: its first letter and three digits (Russell 1918).

    >>> soundex("Robert"), soundex("Tymczak")
    ('R163', 'T522')
    """
    letters = [c for c in text.lower() if c.isascii() and c.isalpha()]
    if not letters:
        return ""
    code, last = letters[0].upper(), SOUNDS.get(letters[0], "")
    for letter in letters[1:]:
        digit = SOUNDS.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "hw":
            last = digit
    return f"{code}000"[:4]


def same_sound(a: str, b: str) -> float:
    """1 for equal texts, 0.9 for texts of one soundex code, else 0."""
    if a == b:
        return 1.0
    return 0.9 if soundex(a) == soundex(b) != "" else 0.0


MEASURES: dict[str, Callable[[str, str], float]] = {
    "lv": levenshtein, "lcs": common_substrings, "qgram": pairs_of_letters, "jaccard": shared_words,
    "jw": jaro_winkler, "soundex": same_sound,
}  # fmt: skip
"""H2O's names of the measures."""


# ---- tasks -------------------------------------------------------------------------------------------------------
def _alike(left: np.ndarray, right: np.ndarray, measure: str, empty: bool) -> list[np.ndarray]:
    found = np.full(len(left), np.nan)
    for i, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if a is not None and b is not None and (empty or (a and b)):
            found[i] = MEASURES[measure](a, b)
    return [found]


def _tokens(*arguments) -> list[np.ndarray]:
    """Return the parts of the texts of each row, one below the other, and a missing cell after each row."""
    *columns, pattern = arguments
    cells: list[str | None] = []
    for row in zip(*(column.tolist() for column in columns), strict=True):
        cells += [part for text in row if text is not None for part in split(text, pattern)]
        cells.append(None)
    return [np.array(cells, object)]


def _count_tokens(*arguments) -> int:
    return len(_tokens(*arguments)[0])


def _substrings(text: str, words: frozenset[str], longest: int) -> int:
    spans = ((i, j) for i in range(len(text)) for j in range(i + 2, min(len(text), i + longest) + 1))
    return sum(text[i:j] in words for i, j in spans)


def _count_substrings(values: np.ndarray, words: frozenset[str], longest: int) -> list[np.ndarray]:
    return [np.array([np.nan if v is None else _substrings(v, words, longest) for v in values], np.float64)]


def strdistance(table: Table, y: Table, measure: str | None = None, compare_empty: bool = True) -> Table:
    """How alike the texts of two frames are, cell by cell: 1 equal, 0 nothing in common; columns C1, C2, ...

    `measure`: lv (Levenshtein, default), lcs (common substrings), qgram (pairs of letters), jaccard (words), jw
    (Jaro-Winkler) or soundex. Missing where a text is, or, without `compare_empty`, where one is empty. Raises
    H2OValueError for other measures, sizes that differ, and columns that are no texts.

    Example: ``fr["name"].strdistance(fr["alias"], "jw")``.
    """
    measure = "lv" if measure is None else measure
    if measure not in MEASURES:
        raise H2OValueError(f"measure must be one of {', '.join(MEASURES)}; got {measure!r}.")
    if not is_table(y):
        raise H2OTypeError(f"y must be a frame; got {type(y).__name__}.")
    if (table.nrow, table.ncol) != (y.nrow, y.ncol):
        raise H2OValueError(
            f"Both frames must have the same size; got {table.nrow} x {table.ncol} and {y.nrow} x {y.ncol}."
        )
    left, right = (
        carry_out([to_text(place) for place in _texts(one, "strdistance", ("string", "enum"))], one.rows)
        for one in (table, y)
    )
    right = recut(right, y.rows, table.rows)
    options = (measure, bool(compare_empty))
    steps = [Step(pair, _alike, None, None, options) for pair in zip(left, right, strict=True)]
    return table.new([f"C{i + 1}" for i in range(table.ncol)], carry_out(steps, table.rows))


def tokenize(table: Table, split: str) -> Table:
    """Return the words of string columns, one below the other in column C1, with a missing cell after each row.

    `split`: a regular expression in Java's dialect. Raises H2OValueError for columns that are no strings.
    Example: ``fr["text"].tokenize("[^a-z]+")``.
    """
    places = _texts(table, "tokenize", ("string",))
    pattern = pattern_from(split)
    rows = tuple(gather(reduce(places, table.rows, _count_tokens, (pattern,))))
    return Table(
        ("C1",), tuple(derive(places, table.rows, _tokens, types=["string"], domains=None, arguments=(pattern,))), rows
    )


def num_valid_substrings(table: Table, path_to_words: str) -> Table:
    """How many substrings of two letters or more of each text are words of a file, which has one word per line.

    Raises FrameError for a file that cannot be read, H2OValueError for columns that are no texts.
    Example: ``fr["domain"].num_valid_substrings("words.txt")``.
    """
    places = _texts(table, "num_valid_substrings", ("string", "enum"))
    try:
        with fsspec.open(path_to_words, "rt", encoding="utf-8") as file:
            lines: Any = file.read().splitlines()  # type: ignore[union-attr]
    except (OSError, UnicodeDecodeError) as error:
        raise FrameError(f"path_to_words must be a file of words; got {path_to_words!r}: {error}.") from error
    words = frozenset(word.strip() for word in lines if len(word.strip()) > 1)
    options = (words, max(map(len, words), default=0))
    texts = carry_out([to_text(place) for place in places], table.rows)
    steps = [Step((place,), _count_substrings, "int", None, options) for place in texts]
    return table.new([f"C{i + 1}" for i in range(table.ncol)], carry_out(steps, table.rows))


def _texts(table: Table, call: str, types: tuple[str, ...]) -> list:
    for name, place in zip(table.names, table.resolved, strict=True):
        if place.type not in types:
            raise H2OValueError(
                f"{call}() must be asked of {' or '.join(types)} columns; '{name}' is {place.type}. Use ascharacter()."
            )
    return list(table.resolved)
