"""Names of columns: made where a source gives none, told apart where it repeats them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from frames.exceptions import tell

_SHOWN = 10


def default_names(names: Sequence[str], width: int) -> list[str]:
    """Return names for `width` columns: C1, C2, ... where they are empty or too few, each once, as pandas does it.

    >>> default_names(["a", "", "a"], 4)
    ['a', 'C2', 'a.1', 'C4']
    """
    full = [names[i] if i < len(names) and names[i] else f"C{i + 1}" for i in range(width)]
    given, seen = frozenset(full), Counter[str]()
    for i, name in enumerate(full):
        seen[name] += 1
        if seen[name] > 1:
            number = seen[name] - 1
            while f"{name}.{number}" in given or f"{name}.{number}" in seen:
                number += 1
            full[i] = f"{name}.{number}"
            seen[full[i]] += 1
    return full


def tell_of_repeated_names(given: Sequence[str], names: Sequence[str], where: str, option: str = "col_names") -> None:
    """Warn where a source gives several columns one name; `names` are what `default_names` made of them."""
    twice = [name for name, count in Counter(given).items() if name and count > 1]
    if not twice:
        return
    called = [names[i] for i, name in enumerate(given) if name == twice[0]]
    tell(
        f"Names of columns must be distinct; {len(twice)} of {where} occur more than once. '{twice[0]}' stands for "
        f"{len(called)} columns, which are called {', '.join(called[:_SHOWN])}. Give {option} to call them otherwise."
    )


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Tell equal names apart by a number, as H2O does when frames are bound: a, a -> a, a0."""
    taken: set[str] = set()
    result = []
    for name in names:
        free, count = name, 0
        while free in taken:
            free, count = f"{name}{count}", count + 1
        taken.add(free)
        result.append(free)
    return tuple(result)
