"""Parameters that come as text, from a command line or a form: read as the type that is declared."""

from __future__ import annotations

import contextlib
from typing import Any

from daskdl.declarations.kinds import Declaration


def value_of(declared: Declaration, text: str) -> Any:
    """Return a text as a parameter's value; lists are separated by commas, with or without brackets.

    What cannot be read stays text: the declaration refuses it in its own words.

    >>> from daskdl.declarations.kinds import KINDS, OnRestart
    >>> units = Declaration("hidden", KINDS[tuple[int, ...]], None, "", OnRestart.FREE, ())
    >>> value_of(units, "[20, 10]")
    [20, 10]
    """
    word = declared.kind.word
    if declared.kind.is_list:
        parts = [part.strip() for part in text.strip().strip("[]()").split(",") if part.strip()]
        return [_number(part, word) for part in parts]
    if word == "bool":
        return {"yes": True, "true": True, "no": False, "false": False}.get(text.strip().lower(), text)
    return _number(text, word)


def text_of(value: Any) -> str:
    """Return a parameter's value as `value_of` reads it.

    >>> text_of((200, 200)), text_of(()), text_of(True), text_of(1e-08), text_of(None)
    ('200, 200', '[]', 'yes', '1e-08', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value)) or "[]"
    return repr(value) if isinstance(value, float) else str(value)


def _number(text: str, word: str) -> Any:
    for number in (int,) if "integer" in word else (float,) if "numeric" in word else ():
        with contextlib.suppress(ValueError):  # no number: the declaration is given the text, and says what it wants
            return number(text)
    return text
