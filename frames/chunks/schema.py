"""The ordered columns of a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from frames.chunks.column import Column
from frames.exceptions import H2OTypeError, H2OValueError


@dataclass(frozen=True)
class Schema:
    """Ordered columns with distinct names; no statistics, no rows.

    Raises H2OValueError where two columns share a name.

    >>> schema = Schema((Column("age", "int"), Column("colour", "enum", ("blue", "red"))))
    >>> schema.names, schema.types
    (('age', 'colour'), {'age': 'int', 'colour': 'enum'})
    """

    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        if len(self._positions) != len(self.columns):
            seen: set[str] = set()
            twice = next(c.name for c in self.columns if c.name in seen or seen.add(c.name))
            raise H2OValueError(f"Column names must be distinct; '{twice}' occurs more than once. Rename one of them.")

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {column.name: position for position, column in enumerate(self.columns)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def types(self) -> dict[str, str]:
        """Name -> type, in order."""
        return {column.name: column.type for column in self.columns}

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self._positions

    def __getitem__(self, key: str | int) -> Column:
        return self.columns[self.index(key)]

    def index(self, key: str | int) -> int:
        """Return the position of a column given by name or by position (negative ones count from the end).

        Raises H2OValueError for an unknown name (with the nearest names) or a position out of range.
        """
        if isinstance(key, str):
            if key in self._positions:
                return self._positions[key]
            near = get_close_matches(key, self.names, 3)
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            raise H2OValueError(f"Column '{key}' must be one of the {len(self)} columns of the frame.{hint}")
        if isinstance(key, bool) or not hasattr(key, "__index__"):
            raise H2OTypeError(f"A column must be given by name or position; got {key!r} of type {type(key).__name__}.")
        position = int(key)
        if not -len(self) <= position < len(self):
            raise H2OValueError(f"A column position must lie between {-len(self)} and {len(self) - 1}; got {position}.")
        return position % len(self)

    def select(self, keys: Iterable[str | int]) -> "Schema":
        """Return the schema of the given columns, in the order given."""
        return Schema(tuple(self[key] for key in keys))

    def rename(self, names: Mapping[str, str] | Sequence[str]) -> "Schema":
        """Return the schema under new names: a mapping old -> new, or one name per column.

        Raises H2OValueError for an unknown old name, a wrong number of names or a name that would occur twice.
        """
        if isinstance(names, Mapping):
            for old in names:
                self.index(old)
            names = [names.get(name, name) for name in self.names]
        if len(names) != len(self):
            raise H2OValueError(f"One name per column is needed: {len(self)} columns; got {len(names)} names.")
        for name in names:
            if not isinstance(name, str):
                raise H2OTypeError(f"A column name must be a string; got {name!r} of type {type(name).__name__}.")
        return Schema(tuple(c._replace(name=name) for c, name in zip(self.columns, names, strict=True)))

    def replace(self, column: Column) -> "Schema":
        """Return the schema with the column of that name replaced, or with the column added at the end."""
        if column.name not in self:
            return Schema((*self.columns, column))
        return Schema(tuple(column if c.name == column.name else c for c in self.columns))
