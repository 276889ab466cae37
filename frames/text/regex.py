"""Regular expressions as H2O's users write them, in Java's dialect, made those of Python."""

from __future__ import annotations

import re
import warnings
from typing import NamedTuple

from frames.exceptions import H2OTypeError, H2OValueError

_DIALECT = re.compile(
    r"\\(?P<quote>Q)|\\k<(?P<back>\w+)>|\\(?P<end>z)|\\(?P<line>Z)|\\.|\(\?<(?P<name>\w+)>", re.DOTALL
)


def pattern_from(pattern: str) -> str:
    """Return a pattern for Python's `re`: named groups, `\\Q...\\E`, `\\k<name>`, `\\z` and `\\Z` are translated.

    Raises H2OValueError for what is no regular expression, or would mean something else in Python.

    >>> pattern_from(r"(?<day>[0-9]+)[.]")
    '(?P<day>[0-9]+)[.]'
    """
    if not isinstance(pattern, str):
        raise H2OTypeError(f"pattern must be a regular expression; got {type(pattern).__name__}.")
    translated = _translated(pattern)
    try:
        with warnings.catch_warnings():
            # Java's sets of sets ([a-z&&[^b]]) are something else in Python, which only warns.
            warnings.simplefilter("error")
            re.compile(translated)
    except (re.error, Warning, RecursionError, OverflowError) as error:
        raise H2OValueError(f"pattern must be a regular expression; got {pattern!r}: {error}.") from None
    return translated


def _translated(pattern: str) -> str:
    parts, at = [], 0
    while match := _DIALECT.search(pattern, at):
        parts.append(pattern[at : match.start()])
        at = match.end()
        if match["quote"]:
            end = pattern.find("\\E", at)
            parts.append(re.escape(pattern[at:] if end < 0 else pattern[at:end]))
            at = len(pattern) if end < 0 else end + 2
        elif match["back"]:
            parts.append(f"(?P={match['back']})")
        elif match["name"]:
            parts.append(f"(?P<{match['name']}>")
        elif match["end"] or match["line"]:
            parts.append(r"\Z" if match["end"] else r"(?=\n?\Z)")
        else:
            parts.append(match[0])
    return "".join([*parts, pattern[at:]])


class Template(NamedTuple):
    """A replacement: texts, and numbers of the groups whose matches stand between them."""

    parts: tuple[str | int, ...]

    def fill(self, match: re.Match[str]) -> str:
        """Return the text for one match; a group that took no part is empty."""
        return "".join([part if isinstance(part, str) else match[part] or "" for part in self.parts])


def template_from(replacement: str, pattern: str) -> Template:
    """Return a replacement in Java's notation: `$1` and `${name}` are groups, `\\\\` takes the next character as it is.

    A group number has as many digits as there are groups for. Raises H2OValueError for a group that the pattern (as
    `pattern_from` returns it) lacks, and for a `$` or a backslash without what must follow it.

    >>> template_from("<$1>", "([a-z])")
    Template(parts=('<', 1, '>'))
    """
    if not isinstance(replacement, str):
        raise H2OTypeError(f"replacement must be a string; got {type(replacement).__name__}.")
    compiled = re.compile(pattern)
    parts: list[str | int] = []
    at = 0
    while at < len(replacement):
        mark = replacement[at]
        if mark == "$":
            group, at = _group(replacement, at + 1, compiled)
            parts.append(group)
            continue
        if mark == "\\":
            at += 1
            if at == len(replacement):
                raise _wrong(replacement, "a backslash must be followed by the character that it protects")
        parts.append(replacement[at])
        at += 1
    return Template(_merged(parts))


def _group(replacement: str, at: int, compiled: re.Pattern[str]) -> tuple[int, int]:
    """Return the group that is named after a `$`, and where the text goes on."""
    named = re.compile(r"\{(\w+)\}").match(replacement, at)
    if named:
        if named[1] not in compiled.groupindex:
            raise _wrong(replacement, f"the pattern has no group named {named[1]!r}")
        return compiled.groupindex[named[1]], named.end()
    end = at
    while end < len(replacement) and replacement[end] in "0123456789":
        if end > at and int(replacement[at : end + 1]) > compiled.groups:
            break
        end += 1
    if end == at:
        raise _wrong(
            replacement, "$ must be followed by the number of a group or {name}; write \\\\$ for the sign itself"
        )
    if int(replacement[at:end]) > compiled.groups:
        raise _wrong(replacement, f"the pattern has {compiled.groups} groups, no group {replacement[at:end]}")
    return int(replacement[at:end]), end


def _wrong(replacement: str, why: str) -> H2OValueError:
    return H2OValueError(f"replacement must fit the pattern; got {replacement!r}: {why}.")


def _merged(parts: list[str | int]) -> tuple[str | int, ...]:
    """Neighbouring texts as one."""
    result: list[str | int] = []
    for part in parts:
        if result and isinstance(part, str) and isinstance(result[-1], str):
            result[-1] += part
        else:
            result.append(part)
    return tuple(result)
