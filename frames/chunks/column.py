"""One column of a table: its name, its type and, for categories, its levels."""

from typing import Literal, NamedTuple, get_args

from frames.exceptions import H2OTypeError, H2OValueError

Type = Literal["real", "int", "enum", "time", "string", "uuid"]
TYPES: tuple[str, ...] = get_args(Type)

NUMBERS: frozenset[str] = frozenset({"real", "int", "time"})
"""Types whose decoded values are numbers; `time` counts milliseconds since 1970-01-01 UTC."""

TEXTS: frozenset[str] = frozenset({"string", "uuid"})
"""Types whose decoded values are Python strings."""


class Column(NamedTuple):
    """What a table knows of one column before it looks at any row.

    `domain` holds the levels of an enum column in the order of their codes and is None for every other type.

    >>> Column("colour", "enum", ("blue", "red")).domain
    ('blue', 'red')
    """

    name: str
    type: Type
    domain: tuple[str, ...] | None = None

    @property
    def is_number(self) -> bool:
        """Whether decoded values are numbers (real, int, time)."""
        return self.type in NUMBERS

    @property
    def is_text(self) -> bool:
        """Whether decoded values are Python strings (string, uuid)."""
        return self.type in TEXTS

    @property
    def levels(self) -> int | None:
        """Number of levels of an enum column; None for other types."""
        return None if self.domain is None else len(self.domain)


def column(name: str, type_: str, domain: tuple[str, ...] | list[str] | None = None) -> Column:
    """Return a checked Column.

    Raises H2OTypeError for a name that is no string, H2OValueError for an unknown type, for an enum without a domain,
    for a domain on another type and for a level that occurs twice.

    >>> column("age", "int")
    Column(name='age', type='int', domain=None)
    """
    if not isinstance(name, str):
        raise H2OTypeError(f"A column name must be a string; got {name!r} of type {type(name).__name__}.")
    if type_ not in TYPES:
        raise H2OValueError(f"The type of column '{name}' must be one of {', '.join(TYPES)}; got {type_!r}.")
    if (type_ == "enum") != (domain is not None):
        got = "none" if domain is None else f"{len(domain)} levels for type {type_}"
        raise H2OValueError(f"Exactly the enum columns must have a domain; column '{name}' got {got}.")
    if domain is not None and len(set(domain)) != len(domain):
        twice = next(level for level in domain if list(domain).count(level) > 1)
        raise H2OValueError(f"Levels of column '{name}' must be distinct; {twice!r} occurs more than once.")
    return Column(name, type_, None if domain is None else tuple(domain))  # type: ignore[arg-type]
